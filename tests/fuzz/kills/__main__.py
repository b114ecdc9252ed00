"""Kills processes while they save, and says of how many the last whole file could not be loaded.

python -m tests.fuzz.kills --count 1000
python -m tests.fuzz.kills --count 20 --kinds saved_model shards --seed 7
"""

import argparse
import collections
import contextlib
import importlib
import logging
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator

import penstock

penstock.install_as_tensorflow()

from tests.fuzz.kills.kinds import KINDS  # noqa: E402  (must find the stand-in)
from tests.fuzz.kills.rounds import (  # noqa: E402
    file_system,
    fill_once,
    forbid_once,
    kill_once,
    refuse_once,
)

# Kinds that Keras saves.
OF_KERAS = {"keras", "h5", "weights", "sharded_weights"}
# Rounds in a folder before a new one: a new process finds what killed ones left.
ROUNDS_OF_A_FOLDER = 5


@contextlib.contextmanager
def _plain_folder() -> Iterator[str]:
    folder = tempfile.mkdtemp()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def run(kind: str, count: int, seed: int) -> list[str]:
    """Kills `count` processes; returns what was wrong.

    In the last round of every second folder saving is refused instead: files may not grow, and, for root, the disk is full, or nothing
    may be written.
    """
    choice = random.Random(f"{kind} {seed}")
    refusals = [refuse_once, fill_once, forbid_once] if os.geteuid() == 0 else [refuse_once]
    wrong = []
    for first in range(0, count, ROUNDS_OF_A_FOLDER):
        place = first // ROUNDS_OF_A_FOLDER
        refuse = refusals[(place // 2 + seed) % len(refusals)] if place % 2 else kill_once
        version = 0
        with _plain_folder() if refuse in (kill_once, refuse_once) else file_system() as folder:
            for number in range(first, min(first + ROUNDS_OF_A_FOLDER, count)):
                is_last = number % ROUNDS_OF_A_FOLDER == ROUNDS_OF_A_FOLDER - 1
                once = refuse if is_last else kill_once
                last, found = once(kind, folder, choice, version)
                if found not in (last, last + 1):
                    name = f"{kind} round {number} ({once.__name__})"
                    wrong.append(f"{name}: version {last} was saved, {found} found")
                    break
                version = found
    return wrong


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    given = parser.parse_args()
    if not OF_KERAS.isdisjoint(given.kinds):
        importlib.import_module("keras")  # once, not in every fork
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
