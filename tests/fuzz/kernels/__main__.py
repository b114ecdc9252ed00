"""Draws and runs cases one after another."""

import argparse
import collections
import sys
import time

from tests.fuzz.kernels.drawing import draw
from tests.fuzz.kernels.running import failure
from tests.fuzz.kernels.shrinking import shrink


def main() -> int:
    """Returns how many cases failed, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run only this one")
    options = parser.parse_args()
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


if __name__ == "__main__":
    sys.exit(main())
