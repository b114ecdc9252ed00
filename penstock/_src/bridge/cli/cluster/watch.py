"""Forwards what workers print, and ends all of them when one dies."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from penstock._src.bridge.cli.cluster import events
from penstock._src.bridge.cli.cluster.parent import end_with
from penstock._src.bridge.cli.cluster.starters import Starter

LOOK_EVERY = 0.2  # seconds between looks at the processes
OUTPUT_AFTER = 0.5  # seconds in which others may still print after a failure
# Seconds that workers have to save when the launcher is to end: Kubernetes gives it 30.
SAVE_WITHIN = 25.0
END_WITHIN = 2.0  # seconds that mpiexec has to end its processes
READ_WITHIN = 1.0  # seconds in which the rest of their output arrives
# MPICH's mpiexec prints this about a process that died; the launcher has its own error for it.
BANNER = re.compile(
    r"^(=+\s*$|=  |YOUR APPLICATION TERMINATED|This typically refers|Please see the FAQ)"
)


class Watch:
    """Runs mpiexec until its workers have ended.

    failures  what went wrong, first things first: a rank (None if mpiexec does not say) and the reason
    """

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], starter: Starter
    ) -> None:
        self._label = starter.label
        self.failures: list[events.Event] = []
        self._running: dict[int, events.Event] = {}
        self._printing = threading.Lock()
        launcher = os.getpid()
        self._started = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the launcher alone, which ends the workers
            preexec_fn=lambda: end_with(launcher, signal.SIGTERM),
        )
        self._readers = [
            threading.Thread(target=self._forward, args=(source, target), daemon=True)
            for source, target in (
                (self._started.stdout, sys.stdout),
                (self._started.stderr, sys.stderr),
            )
        ]

    def run(self) -> int:
        """Returns the exit status: 0, that of the first worker that failed, or 1 if one was killed."""
        for reader in self._readers:
            reader.start()
        try:
            while self._started.poll() is None and not self.failures:
                time.sleep(LOOK_EVERY)
                self._look_for_the_dead()
        except SystemExit:
            self._let_save()
            raise
        finally:
            self._end()
        for reader in self._readers:
            reader.join(READ_WITHIN)
        if not self.failures and self._started.returncode:
            self._note_the_unknown()
        return self.failures[0].status or 1 if self.failures else 0

    def error(self, size: int) -> str:
        """One line that says which rank failed, and of what."""
        first = self.failures[0]
        who = f"rank {first.rank} of {size}" if first.rank >= 0 else f"one of {size} ranks"
        where = f" (process {first.process} on {first.host})" if first.process else ""
        return f"{who}{where} failed: {first.text.rstrip('.')}. All ranks have been ended."

    def _forward(self, source: IO[bytes] | None, target: IO[str]) -> None:
        """Copies lines with their ranks, and takes events out."""
        assert source is not None
        for raw in source:
            line = raw.decode(errors="replace").rstrip("\r\n")
            label = self._label.match(line)
            text = line[label.end() :] if label else line
            event = events.read(text)
            if event is not None:
                self._note(event)
            elif label is None and BANNER.match(line):
                continue
            elif text or label is None:
                with self._printing:
                    print(f"[{label[1]}] {text}" if label else line, file=target, flush=True)

    def _note(self, event: events.Event) -> None:
        if event.kind == events.STARTED:
            self._running[event.rank] = event
            return
        self._running.pop(event.rank, None)
        if event.kind == events.FAILED:
            self.failures.append(event)

    def _look_for_the_dead(self) -> None:
        """Notes workers of this host that disappeared without a message: the kernel, or another process, killed them."""
        for event in list(self._running.values()):
            if event.host == socket.gethostname() and not is_alive(event.process):
                time.sleep(OUTPUT_AFTER)  # its last words may be on their way, and mpiexec's
                if event.rank in self._running and not self.failures:
                    self._note_the_dead(event)

    def _note_the_dead(self, event: events.Event) -> None:
        text = "it is gone without a word"
        self.failures.append(
            events.Event(event.rank, events.FAILED, text, 1, event.process, event.host)
        )

    def _note_the_unknown(self) -> None:
        """Notes that mpiexec failed: the worker that did not say how it ended, if there is one."""
        silent = sorted(self._running.values(), key=lambda event: is_alive(event.process))
        if len(silent) == 1:
            self._note_the_dead(silent[0])
            return
        status = self._started.returncode
        self.failures.append(
            events.Event(-1, events.FAILED, f"mpiexec ended with status {status}", 1)
        )

    def _let_save(self) -> None:
        """Signals the workers of this host to end, and waits until they have; workers of other hosts save with them."""
        for event in list(self._running.values()):
            if event.host == socket.gethostname() and is_alive(event.process):
                os.kill(event.process, signal.SIGTERM)
        until = time.monotonic() + SAVE_WITHIN
        while self._started.poll() is None and not self.failures and time.monotonic() < until:
            time.sleep(LOOK_EVERY)

    def _end(self) -> None:
        """Ends mpiexec and with it the workers."""
        if self._started.poll() is None and self.failures:
            time.sleep(OUTPUT_AFTER)
        for ending in (signal.SIGTERM, signal.SIGKILL):
            if self._started.poll() is not None:
                break
            os.killpg(self._started.pid, ending)
            try:
                self._started.wait(END_WITHIN)
            except subprocess.TimeoutExpired:
                continue
        for event in self._running.values():
            if self.failures and event.host == socket.gethostname() and is_alive(event.process):
                os.kill(event.process, signal.SIGKILL)


def is_alive(process: int) -> bool:
    """True if a process runs; a zombie, whose parent has not read its status, does not."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        if os.path.exists("/proc/self"):
            return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
