"""Processes that draw and run programs, so that none of these ends the fuzzer."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HANGING = 240  # seconds of processors that a program may take, shrinking included
WAITING = 1200  # seconds, on a machine that has other things to do


class Worker:
    """A process that runs seeds first, first + step, ...; started again after a crash."""

    def __init__(self, module, first, step, reports, more=()):
        self.module, self.step, self.reports, self.more = module, step, reports, more
        self.seed, self.next = None, first
        self.start()

    def start(self):
        environment = {"PENSTOCK_CACHE_DIR": "none", "PENSTOCK_OPTIMIZE": "0", **os.environ}
        command = [
            sys.executable,
            "-m",
            self.module,
            str(self.next),
            str(self.step),
            *self.more,
        ]
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment
        )
        self.begin()
        threading.Thread(target=self.listen, args=(self.process,), daemon=True).start()

    def listen(self, process):
        for line in process.stdout:
            report = json.loads(line)
            if "start" in report:
                self.seed = report["start"]
                self.begin()
                self.next = self.seed + self.step
            else:
                self.seed = None
                self.reports.put(report)

    def begin(self):
        """Notes that a program begins."""
        self.begun, self.busy = time.monotonic(), busy(self.process.pid)

    def look(self):
        """Starts the process again if it has ended or hangs; reports the seed that it was at."""
        waited = time.monotonic() - self.begun
        hangs = waited > WAITING or (
            waited > HANGING and busy(self.process.pid) - self.busy > HANGING
        )
        if hangs:
            self.process.kill()
        code = self.process.wait() if hangs else self.process.poll()
        if code is None:
            return
        if self.seed is not None:
            what = f"hangs for {waited:.0f} s" if hangs else f"the process ended with {code}"
            find = {
                "way": "process",
                "kind": "crash",
                "what": what,
                "cause": what,
                "text": self.last_words(),
                "steps": 0,
            }
            self.reports.put({"seed": self.seed, "steps": 0, "draw": 0, "run": 0, "finds": [find]})
        self.start()

    def last_words(self):
        """The end of what the process has written to its errors, as comments."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").splitlines()
        return "\n".join(f"# {line}" for line in lines[-20:])


def busy(pid):
    """Seconds that a process has had a processor; of this clock, where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
