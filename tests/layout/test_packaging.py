"""pyproject.toml: every extra has code behind it, and errors name extras that exist."""

import ast
import functools
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {
    name: {re.split(r"[<>=\[]", need)[0].lower() for need in needs}
    for name, needs in PROJECT["optional-dependencies"].items()
}
FOR_DEVELOPERS = {"demo", "docs", "examples", "lint", "test"}
# `tensorflow` is for libraries that expect TensorFlow; no code of Penstock's needs it.
FOR_LIBRARIES = {"tensorflow"}
# Of hundreds of megabytes, or for clusters alone: `all` leaves them out.
LARGE = {"aot", "mpi", "nccl", "ray"}
FOR_USERS = sorted(set(EXTRAS) - FOR_DEVELOPERS - FOR_LIBRARIES - {"all"})
# Packages whose module has another name, or which are asked for by name.
MODULES = {
    "absl-py": "absl",
    "dm-sonnet": "sonnet",
    "google-crc32c": "google_crc32c",
    "grpcio": "grpc",
    "opentelemetry-sdk": "opentelemetry",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
}
# Imported by packages that tests import, or by Keras's own tests (tests/keras/suite), which are not in this tree; or run as commands.
INDIRECT = {
    "basedpyright",
    "grain",
    "ipykernel",
    "mypy",
    "pydot",
    "pytest-xdist",
    "scikit-learn",
    "setuptools",
}
# Used when it is there, without an error when it is not.
SILENT = {"records"}


# Libraries in wheels, which other packages load.
LOADED = {"mpich", "nvidia-nccl-cu12"}


@functools.cache
def imported(folder: str) -> frozenset[str]:
    """Top-level names of what the files of a folder import, also by `importlib.import_module`."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names):
                    found.update(alias.name.partition(".")[0] for alias in names)
                case ast.ImportFrom(str(module), _, 0):
                    found.add(module.partition(".")[0])
                case ast.Call(ast.Attribute(attr="import_module"), [ast.Constant(str(module))]):
                    found.add(module.partition(".")[0])
    return frozenset(found)


def modules(packages: set[str]) -> set[str]:
    return {MODULES.get(package, package) for package in packages}


@pytest.mark.parametrize("extra", FOR_USERS)
def test_extras_are_imported(extra):
    assert modules(EXTRAS[extra] - LOADED) <= imported("penstock")


def test_all_is_every_extra_for_users():
    (everything,) = PROJECT["optional-dependencies"]["all"]
    names = set(re.fullmatch(r"penstock\[(.*)\]", everything)[1].split(","))
    assert names == {*FOR_USERS, *FOR_LIBRARIES} - LARGE


def test_packages_for_examples_are_imported():
    assert modules(EXTRAS["examples"]) <= imported("examples")


def test_packages_for_tests_are_imported():
    used = imported("tests") | imported("penstock") | imported("examples")
    assert modules(EXTRAS["test"] - INDIRECT) <= used


def test_errors_name_the_extra_that_is_missing():
    source = "\n".join(path.read_text() for path in (ROOT / "penstock").rglob("*.py"))
    named = set(re.findall(r"pip install '?penstock\[(\w+)\]", source))
    assert named == {*FOR_USERS, *FOR_LIBRARIES} - SILENT
