"""Draws and runs cases one after another."""

import argparse
import collections
import sys
import time

from tests.fuzz.kernels.drawing import draw
from tests.fuzz.kernels.loops import failure_of_loop, loop
from tests.fuzz.kernels.running import failure
from tests.fuzz.kernels.shrinking import shrink


def main() -> int:
    """Returns how many cases failed, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run only this one")
    parser.add_argument("--loops", action="store_true", help="draw loops over states")
    options = parser.parse_args()
    if options.loops:
        return loops(options)
    if options.seed is not None:
        case = draw(options.seed)
        print(case)
        text = failure(case)
        print(text)
        if text:
            print(shrink(case, text))
        return bool(text)
    begun, seed, kinds = time.monotonic(), options.first, collections.Counter()
    while time.monotonic() - begun < 60 * options.minutes:
        case = draw(seed)
        text = failure(case)
        if text:
            kinds[text[:30]] += 1
            print(f"seed {seed}: {text}", flush=True)
            print(f"  {shrink(case, text) if kinds[text[:30]] <= 3 else case}", flush=True)
        seed += 1
    print(f"{seed - options.first} cases to seed {seed - 1}: {sum(kinds.values())} finds")
    return bool(kinds)


def loops(options: argparse.Namespace) -> int:
    """The same for loops over states: each is one seed, and no smaller one is looked for."""
    if options.seed is not None:
        print(loop(options.seed))
        print(text := failure_of_loop(options.seed))
        return bool(text)
    begun, seed, finds = time.monotonic(), options.first, 0
    while time.monotonic() - begun < 60 * options.minutes:
        if text := failure_of_loop(seed):
            finds += 1
            print(f"seed {seed}: {text}", flush=True)
        seed += 1
    print(f"{seed - options.first} loops to seed {seed - 1}: {finds} finds")
    return bool(finds)


if __name__ == "__main__":
    sys.exit(main())
