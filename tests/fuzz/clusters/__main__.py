"""Runs jobs with faults: `python -m tests.fuzz.clusters --count 200`; `--seed 7` runs one and keeps its folder."""

import argparse
import contextlib
import os
import tempfile
import time
from pathlib import Path

os.environ["PENSTOCK_HEARTBEAT"] = os.environ.get("PENSTOCK_HEARTBEAT", "4")
os.environ["PENSTOCK_THREADS"] = "1"

import pytest

from tests.fuzz.clusters.faults import KINDS, NAMED, SAVED, WORKERS, Fault, fault
from tests.fuzz.clusters.jobs import Job, clean, reference
from tests.harness.hosts import hosts

RESTARTED = 4  # of so many jobs that ended, one is started again and has to come to the end


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--transports", nargs="+", default=["grpc", "mpi"])
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="penstock-faults-"))
    with contextlib.ExitStack() as stack:
        try:
            made = stack.enter_context(hosts(WORKERS, folder))
        except pytest.skip.Exception as why:
            print(f"no faults of the network: {why}")
            made = None
            given.kinds = [kind for kind in given.kinds if not KINDS[kind].hosts]
        seeds = (
            [given.seed]
            if given.seed is not None
            else range(given.first, given.first + given.count)
        )
        hunt = Hunt(folder, made, [(s, fault(s, given.kinds, given.transports)) for s in seeds])
        hunt.run(given.at_once)
    hunt.table()
    raise SystemExit(bool(hunt.finds))


class Hunt:
    """Jobs with faults.

    Args:
      folder: for their files.
      hosts: network namespaces, or None.
      faults: (seed, Fault) of each job.
    """

    def __init__(self, folder, hosts, faults):
        self.folder, self.hosts, self._left = folder, hosts, list(faults)
        self._references = {}
        self._begun = time.monotonic()
        self.done, self.finds, self.restarted = [], [], 0

    def run(self, at_once):
        for _, each in self._left:
            self._reference(each)
        running = []
        while self._left or running:
            for entry in list(running):
                if entry[1].poll():
                    running.remove(entry)
                    running += self._judge(*entry)
            on_hosts = any(job.hosts for _, job, _ in running)
            for seed, each in self._left:
                if len(running) < at_once and not (on_hosts and self._hosts_of(each)):
                    self._left.remove((seed, each))
                    place = self.folder / f"seed-{seed}"
                    clean(place)
                    running.append((seed, Job(each, place, self._hosts_of(each)), None))
                    break
            time.sleep(0.02)

    def _hosts_of(self, each):
        return self.hosts if each.kind in KINDS and KINDS[each.kind].hosts else None

    def _reference(self, each):
        key = each.transport, self._hosts_of(each) is not None
        if key not in self._references:
            place = self.folder / f"without-{'-'.join(map(str, key))}"
            self._references[key] = reference(each.transport, place, self._hosts_of(each))
        return self._references[key]

    def _judge(self, seed, job, first):
        """Looks at what a job has left; gives the job that goes on from there, as an entry, if there is to be one.

        Args:
          seed: of the fault.
          job: which has ended.
          first: the fault and the seconds of the job that it goes on with, if there was one.
        """
        wrong = job.wrong(self._reference(job.fault))
        fault, seconds = first or (job.fault, job.seconds)
        has_ended = KINDS[fault.kind].ending in (NAMED, SAVED)
        if not wrong and first is None and has_ended and seed % RESTARTED == 0:
            self.restarted += 1
            again = Job(Fault(fault.transport, "none"), job.folder, job.hosts)
            return [(seed, again, (fault, seconds))]
        self.done.append((fault, seconds, wrong))
        text = "; ".join(wrong) or "right"
        print(
            f"{seed:5} {fault}: {seconds:.1f} s{' and started again' if first else ''}: {text}",
            flush=True,
        )
        if wrong:
            self.finds.append(seed)
        else:
            clean(job.folder)
        return []

    def table(self):
        """Prints what came of each kind."""
        print(
            f"\n{'fault':<9}{'transport':<11}{'jobs':>5}{'right':>7}  has to be: seconds from the fault to the end, median and most"
        )
        for kind in KINDS:
            for transport in ("grpc", "mpi"):
                rows = [
                    (s, w) for f, s, w in self.done if (f.kind, f.transport) == (kind, transport)
                ]
                if rows:
                    right, seconds = sum(not w for _, w in rows), sorted(s for s, _ in rows)
                    spent = f"{seconds[len(seconds) // 2]:.1f}, {seconds[-1]:.1f}"
                    print(
                        f"{kind:<9}{transport:<11}{len(rows):>5}{right:>7}  {KINDS[kind].ending}: {spent}"
                    )
        minutes = (time.monotonic() - self._begun) / 60
        print(
            f"{len(self.done)} faults in {minutes:.1f} minutes, {self.restarted} jobs started again, {len(self.finds)} wrong",
            *self.finds,
        )


main()
