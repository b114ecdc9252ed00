"""Runs cases in a process that may die of them: `python -m tests.fuzz.advisories.worker LIBRARY FIRST LAST`.

A seed is twice the place of a case, and one more for its call within a function.
"""

import importlib
import sys

from tests.fuzz import surviving
from tests.fuzz.advisories.cases import CASES
from tests.fuzz.advisories.judging import judged


def main() -> None:
    library, first, last = sys.argv[1:]
    tf = importlib.import_module(library)
    tf.add(tf.constant(1.0), 1.0)
    surviving.limit_memory()
    surviving.say({"ready": True})
    for seed in range(int(first), int(last)):
        case, in_function = CASES[seed // 2], bool(seed % 2)
        surviving.say({"seed": seed, **judged(tf, case, in_function)})


if __name__ == "__main__":
    main()
