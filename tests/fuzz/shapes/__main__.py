"""Judges calls for some minutes, each with one of the forms of signatures in turn. See the package's docstring.

Errors are no finds where TensorFlow, if TENSORFLOW_PYTHON names a Python that has it, refuses to trace the call as well.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time

from penstock._src.core.values import memory_limit
from tests.fuzz import counts
from tests.fuzz.shapes.judging import judge
from tests.fuzz.shapes.tensorflow_peer import VARIABLE, refused
from tests.fuzz.shapes.trials import choices, trial

MEMORY = 4 << 30  # bytes of arrays, at most: eager calls that need more are skipped


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1 << 60, help="of seeds, at most")
    parser.add_argument("--shapes", type=int, default=20, help="that each call is made with")
    parser.add_argument("--only", default="", help="a part of the calls' names")
    parser.add_argument(
        "--numbers", action="store_true", help="compute a number of each call from an extent"
    )
    options = parser.parse_args()
    memory_limit.set_limit(MEMORY)
    end = time.monotonic() + 60 * options.minutes
    calls = compared = 0
    found, errors = [], {}
    seed = options.first
    chosen = choices(options.only, options.numbers)
    for seed in itertools.count(options.first) if chosen else ():
        if time.monotonic() > end or seed >= options.first + options.count:
            break
        call, number, known = trial(chosen, seed)
        runs, finds = judge(call, seed, known, number, options.shapes, watches=True)
        calls, compared = calls + 1, compared + runs
        for find in finds:
            about = counts.find(seed, find.kind, f"{call.name}: {find.text}")
            if find.kind == "error":
                errors[seed] = about
            else:
                found.append(about)
            what = f"number {number}" if number >= 0 else known
            print(
                f"seed {seed}: {call.name} ({what}): {find.kind} {find.shapes}: {find.text}",
                flush=True,
            )
            break  # further ones are mostly the same
    excused = refused(os.environ.get(VARIABLE, ""), options.only, options.numbers, list(errors))
    found += [about for seed, about in errors.items() if seed not in excused]
    target = "make fuzz WHICH=shapes" + (" NUMBERS=1" if options.numbers else "")
    if not options.only and calls:
        counts.add(
            target,
            (options.first, options.first + calls - 1),
            {"calls": calls, "runs": compared},
            found,
        )
    print(f"TensorFlow refuses seeds {sorted(excused)}, too")
    print(f"{calls} calls to seed {seed}, {compared} runs compared, {len(found)} differ")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
