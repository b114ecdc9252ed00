"""Kills processes while they save, and says of how many the last whole file could not be loaded.

python -m tests.fuzz.kills --count 1000
python -m tests.fuzz.kills --count 20 --kinds saved_model shards --seed 7
"""

import argparse
import collections
import logging
import random
import shutil
import sys
import tempfile

import penstock

penstock.install_as_tensorflow()

from tests.fuzz.kills.kinds import KINDS  # noqa: E402  (must find the stand-in)
from tests.fuzz.kills.rounds import kill_once, refuse_once  # noqa: E402

# Every so many rounds, files may not grow instead of the process being killed.
REFUSED_EVERY = 10
# Rounds after which a folder is begun anew: a new process finds what killed ones left.
ROUNDS_OF_A_FOLDER = 5


def run(kind: str, count: int, seed: int) -> list[str]:
    """Kills `count` processes; returns what was wrong."""
    choice = random.Random(f"{kind} {seed}")
    wrong = []
    folder, version = "", 0
    for number in range(count):
        if number % ROUNDS_OF_A_FOLDER == 0:
            if folder:
                shutil.rmtree(folder)
            folder, version = tempfile.mkdtemp(), 0
        is_refused = number % REFUSED_EVERY == REFUSED_EVERY - 1
        last, found = (refuse_once if is_refused else kill_once)(kind, folder, choice, version)
        if found not in (last, last + 1):
            wrong.append(f"{kind} round {number}: version {last} was saved, {found} found")
            shutil.rmtree(folder)
            folder, version = tempfile.mkdtemp(), 0
            continue
        version = found
    shutil.rmtree(folder)
    return wrong


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    given = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter(
        given.kinds[number % len(given.kinds)] for number in range(given.count)
    )
    logging.getLogger("absl").setLevel(logging.ERROR)  # what Keras says about .h5
    failures = 0
    for kind, count in counts.items():
        wrong = run(kind, count, given.seed)
        failures += len(wrong)
        print(f"{kind:16} {count} killed, {len(wrong)} lost", *wrong, sep="\n  ", flush=True)
    print(f"{given.count} killed, {failures} lost")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
