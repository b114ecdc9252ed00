"""Programs in several processes: `penstock launch`, as a user calls it."""

import importlib.util
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None,
    reason="several processes need MPI: pip install 'penstock[mpi]'",
)


def launched(program, tmp_path, count, *options, arguments=(), timeout=60, check=True):
    """Runs the text of a program in `count` processes; gives the completed launcher, whose output is text."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "penstock",
            "launch",
            "-n",
            str(count),
            *options,
            str(script),
            *arguments,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def of_ranks(done):
    """The lines that each rank printed: {rank: lines}."""
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("["):
            rank, _, text = line[1:].partition("] ")
            found.setdefault(int(rank), []).append(text)
    return found
