"""Runs races, each in a process of its own.

python -m tests.races --rounds 10000
python -m tests.races snapshots first_trace --rounds 500
"""

import argparse
import faulthandler
import logging
import subprocess
import sys
import time

from tests.races import data, functions, values, variables  # noqa: F401
from tests.races.rounds import RACES, run

STUCK = 1800  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("races", nargs="*", help=f"of {', '.join(RACES)}; default: all")
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--here", action="store_true", help="in this process")
    asked = parser.parse_args()
    names = asked.races or list(RACES)
    if asked.here:
        return _run_here(names, asked.rounds)
    command = [sys.executable, "-m", "tests.races", "--here", "--rounds", str(asked.rounds)]
    failed = [name for name in names if subprocess.run([*command, name]).returncode]
    print(f"wrong: {', '.join(failed)}" if failed else f"{len(names)} races, none wrong")
    return bool(failed)


def _run_here(names: list[str], rounds: int) -> int:
    faulthandler.enable()
    faulthandler.dump_traceback_later(STUCK, exit=True)
    logging.getLogger("penstock").setLevel(logging.ERROR)  # functions that are traced often
    is_on = getattr(sys, "_is_gil_enabled", lambda: True)()
    all_wrong = []
    for name in names:
        start = time.process_time()
        wrong = run(name, rounds)
        spent = time.process_time() - start
        kind = "with" if is_on else "without"
        print(
            f"{name}: {rounds} rounds {kind} GIL, {len(wrong)} wrong, {spent:.1f} s of CPU",
            flush=True,
        )
        print(*wrong, sep="\n", end="\n" if wrong else "", flush=True)
        all_wrong += wrong
    return bool(all_wrong)


if __name__ == "__main__":
    sys.exit(main())
