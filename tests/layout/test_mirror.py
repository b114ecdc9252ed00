"""tests/ mirrors penstock/_src/: what tests a room stands under the room's name."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
SRC = ROOT / "penstock" / "_src"
# Folders about the whole rather than a room of it.
ABOUT_ALL = {
    "conformance": "drawn and recorded calls of every op, beside NumPy and TensorFlow",
    "docs": "the pages of docs/: their programs, links and generated parts",
    "doors": "README.md, line by line, as a new user",
    "editor": "what type checkers and editors say of programs",
    "ecosystem": "programs and libraries written for TensorFlow",
    "errors": "wrong calls and what is said of them",
    "examples": "examples/",
    "fuzz": "random programs and models",
    "golden": "recorded results of the public functions",
    "harness": "how an op is tested",
    "interop": "files that Penstock and TensorFlow write for each other, and TensorBoard reads",
    "keras": "Keras's own suite, and training",
    "layout": "the tree and the public face",
    "mutation": "mutants of the compiler, and which tests kill them",
    "parity": "TensorFlow's op definitions, and programs of raw ops",
    "soak": "long runs: memory, threads and files",
    "pitfalls": "where beginners stumble",
    "tutorials": "programs that users write",
}
# Data beside the tests that read them.
DATA = {"recorded", "certificates", "board"}
MAX_FILES = 15
FOLDERS = sorted(
    path.relative_to(TESTS)
    for path in TESTS.rglob("*")
    if path.is_dir()
    and "__pycache__" not in path.parts
    and path.relative_to(TESTS).parts[0] not in ABOUT_ALL
)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_folders_of_tests_are_named_as_rooms(folder):
    assert (SRC / folder).is_dir() or DATA.intersection(folder.parts), (
        f"tests/{folder} tests no folder of penstock/_src"
    )


def test_folders_of_tests_stay_small():
    for folder in {path.parent for path in TESTS.rglob("*.py")}:
        files = sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")
        assert len(files) <= MAX_FILES, f"{folder}: {files}"


@pytest.mark.parametrize("name", ABOUT_ALL)
def test_other_folders_are_there(name):
    assert (TESTS / name).is_dir()
