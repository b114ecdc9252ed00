"""Runs scenes, each in a process of its own.

python -m tests.soak
python -m tests.soak retraces abandoned_datasets --count 500
python -m tests.soak sessions --minutes 10
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from tests.soak.run import keep_little, run
from tests.soak.scenes import SCENES

FIRST_STEPS = 20


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", help=f"of {', '.join(SCENES)}; default: all")
    parser.add_argument("--count", type=int, help="steps; default: what each scene has")
    parser.add_argument("--minutes", type=float, help="of each scene, instead of a number of steps")
    parser.add_argument("--here", action="store_true", help="one scene, in this process")
    asked = parser.parse_args()
    if asked.here:
        return _run_here(*asked.scenes, asked.count, asked.minutes)
    failed = []
    for name in asked.scenes or SCENES:
        if subprocess.run(command(name, asked.count, asked.minutes)).returncode:
            failed.append(name)
    print(
        f"{len(failed)} scenes have grown: {', '.join(failed)}" if failed else "nothing has grown"
    )
    return bool(failed)


def command(name: str, count: int | None = None, minutes: float | None = None) -> list[str]:
    """The command that runs a scene in a process of its own."""
    length = ["--count", str(count)] if count else []
    length += ["--minutes", str(minutes)] if minutes else []
    return [sys.executable, "-m", "tests.soak", name, "--here", *length]


def _run_here(name: str, count: int | None, minutes: float | None) -> int:
    scene = SCENES[name]
    keep_little()
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        step = scene.begin()
        report = run(step, _steps_in(step, minutes) if minutes else count or scene.count)
    print(f"{name}: {report.text}", flush=True)
    for line in report.wrong:
        print(f"  {line}", flush=True)
    return bool(report.wrong)


def _steps_in(step: Callable[[int], None], minutes: float) -> int:
    """About how many steps there are in some minutes, by the time of the first."""
    step(0)
    start = time.perf_counter()
    for i in range(1, FIRST_STEPS + 1):
        step(i)
    seconds = (time.perf_counter() - start) / FIRST_STEPS
    return max(FIRST_STEPS, int(60 * minutes / seconds))


if __name__ == "__main__":
    sys.exit(main())
