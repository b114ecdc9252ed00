"""Judges calls for some minutes, each with one of the forms of signatures in turn. See the package's docstring."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Iterator

from tests.fuzz import counts
from tests.fuzz.shapes.calls import Call, conformance_calls, golden_calls
from tests.fuzz.shapes.judging import KNOWN, judge


def trials(only: str, numbers: bool, first: int) -> Iterator[tuple[Call, int, str, int]]:
    """(call, seed, what is known, position of the number that comes from an extent or -1) from a first seed on."""
    calls = [c for c in itertools.chain(golden_calls(), conformance_calls()) if only in c.name]
    chosen = [(c, i) for c in calls for i in (range(c.numbers) if numbers else [-1])]
    while chosen:
        for place in range(first % len(chosen), len(chosen)):
            call, number = chosen[place]
            yield call, first, KNOWN[(first + first // len(chosen)) % len(KNOWN)], number
            first += 1


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1 << 60, help="of seeds, at most")
    parser.add_argument("--only", default="", help="a part of the calls' names")
    parser.add_argument(
        "--numbers", action="store_true", help="compute a number of each call from an extent"
    )
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    calls = compared = 0
    found = []
    seed = options.first
    for call, seed, known, number in trials(options.only, options.numbers, options.first):
        if time.monotonic() > end or seed >= options.first + options.count:
            break
        runs, finds = judge(call, seed, known, number)
        calls, compared = calls + 1, compared + runs
        for find in finds:
            found.append(counts.find(seed, find.kind, f"{call.name}: {find.text}"))
            what = f"number {number}" if number >= 0 else known
            print(
                f"seed {seed}: {call.name} ({what}): {find.kind} {find.shapes}: {find.text}",
                flush=True,
            )
            if find.kind == "error":
                break
    target = "make fuzz-shapes" + (" NUMBERS=1" if options.numbers else "")
    if not options.only and calls:
        counts.add(
            target,
            (options.first, options.first + calls - 1),
            {"calls": calls, "runs": compared},
            found,
        )
    print(f"{calls} calls to seed {seed}, {compared} runs compared, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
