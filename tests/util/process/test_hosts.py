"""Processes in which Penstock cannot work are told so."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import penstock
from penstock._src.util.process import hosts

NEW_INTERPRETER = """
import importlib
import sys
name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
interpreters = importlib.import_module(name)
interpreters.run_string(interpreters.create(), '''
import warnings
warnings.simplefilter("ignore")
try:
    import penstock as tf
    tf.add(1.0, 2.0)
except ImportError as error:
    print(error, flush=True)
''')
"""


def run(program, path):
    environment = dict(os.environ, PYTHONPATH=str(path))
    command = [sys.executable, "-P", "-c", program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_another_interpreter_of_a_process_is_refused():
    assert "main interpreter" in run(NEW_INTERPRETER, Path(penstock.__file__).parents[1]).stdout


def test_an_archive_is_refused_by_name(tmp_path):
    archive = tmp_path / "app.pyz"
    package = Path(penstock.__file__).parent
    with zipfile.ZipFile(archive, "w") as file:
        for pattern in ("__init__.py", "_src/*.py", "_src/util/**/*.py", "_src/bridge/**/*.py"):
            for path in package.glob(pattern):
                file.write(path, path.relative_to(package.parent))
    program = (
        f"import sys; sys.path.insert(0, {str(archive)!r}); import penstock as tf; tf.add(1.0, 2.0)"
    )
    said = run(program, "-P").stderr
    assert "ImportError: Penstock reads its own sources" in said and str(archive) in said


def test_sources_in_a_folder_are_right(tmp_path):
    hosts.check()
    (tmp_path / "__init__.py").touch()
    hosts.check_sources(str(tmp_path))
    with pytest.raises(ImportError, match="--collect-all penstock"):
        hosts.check_sources(str(tmp_path / "_src"))
