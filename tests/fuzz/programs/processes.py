"""Processes that draw and run programs, so that none of these ends the fuzzer."""

import json
import os
import subprocess
import sys
import threading
import time

HANGING = 240  # seconds that a program may take, shrinking included


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
