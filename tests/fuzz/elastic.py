"""python -m tests.fuzz.elastic [--seed N] [--faults N]: an elastic job that is told to change from 4 to 2 to 6 workers, whose workers are killed and stopped.

Every worker has to make the steps of a job of one worker, with its losses within rounding; the job has to end in order, and no process may be left.
"""

import argparse
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from penstock._src.bridge.cli.cluster.watch import is_alive
from tests.harness.processes import ROOT, lean

PROGRAM = ROOT / "tests/distribute/workers/elastic/training.py"
SIZES = (4, 2, 6)
LINE = re.compile(r"\[(\d+)\] (\[[^\]]*\])$")
SECONDS_PER_FAULT = 30
PAUSE = 0.2
CLOSE = 1e-4  # relative difference of losses after many steps


def job(folder, steps, workers, pause, *options):
    what = {"steps": steps, "pause": pause, "folder": str(folder)}
    command = [sys.executable, "-m", "penstock", "launch", "-n", str(workers), *options]
    return subprocess.Popen(
        [*command, str(PROGRAM), json.dumps(what)],
        cwd=ROOT, env=lean(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def losses(started, on_line=lambda number: None):
    """What workers printed: by step, the losses of all of them; and the other lines."""
    made, others = collections.defaultdict(list), []
    for line in started.stdout:
        told = LINE.match(line.strip())
        if told is None:
            others.append(line.rstrip())
            continue
        number, workers, loss = json.loads(told[2])
        made[number].append((workers, loss))
        on_line(number)
    started.wait()
    return made, others


def workers_of(launcher):
    return [int(n) for n in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]


class Faults(threading.Thread):
    """Resizes and hurts a job until it has had its number of faults, or has ended."""

    def __init__(self, started, draw, count, file):
        super().__init__(daemon=True)
        self.started, self.draw, self.count, self.file = started, draw, count, file
        self.told, self.begun, self.processes = [], threading.Event(), set()

    def run(self):
        self.begun.wait(60)
        for number in range(self.count):
            if number % 2 == 0:
                wanted = SIZES[1 + number // 2 % 2]
                subprocess.run(
                    [sys.executable, "-m", "penstock", "resize", self.file, str(wanted)],
                    cwd=ROOT, env=lean(), capture_output=True, timeout=60, check=False,
                )  # fmt: skip
                self.told.append(f"resize {wanted}")
            time.sleep(self.draw.uniform(1, 10))
            if self.started.poll() is not None:
                return
            there = workers_of(self.started.pid)
            self.processes |= set(there)
            if len(there) < 2:
                continue
            kind = self.draw.choice(
                [signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP]
            )
            os.kill(self.draw.choice(there), kind)
            self.told.append(kind.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=int, default=20)
    options = parser.parse_args()
    steps = int(options.faults * 7 / PAUSE)
    with tempfile.TemporaryDirectory() as folder:
        expected, _ = losses(job(folder, steps, 1, 0, "--elastic", "1:1"))
        file = f"{folder}/job"
        restarts = ("--restarts", "1000", "--job", file)
        started = job(folder, steps, SIZES[0], PAUSE, "--elastic", f"1:{SIZES[2]}", *restarts)
        faults = Faults(started, random.Random(options.seed), options.faults, file)
        limit = threading.Timer(60 + options.faults * SECONDS_PER_FAULT, started.kill)
        limit.start()
        faults.start()
        made, others = losses(started, lambda number: faults.begun.set())
        limit.cancel()
    wrong = []
    for number in range(1, steps + 1):
        (_, loss), *_ = expected[number]
        told = {own for _, own in made[number]}
        if not told or any(abs(own - loss) > CLOSE * abs(loss) for own in told):
            wrong.append(f"step {number}: {sorted(told)}, expected {loss}")
    left = [n for n in faults.processes if is_alive(n)]
    sizes = collections.Counter(workers for told in made.values() for workers, _ in told)
    print(
        f"{len(faults.told)} events: {collections.Counter(faults.told)}; steps {sum(map(bool, made.values()))} of {steps}; status {started.returncode}"
    )
    print(
        f"steps of workers by the number of workers: {dict(sorted(sizes.items()))}; processes left: {left}"
    )
    if wrong or left or started.returncode:
        print(*others[-60:], *wrong[:10], sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
