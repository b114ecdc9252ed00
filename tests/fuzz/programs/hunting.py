"""Starts workers for some minutes, gathers what they report, writes finds to a folder, adds what was run to the counts."""

import collections
import hashlib
import queue
import time
from pathlib import Path

from tests.fuzz import counts as totals
from tests.fuzz.programs.processes import Worker


def add_options(parser):
    """What every fuzzer of programs takes."""
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--finds", type=Path, default=Path("fuzz-finds"))
    parser.add_argument("--seed", type=int, help="run only this one, and print it")


def write(folder, report, find):
    """Writes a find; returns whether its cause is new."""
    name = hashlib.sha256(find["cause"].encode()).hexdigest()[:8]
    path = folder / f"{find['kind']}-{name}-{report['seed']}.py"
    new = not list(folder.glob(f"{find['kind']}-{name}-*"))
    head = f'"""Seed {report["seed"]}, {find["way"]}: {find["what"]}"""\n\n'
    path.write_text(head.replace("\\", "/") + find["text"])
    return new


def hunt(target, module, options, count, more=()):
    """Draws for a while; returns how many finds there were.

    Args:
      target: whose counts it adds to.
      module: the worker's.
      options: of the command line, see `add_options`.
      count: function of a report that gives what is counted of it, {name: number}.
      more: arguments of workers.
    """
    options.finds.mkdir(parents=True, exist_ok=True)
    reports = queue.Queue()
    workers = [
        Worker(module, options.first + i, options.workers, reports, more)
        for i in range(options.workers)
    ]
    begun, said, late = time.monotonic(), time.monotonic(), 0
    counts: collections.Counter[str] = collections.Counter()
    finds, causes, last = [], 0, options.first
    while time.monotonic() - begun < options.minutes * 60:
        for worker in workers:
            worker.look()
        try:
            report = reports.get(timeout=1)
        except queue.Empty:
            continue
        counts += collections.Counter(count(report))
        last = max(last, report["seed"])
        for find in report["finds"]:
            new = write(options.finds, report, find)
            causes, late = causes + new, late + 1
            what = f"{find['way']}: {find['what']}"
            finds.append(totals.find(report["seed"], find["kind"], what))
            print(f"seed {report['seed']}: {find['way']}: {find['kind']}: {find['what'][:150]}"
                  f" ({find['steps']} steps{', new' if new else ''})", flush=True)  # fmt: skip
        if time.monotonic() - said > 60:
            said = time.monotonic()
            minutes = (said - begun) / 60
            print(f"{minutes:.0f} min, {options.workers} workers: {dict(counts)} "
                  f"({counts['programs'] / minutes:.1f} programs a minute), to seed {last}; "
                  f"{len(finds)} finds, {late} in the last minute, {causes} new causes", flush=True)  # fmt: skip
            late = 0
    for worker in workers:
        worker.process.kill()
    totals.add(target, (options.first, last), dict(counts), finds)
    print(f"{counts['programs']} programs to seed {last}, {len(finds)} finds in {options.finds}")
    return len(finds)
