"""tests/ mirrors penstock/_src/: what tests a room stands under the room's name."""

from pathlib import Path

from tests.layout.sources import ROOT

TESTS = ROOT / "tests"
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
    "races": "threads that use one object at the same moment",
    "parity": "TensorFlow's op definitions, and programs of raw ops",
    "soak": "long runs: memory, threads and files",
    "pitfalls": "where beginners stumble",
    "tutorials": "programs that users write",
}
# Data beside the tests that read them.
DATA = {"recorded", "certificates", "board"}
MAX_FILES = 15


def folders_without_room(root: Path) -> list[str]:
    """The folders of tests that test no folder of `penstock/_src`."""
    tests = root / "tests"
    folders = [path.relative_to(tests) for path in sorted(tests.rglob("*")) if path.is_dir()]
    return [
        folder.as_posix()
        for folder in folders
        if "__pycache__" not in folder.parts and folder.parts[0] not in ABOUT_ALL
        if not ((root / "penstock/_src" / folder).is_dir() or DATA.intersection(folder.parts))
    ]


def large_folders(tests: Path) -> dict[str, list[str]]:
    """The folders with more than 15 files of tests, `__init__.py` not counted."""
    found = {}
    for folder in sorted({path.parent for path in tests.rglob("*.py")}):
        files = sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")
        if len(files) > MAX_FILES:
            found[str(folder)] = files
    return found


def test_folders_of_tests_are_named_as_rooms():
    assert folders_without_room(ROOT) == []


def test_folders_of_tests_stay_small():
    assert large_folders(TESTS) == {}


def test_other_folders_are_there():
    assert [name for name in ABOUT_ALL if not (TESTS / name).is_dir()] == []


def test_folders_of_no_room_are_reported(tmp_path):
    for name in ("penstock/_src/util", "tests/util", "tests/attic", "tests/util/recorded"):
        (tmp_path / name).mkdir(parents=True)
    assert folders_without_room(tmp_path) == ["attic"]


def test_large_folders_are_reported(tmp_path):
    for number in range(MAX_FILES + 1):
        (tmp_path / f"test_{number}.py").touch()
    assert list(large_folders(tmp_path)) == [str(tmp_path)]
