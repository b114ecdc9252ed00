"""The programs that start processes on hosts: how each is called, and how it marks lines with ranks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.util.process.installing import pip_install


@dataclass(frozen=True)
class Starter:
    """A program that starts processes.

    version    matches the output of its `--version`
    arguments  (number of processes, hosts, rank 0 first: "name" or "name:processes") -> its arguments
    label      matches the prefix of a line of a process; its group is the rank
    """

    version: str
    arguments: Callable[[int, Sequence[str]], list[str]]
    label: re.Pattern[str]


def _hydra(count: int, hosts: Sequence[str]) -> list[str]:
    return ["-prepend-rank", "-n", str(count), *(["-hosts", ",".join(hosts)] if hosts else [])]


def _open_mpi(count: int, hosts: Sequence[str]) -> list[str]:
    where = ["--host", ",".join(hosts)] if hosts else ["--oversubscribe"]
    root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    return [*root, "--tag-output", "--bind-to", "none", "-n", str(count), *where]


STARTERS = {
    "MPICH": Starter("HYDRA", _hydra, re.compile(r"\[(\d+)\] ")),
    "Open MPI": Starter(
        "Open MPI|OpenRTE|PRRTE", _open_mpi, re.compile(r"\[[^\],]*,(\d+)\]<std\w+>: ?")
    ),
}


def find() -> tuple[str, Starter]:
    """Returns the path of mpiexec, of this Python's environment before others, and which it is.

    Raises:
      Refused: there is none.
    """
    beside = os.path.join(os.path.dirname(sys.executable), "mpiexec")
    path = beside if os.access(beside, os.X_OK) else shutil.which("mpiexec")
    if path is None:
        raise Refused(
            f"mpiexec is not installed: {pip_install('mpi')} (mpi4py and the wheel mpich)."
        )
    output = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    for starter in STARTERS.values():
        if re.search(starter.version, output):
            return path, starter
    raise Refused(f"{path} is neither of MPICH nor of Open MPI: {output.strip()[:80]!r}.")
