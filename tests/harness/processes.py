"""Programs in several processes: `penstock launch`, as a user calls it."""

import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEAN = Path(__file__).parent / "lean"
# What Keras imports where it is installed.
OF_KERAS = ("IPython", "jax", "matplotlib", "pandas", "sklearn")

needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None,
    reason="several processes need MPI: pip install 'penstock-tensors[mpi]'",
)


def lean(environment=None, program=""):
    """The variables of an interpreter that a test starts, with others: without libraries that the program does not name, and nothing verified.

    What the compiler makes is verified by its own tests, and may be by `environment`: without, programs run as users run them.
    """
    variables = {**os.environ, "PENSTOCK_VERIFY": "0", **(environment or {})}
    return variables | _left_out(program, variables)


def bare(program, home):
    """The variables of an interpreter that has nothing of this environment, in its own home, without libraries that the program does not name."""
    held = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(home)}
    return held | _left_out(program, held)


def _left_out(program, variables):
    """The variables by which libraries of Keras are not found that a program does not name."""
    path = filter(None, (str(LEAN), variables.get("PYTHONPATH")))
    return {
        "LEFT_OUT": " ".join(name for name in OF_KERAS if name not in program),
        "PYTHONPATH": os.pathsep.join(path),
    }


def launched(
    program,
    tmp_path,
    count,
    *options,
    arguments=(),
    timeout=240,
    check=True,
    prefix=(),
    environment=None,
    on_line=None,
):
    """Runs the text of a program in `count` processes; gives the completed launcher, whose output is text.

    After `timeout` seconds the launcher is killed. `prefix` stands before the command; `on_line` is called with each line of the output as it comes, and the launcher's process.
    """
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    command = [sys.executable, "-m", "penstock", "launch", "-n", str(count), *options]
    launcher = subprocess.Popen(
        [*prefix, *command, str(script), *arguments],
        cwd=ROOT,
        env=lean(environment, program),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    late = threading.Timer(timeout, launcher.kill)
    late.start()
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(launcher.stderr))
    reader.start()
    lines = []
    for line in launcher.stdout:
        lines.append(line)
        if on_line is not None:
            on_line(line, launcher)
    reader.join()
    status = launcher.wait()
    late.cancel()
    done = subprocess.CompletedProcess(command, status, "".join(lines), "".join(errors))
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
