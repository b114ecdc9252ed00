"""Starts workers, gathers what they report, writes finds to a folder. See the package's docstring."""

import argparse
import collections
import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.fuzz import counts as totals

HANGING = 240  # seconds that a program may take, shrinking included


class Worker:
    """A process that runs seeds first, first + step, ...; started again after a crash."""

    def __init__(self, first, step, reports, ways):
        self.step, self.reports, self.ways = step, reports, ways
        self.seed, self.next = None, first
        self.start()

    def start(self):
        environment = {"PENSTOCK_CACHE_DIR": "none", "PENSTOCK_OPTIMIZE": "0", **os.environ}
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.programs.worker",
            str(self.next),
            str(self.step),
            *self.ways,
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        self.begun = time.monotonic()
        threading.Thread(target=self.listen, args=(self.process,), daemon=True).start()

    def listen(self, process):
        for line in process.stdout:
            report = json.loads(line)
            if "start" in report:
                self.seed, self.begun = report["start"], time.monotonic()
                self.next = self.seed + self.step
            else:
                self.seed = None
                self.reports.put(report)

    def look(self):
        """Starts the process again if it has ended or hangs; reports the seed that it was at."""
        hangs = time.monotonic() - self.begun > HANGING
        if hangs:
            self.process.kill()
        code = self.process.wait() if hangs else self.process.poll()
        if code is None:
            return
        if self.seed is not None:
            what = f"hangs for {HANGING} s" if hangs else f"the process ended with {code}"
            find = {
                "way": "process",
                "kind": "crash",
                "what": what,
                "cause": what,
                "text": "",
                "steps": 0,
            }
            self.reports.put({"seed": self.seed, "steps": 0, "draw": 0, "run": 0, "finds": [find]})
        self.start()


def write(folder, report, find):
    """Writes a find; returns whether its cause is new."""
    name = hashlib.sha256(find["cause"].encode()).hexdigest()[:8]
    path = folder / f"{find['kind']}-{name}-{report['seed']}.py"
    new = not list(folder.glob(f"{find['kind']}-{name}-*"))
    head = f'"""Seed {report["seed"]}, {find["way"]}: {find["what"]}"""\n\n'
    path.write_text(head.replace("\\", "/") + find["text"])
    return new


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--finds", type=Path, default=Path("fuzz-finds"))
    parser.add_argument("--seed", type=int, help="run only this one, and print it")
    parser.add_argument(
        "--ways", nargs="+", default=[], help="of oracles.py; 'card' is the emulated one"
    )
    options = parser.parse_args()
    if options.seed is not None:
        show(options)
        return
    options.finds.mkdir(parents=True, exist_ok=True)
    reports = queue.Queue()
    workers = [
        Worker(options.first + i, options.workers, reports, options.ways)
        for i in range(options.workers)
    ]
    begun, said = time.monotonic(), time.monotonic()
    counts: collections.Counter[str] = collections.Counter()
    finds = []
    while time.monotonic() - begun < options.minutes * 60:
        for worker in workers:
            worker.look()
        try:
            report = reports.get(timeout=1)
        except queue.Empty:
            continue
        counts["programs"] += bool(report["steps"])
        counts["steps"] += report["steps"]
        counts["calls"] += report.get("calls", 0)
        counts["beside TensorFlow"] += "tensorflow" in report.get("ways", ())
        counts["last"] = max(counts["last"], report["seed"])
        for find in report["finds"]:
            new = write(options.finds, report, find)
            counts["finds"] += 1
            counts["causes"] += new
            counts["late"] += 1
            finds.append(
                totals.find(report["seed"], find["kind"], f"{find['way']}: {find['what']}")
            )
            print(f"seed {report['seed']}: {find['way']}: {find['kind']}: {find['what'][:150]}"
                  f" ({find['steps']} steps{', new' if new else ''})", flush=True)  # fmt: skip
        if time.monotonic() - said > 60:
            said = time.monotonic()
            minutes = (said - begun) / 60
            print(f"{minutes:.0f} min, {options.workers} workers: {counts['programs']} programs "
                  f"({counts['programs'] / minutes:.1f} a minute) of {counts['steps']} steps, to seed {counts['last']}; "
                  f"{counts['finds']} finds, {counts['late']} in the last minute, {counts['causes']} new causes", flush=True)  # fmt: skip
            counts["late"] = 0
    for worker in workers:
        worker.process.kill()
    sums = {name: counts[name] for name in ("programs", "steps", "calls", "beside TensorFlow")}
    totals.add("make fuzz", (options.first, counts["last"]), sums, finds)
    print(
        f"{counts['programs']} programs to seed {counts['last']}, {counts['finds']} finds in {options.finds}"
    )
    sys.exit(1 if counts["finds"] else 0)


def show(options):
    import penstock as tf
    from tests.fuzz.programs import oracles, worker
    from tests.fuzz.programs.drawing import draw
    from tests.fuzz.programs.program import render

    with oracles.eagerly(tf):
        program = draw(tf, options.seed)
    for p in program.parameters:
        print(f"{p.name}: {p.dtype} {p.shapes} known as {p.known}")
    print(render(program))
    report = worker.run(options.seed, ways=options.ways or list(oracles.WAYS))
    for find in report["finds"]:
        print(f"# {find['way']}: {find['kind']}: {find['what']}\n{find['text']}")


main()
