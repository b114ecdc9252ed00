"""Dialogues with pdb, each file of them in an interpreter of its own: Python has one trace function for a thread, which they set."""

import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
FILES = ("conditions", "editors", "models", "stops")


@pytest.mark.parametrize("name", FILES)
def test_dialogues(name):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, str(HERE / f"{name}.py")],
        cwd=HERE.parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED:
        pytest.skip("a package that the dialogues need is not installed")
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
