"""The launcher of an elastic job: starts, watches and ends workers, and keeps the membership that they ask."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.cluster.elastic import job_file
from penstock._src.cluster.elastic.member import ADDRESS, NUMBER
from penstock._src.cluster.elastic.membership import SERVICE, Membership
from penstock._src.cluster.rpc.server import RpcServer
from penstock._src.util.flags import flags

LOOK_EVERY = 0.1  # seconds between looks at the processes
END_WITHIN = 2.0  # seconds that workers have to end
SAVE_WITHIN = 25.0  # after the launcher gets SIGTERM: Kubernetes gives it 30
READ_WITHIN = 1.0  # seconds in which the rest of their output arrives
# Heartbeat limits after which a silent worker is ended: the others noticed it after one.
SILENCES = 4
WORKER = "penstock._src.bridge.cli.cluster.elastic_worker"


@dataclass
class _Process:
    """A worker's process and the threads that forward what it prints."""

    running: subprocess.Popen[bytes]
    readers: list[threading.Thread]


class ElasticJob:
    """A job whose number of workers changes.

    Args:
      membership: how many workers there may be, and should be.
      program: what they run.
      environment: of the workers.
      restarts: how many lost workers are replaced.
      file: where the job's address is written, if anywhere.
    """

    def __init__(
        self,
        membership: Membership,
        program: Sequence[str],
        environment: dict[str, str],
        restarts: int,
        file: str,
    ) -> None:
        self._membership, self._restarts, self._file = membership, restarts, file
        self._command = [sys.executable, "-m", WORKER, str(os.getpid()), *program]
        self._environment = environment
        self._processes: dict[int, _Process] = {}
        self._numbers = 0
        self._planned = membership.wanted  # of workers for which processes were started
        # The second is that of members that failed after others had finished the program.
        self._status = self._late_status = 0
        self._printing = threading.Lock()

    def run(self) -> int:
        """Returns 0 if all members of the last generation finished the program, else the status of a worker that failed there or whose loss ended the job."""
        methods = {
            "Join": self._membership.join,
            "Beat": self._membership.beat,
            "Record": self._membership.record,
            "Status": self._membership.status,
            "Resize": self._membership.resized,
        }
        server = RpcServer("localhost:0", SERVICE, methods)
        address = f"localhost:{server.port}"
        self._environment[ADDRESS] = address
        within = END_WITHIN
        try:
            self._say(f"elastic job at {address} (penstock resize {address} N)")
            if self._file:
                self._write_file(address)
            for _ in range(self._membership.wanted):
                self._start()
            while self._processes and not self._is_lost():
                time.sleep(LOOK_EVERY)
                self._look()
        except SystemExit:
            within = SAVE_WITHIN
            raise
        finally:
            self._end(within)
            server.stop()
            if self._file:
                job_file.remove(self._file, self._membership.job)
        return self._late_status if self._membership.is_over else self._status or 1

    def _write_file(self, address: str) -> None:
        try:
            job_file.write(self._file, address, self._membership.job)
        except OSError as error:
            raise Refused(f"--job {self._file} cannot be written: {error.strerror}.") from None

    def _is_lost(self) -> bool:
        """True if too few workers are left."""
        left, least = self._membership.running, self._membership.least
        if self._membership.is_over or left >= least:
            return False
        self._say(f"{left} workers are left, fewer than {least} (--elastic): the job has ended.")
        return True

    def _look(self) -> None:
        """Sees which processes have ended, ends those that are stopped or superfluous, and starts others."""
        for number, process in list(self._processes.items()):
            status = process.running.poll()
            if status is not None:
                self._note_end(number, status)
        if flags.heartbeat > 0:
            for number in self._membership.silent(SILENCES * flags.heartbeat):
                self._say(f"worker {number} has not answered, and is killed.")
                self._processes[number].running.kill()
        self._start_or_end_others()

    def _start_or_end_others(self) -> None:
        wanted, members = self._membership.wanted, self._membership.generation.members
        outside = [n for n in self._processes if n not in members]
        if self._membership.is_over:
            superfluous = outside
        else:
            excess = max(self._membership.running - wanted, 0)
            superfluous = outside[len(outside) - min(excess, len(outside)) :] if members else []
        for number in superfluous:
            process = self._processes.pop(number)
            process.running.kill()
            process.running.wait()
            self._membership.end(number, False)
        if wanted > self._planned:
            for _ in range(wanted - self._membership.running):
                self._start()
        self._planned = wanted

    def _note_end(self, number: int, status: int) -> None:
        process = self._processes.pop(number)
        was_over = self._membership.is_over and number in self._membership.generation.members
        for reader in process.readers:
            reader.join(READ_WITHIN)
        self._membership.end(number, not status)
        if not status:
            return
        why = f"it ended with status {status}"
        if status < 0:
            why = f"it was killed by signal {-status} ({signal.Signals(-status).name})"
        self._status = max(status, 1)
        if was_over:
            self._late_status = self._status
        self._say(f"worker {number} (process {process.running.pid}) failed: {why}.")
        if self._restarts and not self._membership.is_over:
            self._restarts -= 1
            self._say(f"starting another ({self._restarts} restarts left).")
            self._start()
        elif not self._membership.is_over:
            left = max(self._membership.running, self._membership.least)
            self._membership.wanted = self._planned = min(self._membership.wanted, left)

    def _start(self) -> None:
        number, self._numbers = self._numbers, self._numbers + 1
        self._membership.start(number)
        running = subprocess.Popen(
            self._command,
            env={**self._environment, NUMBER: str(number)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        readers = [
            threading.Thread(target=self._forward, args=(number, source, target), daemon=True)
            for source, target in ((running.stdout, sys.stdout), (running.stderr, sys.stderr))
        ]
        for reader in readers:
            reader.start()
        self._processes[number] = _Process(running, readers)

    def _forward(self, number: int, source: IO[bytes], target: IO[str]) -> None:
        """Copies lines, each with the number of its worker."""
        with source:
            for raw in source:
                with self._printing:
                    line = raw.decode(errors="replace").rstrip("\r\n")
                    print(f"[{number}] {line}", file=target, flush=True)

    def _say(self, text: str) -> None:
        with self._printing:
            print(f"penstock launch: {text}", file=sys.stderr, flush=True)

    def _end(self, within: float) -> None:
        """Terminates all processes, and kills those that have not ended in time."""
        for process in self._processes.values():
            process.running.terminate()
        until = time.monotonic() + within
        for process in self._processes.values():
            try:
                process.running.wait(max(until - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.running.kill()
                process.running.wait()
            for reader in process.readers:
                reader.join(READ_WITHIN)


def bounds(text: str, count: int) -> tuple[int, int]:
    """Returns the two numbers of `--elastic MIN:MAX`.

    Args:
      text: of the option.
      count: how many workers there are at the beginning.

    Raises:
      Refused: the text is not MIN:MAX, or `count` is outside of it.
    """
    least, _, most = text.partition(":")
    if not (least.isdecimal() and most.isdecimal()) or not 1 <= int(least) <= count <= int(most):
        raise Refused(
            f"--elastic must be MIN:MAX with 1 <= MIN <= -n <= MAX. Received {text!r} and -n {count}."
        )
    return int(least), int(most)
