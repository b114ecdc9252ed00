"""Runs examples, on Penstock or TensorFlow, on one core, and reads the results that they print."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
# Runs a program in an interpreter in which `penstock` means TensorFlow.
_AS_TENSORFLOW = """
import os, runpy, sys
import tensorflow
sys.modules["penstock"] = tensorflow
sys.argv = sys.argv[1:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""
_NUMBER = r"-?\d[\d,]*\.?\d*(?:e-?\d+)?"


@dataclass(frozen=True)
class Run:
    """A run of an example.

    Args:
      output: what it printed.
      result: its last line without the example's name.
      seconds: of the processor, user and system, with imports and compilation.
    """

    output: str
    result: str
    seconds: float

    def value(self, measure: str) -> float:
        """Returns the number that stands behind the name of a measure in the result."""
        found = re.search(rf"\b{re.escape(measure)} ({_NUMBER})", self.result)
        if not found:
            raise ValueError(f"The result names no {measure!r}: {self.result}")
        return float(found[1].replace(",", ""))


def run(
    name: str,
    *options: str,
    tensorflow: str | None = None,
    timeout: float = 600,
    core: bool = True,
    variables: Mapping[str, str] = os.environ,
) -> Run:
    """Runs an example.

    Args:
      name: its path below examples/, without the suffix.
      options: of its command line.
      tensorflow: the interpreter on whose TensorFlow it runs, or None for Penstock.
      timeout: seconds after which it is ended.
      core: whether it gets a single core of the processor, where the system can do this.
      variables: of its environment.

    Raises:
      RuntimeError: it ended with an error, did not end, or its last line is not its result.
    """
    path = EXAMPLES / f"{name}.py"
    if tensorflow:
        command = [tensorflow, "-c", _AS_TENSORFLOW, str(path), *options]
    else:
        command = [sys.executable, "-m", "penstock", "run", str(path), *options]
    environment = {**variables, "TF_CPP_MIN_LOG_LEVEL": "2"}
    libraries = variables.get("PYTHONPATH", "").split(os.pathsep)
    environment["PYTHONPATH"] = "" if tensorflow else os.pathsep.join([str(ROOT), *libraries])
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as output,
        tempfile.TemporaryDirectory() as at,
    ):
        before = os.times()
        try:
            ended = subprocess.run(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=at,
                timeout=timeout,
                preexec_fn=_on_one_core if core and hasattr(os, "sched_setaffinity") else None,
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{name} did not end within {timeout} s") from error
        after = os.times()
        output.seek(0)
        printed = output.read()
    if ended.returncode:
        reason = ended.returncode
        how = signal.strsignal(-reason) if reason < 0 else f"exit status {reason}"
        raise RuntimeError(f"{name}: {how}\n{printed}")
    lines = printed.strip().splitlines()
    head = f"{path.stem}: "
    if not lines or not lines[-1].startswith(head):
        raise RuntimeError(f"The last line of {name} does not begin with {head!r}:\n{printed}")
    seconds = sum(after[2:4]) - sum(before[2:4])
    return Run(printed, lines[-1].removeprefix(head), seconds)


def _on_one_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
