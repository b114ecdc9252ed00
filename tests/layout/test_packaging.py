"""pyproject.toml: every extra has code behind it, and errors name extras that exist."""

import ast
import re
import tomllib
import zipfile

from penstock._src.util.process.installing import NAME
from tests.layout.sources import FOLDERS, ROOT, SourceFile, Tree, fact
from tools.platforms.wheel import packages_without_stub

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
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    NAME: "penstock",
}
# Imported by packages that tests import, or by Keras's own tests (tests/keras/suite), which are not in this tree; or run as commands.
INDIRECT = {
    "basedpyright",
    "grain",
    "ipykernel",
    "mypy",
    "pydot",
    "pytest-rerunfailures",
    "pytest-xdist",
    "scikit-learn",
    "setuptools",
}
# Used when it is there, without an error when it is not.
SILENT = {"records"}


# Libraries in wheels, which other packages load.
LOADED = {"mpich", "nvidia-nccl-cu12"}


@fact(*FOLDERS)
def packages(file: SourceFile) -> set[str]:
    """Top-level names of what a file imports, also by `importlib.import_module`."""
    found = set()
    for node in file.of_kind(ast.Import, ast.ImportFrom, ast.Call):
        match node:
            case ast.Import(names):
                found.update(alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(str(module), _, 0):
                found.add(module.partition(".")[0])
            case ast.Call(ast.Attribute(attr="import_module"), [ast.Constant(str(module))]):
                found.add(module.partition(".")[0])
    return found


def imported(tree: Tree, folder: str) -> set[str]:
    """The packages that the files of a folder import."""
    return set().union(*tree.facts(packages, folder).values())


def modules(packages: set[str]) -> set[str]:
    return {MODULES.get(package, package) for package in packages}


def extras_named(tree: Tree) -> set[str]:
    """The extras that errors tell users to install."""
    pattern = re.compile(r"pip_install\(['\"](\w+)['\"]\)")
    return {name for text in tree.below("penstock").values() for name in pattern.findall(text)}


def test_extras_are_imported(tree):
    used = imported(tree, "penstock")
    idle = {extra: modules(EXTRAS[extra] - LOADED) - used for extra in FOR_USERS}
    assert {extra: names for extra, names in idle.items() if names} == {}


def test_all_is_every_extra_for_users():
    (everything,) = PROJECT["optional-dependencies"]["all"]
    names = set(re.fullmatch(rf"{NAME}\[(.*)\]", everything)[1].split(","))
    assert names == {*FOR_USERS, *FOR_LIBRARIES} - LARGE


def test_packages_for_examples_are_imported(tree):
    assert modules(EXTRAS["examples"]) <= imported(tree, "examples")


def test_packages_for_tests_are_imported(tree):
    used = imported(tree, "tests") | imported(tree, "penstock") | imported(tree, "examples")
    assert modules(EXTRAS["test"] - INDIRECT) <= used


def test_errors_name_the_extra_that_is_missing(tree):
    assert extras_named(tree) == {*FOR_USERS, *FOR_LIBRARIES} - SILENT


def test_imports_by_any_means_are_counted():
    text = """
import numpy as np, os.path
from scipy import special
from . import sibling

def f():
    return importlib.import_module("lmdb.tool")
"""
    assert packages(SourceFile("a.py", text)) == {"numpy", "os", "scipy", "lmdb"}


def test_extras_that_errors_name_are_found(plant):
    text = "raise ImportError(f\"run {pip_install('attic')}\")"
    assert extras_named(plant({"penstock/_src/util/a.py": text})) == {"attic"}


def test_an_archive_without_stubs_is_reported(tmp_path):
    names = ["penstock/__init__.py", "penstock/__init__.pyi", "penstock/nn/__init__.py"]
    with zipfile.ZipFile(tmp_path / "penstock_tensors-0.1.0-py3-none-any.whl", "w") as wheel:
        for name in [*names, "penstock/_src/__init__.py"]:
            wheel.writestr(name, "")
    assert packages_without_stub(tmp_path / "penstock_tensors-0.1.0-py3-none-any.whl") == [
        "penstock/nn/__init__.py"
    ]
