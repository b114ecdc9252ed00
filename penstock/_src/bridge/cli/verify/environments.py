"""Finds a Python that has TensorFlow."""

from __future__ import annotations

import glob
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.environments import site_packages

# Below a folder of environments, and below an environment.
PYTHONS = ("bin/python", "Scripts/python.exe", "python.exe")
INSTALLED = (
    "lib/python*/site-packages/tensorflow/__init__.py",
    "Lib/site-packages/tensorflow/__init__.py",
)


def python_of(location: str | None) -> pathlib.Path | None:
    """Returns a Python that has TensorFlow; None if there is none.

    Args:
      location: a Python or the folder of an environment; None to look for one: this environment, those beside it, those of
        the current folder, and those in the home folder's .virtualenvs and conda.

    Raises:
      Refused: the path is not a Python, or has no TensorFlow.
    """
    if location is None:
        if site_packages.real_tensorflow():
            return pathlib.Path(sys.executable)
        return next(filter(None, map(_with_tensorflow, _environments())), None)
    path = pathlib.Path(location)
    python = _python_in(path) if path.is_dir() else path
    if python is None or not python.exists():
        raise Refused(f"--tensorflow: there is no Python at {location!r}.")
    check = "import importlib.util as u, sys; sys.exit(u.find_spec('tensorflow') is None)"
    if subprocess.run([str(python), "-c", check], capture_output=True).returncode:
        raise Refused(f"--tensorflow: {python} has no tensorflow.")
    return python


def _environments() -> Iterator[pathlib.Path]:
    home = pathlib.Path.home()
    roots = [pathlib.Path(sys.prefix).parent, pathlib.Path.cwd(), home / ".virtualenvs"]
    roots += [home / name / "envs" for name in ("miniconda3", "anaconda3", "miniforge3")]
    for root in dict.fromkeys(roots):
        if root.is_dir():
            yield from sorted(
                child for child in root.iterdir() if os.access(child, os.X_OK) and child.is_dir()
            )


def _with_tensorflow(environment: pathlib.Path) -> pathlib.Path | None:
    for pattern in INSTALLED:
        for path in glob.glob(str(environment / pattern)):
            if "penstock" not in pathlib.Path(path).read_text(errors="replace"):
                return _python_in(environment)
    return None


def _python_in(environment: pathlib.Path) -> pathlib.Path | None:
    return next((environment / p for p in PYTHONS if (environment / p).exists()), None)
