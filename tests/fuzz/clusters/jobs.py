"""Jobs: starts four workers, puts the fault in, waits for their end, and holds what they leave against a run without faults."""

import atexit
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import penstock as tf
from penstock._src.util.process.ports import free_ports
from tests.fuzz.clusters import job
from tests.fuzz.clusters.faults import KINDS, NAMED, SAVED, UNDISTURBED, WORKERS, Fault
from tests.harness.processes import ROOT, lean

CLONE_NEWNET = 0x40000000
LONGEST = 60.0  # seconds of a whole job
ENDED_WITHIN = 10.0  # of its fault, where it has to end
RESTART_STATUS = 42
GONE = r"Rank {} of 4|rank {} of 4"


class Job:
    """Workers of one job in a folder.

    Args:
      fault: what happens to them.
      folder: of logs and checkpoints; goes on with what lies there.
      hosts: network namespaces (`tests/harness/hosts.py`) for faults of the network; None for workers of this host.
    """

    def __init__(self, fault, folder, hosts=None):
        self.fault, self.folder, self.hosts = fault, folder, hosts
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "fault").unlink(missing_ok=True)
        self.statuses, self._struck = {}, False
        self._running = {}
        self.begun = time.time()
        self.ended = 0.0
        self._given = [str(folder), json.dumps(fault.asdict())]
        if fault.transport == "mpi":
            self._launch()
        else:
            self._fork()

    # -- starting
    def _launch(self):
        """By `penstock launch`; the launcher's status stands for all."""
        where, before, environment = [], [], {}
        if self.hosts is not None:
            where = ["--hosts", ",".join(self.hosts.addresses)]
            before, environment = self.hosts.command(1), self.hosts.environment
        command = [sys.executable, "-m", "penstock", "launch", "-n", str(WORKERS), *where]
        with open(self.folder / "output", "w") as output:
            started = subprocess.Popen(
                [*before, *command, job.__file__, *self._given],
                cwd=ROOT, env=lean(environment), stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._running[started.pid] = 0

    def _fork(self):
        """By forks of this process, which has imported everything, each with its TF_CONFIG."""
        if self.hosts is None:
            workers = [f"localhost:{port}" for port in free_ports(WORKERS)]
        else:
            workers = [f"{address}:7077" for address in self.hosts.addresses]
        for rank in range(WORKERS):
            task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": rank}}
            child = os.fork()
            if not child:
                self._work(rank, task)
            self._running[child] = rank

    def _work(self, rank, task):
        status = 1
        try:
            output = os.open(self.folder / f"output-{rank}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            if self.hosts is not None:
                namespace = os.open(f"/run/netns/{self.hosts.prefix}{rank + 1}", os.O_RDONLY)
                assert not ctypes.CDLL(None).setns(namespace, CLONE_NEWNET)
            os.environ["TF_CONFIG"] = json.dumps(task)
            job.main(self.folder, self.fault.asdict())
            status = 0
        except SystemExit as end:
            status = end.code
        except BaseException:
            sys.excepthook(*sys.exc_info())  # ends this process and tells the others
        finally:
            atexit._run_exitfuncs()
            os._exit(status)

    # -- what happens
    def poll(self):
        """Whether all have ended; does faults of the network."""
        if not self._struck and (self.folder / "fault").exists():
            self._struck = True
            if self.fault.kind == "cut":
                self.hosts.cut(self.fault.rank + 1)
            if self.fault.kind == "delay":
                self.hosts.slow_down(self.fault.rank + 1, 1e7 / self.fault.seconds)
        for process, rank in list(self._running.items()):
            found, status = os.waitpid(process, os.WNOHANG)
            if found:
                self.statuses[rank] = os.waitstatus_to_exitcode(status)
                self.ended = time.time()
                del self._running[process]
        if self._awaited() and time.time() < self.begun + LONGEST:
            return False
        self._end()
        return True

    def _awaited(self):
        """The ranks that have to end by themselves."""
        never = {self.fault.rank} if self.fault.kind == "stop" else set()
        return set(self._running.values()) - (never if self.fault.transport == "grpc" else set())

    def _end(self):
        self.late = sorted(self._awaited())
        for process in self._running:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        if self.hosts is not None and self.fault.rank >= 0:
            self.hosts.mend(self.fault.rank + 1)

    # -- what was right
    def output(self, rank=None):
        """What a rank has printed, or all."""
        names = "output*" if rank is None or self.fault.transport == "mpi" else f"output-{rank}"
        return "\n".join(file.read_text() for file in sorted(self.folder.glob(names)))

    def steps(self, rank):
        """{number: [loss, checksum]} as a rank has written them down; a step that was done again twice the same."""
        found, log = {}, self.folder / f"rank-{rank}.jsonl"
        for line in log.read_text().splitlines() if log.exists() else ():
            number, *values = json.loads(line)
            if found.setdefault(number, values) != values:
                raise AssertionError(f"step {number} of rank {rank} gave other values again")
        return found

    @property
    def seconds(self):
        """From the fault to the end of all."""
        struck = self.folder / "fault"
        return self.ended - (float(struck.read_text()) if struck.exists() else self.begun)

    def wrong(self, reference):
        """What is not as it has to be, as texts."""
        ending = KINDS[self.fault.kind].ending if self.fault.kind in KINDS else UNDISTURBED
        found = [f"rank {rank} did not end within {LONGEST:g} s" for rank in self.late]
        for rank in range(WORKERS):
            steps = self.steps(rank)
            found += [
                f"rank {rank}: step {n} is not that of a run without faults"
                for n, values in steps.items()
                if values != reference[n]
            ]
            if ending == UNDISTURBED and max(steps, default=0) != job.STEPS:
                found.append(f"rank {rank} ended after step {max(steps, default=0)}")
        return found + self._wrong_ending(ending) + self._wrong_checkpoint(reference)

    def _wrong_ending(self, ending):
        found = []
        statuses = set(self.statuses.values())
        if ending == UNDISTURBED and statuses != {0}:
            found.append(f"ended with {statuses}")
        if ending == SAVED and statuses != {RESTART_STATUS}:
            found.append(f"ended with {statuses} instead of {RESTART_STATUS}")
        if ending != UNDISTURBED and self.seconds > ENDED_WITHIN:
            found.append(f"ended {self.seconds:.1f} s after the fault")
        if ending == NAMED:
            if 0 in statuses:
                found.append(f"ended with {statuses}")
            # At a cut, those beyond it name those on this side.
            rank = r"\d" if self.fault.kind == "cut" else str(self.fault.rank)
            others = [r for r in range(WORKERS) if r != self.fault.rank]
            for other in [None] if self.fault.transport == "mpi" else others:
                if not re.search(GONE.format(rank, rank), self.output(other)):
                    found.append(f"rank {other} names nobody: {self.output(other)[-300:]}")
        return found

    def _wrong_checkpoint(self, reference):
        """Loads the latest checkpoint, if there has been one."""
        latest = tf.train.latest_checkpoint(str(self.folder / "checkpoints"))
        if latest is None:
            done = min(max(self.steps(rank), default=0) for rank in range(WORKERS))
            # The one after a step is written while the next ones run.
            return [f"no checkpoint after step {done}"] if done > 2 * job.EVERY else []
        reader = tf.train.load_checkpoint(latest)

        def variable(name):
            return tf.constant(reader.get_tensor(f"{name}/.ATTRIBUTES/VARIABLE_VALUE"))

        weights, moments = (
            [variable(f"{name}/{i}") for i in range(2)] for name in ("weights", "moments")
        )
        done = int(variable("done"))
        if done and job.checksum(weights, moments) != reference[done][1]:
            return [f"the checkpoint of step {done} is not of that step"]
        return []


def clean(folder):
    """Removes a job's folder."""
    shutil.rmtree(folder, ignore_errors=True)


def reference(transport, folder, hosts):
    """The steps of a run without faults."""
    clean(folder)
    run = Job(Fault(transport, "none"), folder, hosts)
    while not run.poll():
        time.sleep(0.02)
    steps = run.steps(0)
    if set(run.statuses.values()) != {0} or len(steps) != job.STEPS:
        raise SystemExit(f"A job without faults has failed: {run.output()}")
    return steps
