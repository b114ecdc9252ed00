"""Processes of other environments that call functions of `tests` and are replaced when they end or take too long."""

import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
# Without oneDNN: its sums are in another order.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONPATH": str(ROOT)}

PROCESS = "the process of"  # how errors of processes begin


class Worker:
    """A process that has imported a library; another takes its place if it ends.

    Args:
      python: the interpreter.
      library: the name of the library, which functions get as their first argument.
      limit: the seconds that one call may take.
      variables: more of its environment.
    """

    def __init__(self, python: str, library: str, limit: int, **variables: str) -> None:
        self._command = [python, "-m", "tests.interop.worker", library]
        self._variables = variables
        self._limit = limit
        self._process: subprocess.Popen[str] | None = None

    def run(self, function: str, *arguments: str) -> dict[str, Any]:
        """Calls a function, `module:name`, with the library and strings.

        Returns:
          {"value": ...}, or {"error": ...} if the function or its process failed.
        """
        if self._process is None:
            self._process = self._started()
        request = {"function": function, "arguments": arguments}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], self._limit)
        line = self._process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.stop()
        how = "ended" if ready else f"took more than {self._limit} s"
        return {"error": f"{PROCESS} {self._command[-1]} {how}"}

    def _started(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, **QUIET, **self._variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Ends the process, and those that it left, as OpenVINO's telemetry does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
