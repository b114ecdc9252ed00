"""`make pythons` fails where a Python shows a defect, or none was there, and reports those that cannot be had."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.platforms import pythons


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs the tool with what finding each Python raises, or with what the program does on it; returns its status and its last lines."""

    def run(**ends):
        def find(python):
            if isinstance(ends[python], Exception):
                raise ends[python]
            return Path(sys.executable)

        def environment(lane, uv, base):
            monkeypatch.setattr(pythons, "PROGRAM", ends[lane.python])
            return base

        monkeypatch.setattr(pythons, "WORK", tmp_path)
        monkeypatch.setattr(pythons, "AT_ONCE", 1)
        monkeypatch.setattr(pythons, "interpreter", find)
        monkeypatch.setattr(pythons.Lane, "_environment", environment)
        monkeypatch.setattr(sys, "argv", ["pythons", *ends])
        return pythons.main(), capsys.readouterr().out

    return run


def test_a_python_that_cannot_be_had_is_reported(run):
    status, out = run(a=pythons.Missing("no answer"), b="this")
    assert status == 0 and "Python a: NOT RUN: no answer" in out and "Python b: passed" in out


@pytest.mark.parametrize(
    "ends",
    [
        {"a": "no.such.program", "b": "this"},
        {"a": pythons.Broken("no ssl"), "b": "this"},
        {"a": pythons.Missing("no answer"), "b": pythons.Missing("no answer")},
    ],
)
def test_a_defect_and_a_run_without_pythons_fail(run, ends):
    status, out = run(**ends)
    assert status == 1 and ("FAILED" in out or "shows nothing" in out)


@pytest.mark.parametrize(
    "python, message, kind",
    [
        ("3.15", "all versions of llvmlite have no usable wheels", pythons.Missing),
        ("3.14", "all versions of llvmlite have no usable wheels", pythons.Broken),
        ("3.14", "Failed to fetch: error sending request", pythons.Missing),
        ("3.14", "No solution found", pythons.Broken),
    ],
)
def test_requirements_without_wheels(monkeypatch, tmp_path, python, message, kind):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 1, "", message)

    monkeypatch.setattr(pythons.subprocess, "run", fail)
    with pytest.raises(kind):
        pythons.Lane(python)._install("uv", Path("python"), tmp_path / "left-out.txt")


def test_other_packages_without_wheels_are_left_out(monkeypatch, tmp_path):
    left_out = tmp_path / "left-out.txt"

    def install(command, **_):
        done = "h5py" in left_out.read_text()
        return subprocess.CompletedProcess(
            command, int(not done), "", "all versions of h5py have no usable wheels"
        )

    monkeypatch.setattr(pythons.subprocess, "run", install)
    pythons.Lane("3.15")._install("uv", Path("python"), left_out)
    assert left_out.read_text() == "h5py; python_version < '3'\n"


def test_interpreters_of_pyenv_and_of_the_path(monkeypatch, tmp_path):
    version = ".".join(map(str, sys.version_info[:2]))
    for name, text in ((f"{version}.9", "exit 1"), (f"{version}.1", f'exec {sys.executable} "$@"')):
        python = tmp_path / "versions" / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f"#!/bin/sh\n{text}\n")
        python.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert pythons.interpreter(version) == python
    assert pythons.interpreter("/opt/python") == Path("/opt/python")
