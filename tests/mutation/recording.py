"""Which tests execute which lines: one run of the tests under coverage.py, with a context for each test."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import coverage

# No files of their own, and the same draws in every run.
OPTIONS = (
    "--override-ini=addopts=--import-mode=importlib",
    *("-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:faulthandler"),
    "--hypothesis-seed=0",
)
# In place of a test: the line runs while modules are imported.
AT_IMPORT = -1


@dataclass(frozen=True)
class Record:
    """Tests by the lines that they execute.

    seconds  of each test
    lines    file -> line -> numbers of tests
    """

    tests: list[str]
    seconds: list[float]
    lines: dict[str, dict[int, set[int]]]

    def executing(self, path: str, lines: range | None = None) -> list[int]:
        """The numbers of the tests that execute one of the lines of a file: those of its folder first, and the fastest of each."""
        held = self.lines.get(path, {})
        chosen = held if lines is None else lines
        found = set().union(*(held.get(line, ()) for line in chosen))
        own = f"tests/{path.rpartition('/')[0]}"
        return sorted(
            found - {AT_IMPORT},
            key=lambda i: (not self.tests[i].startswith(own), self.seconds[i], i),
        )

    def is_imported(self, path: str, lines: range) -> bool:
        """Whether one of the lines runs while modules are imported."""
        held = self.lines.get(path, {})
        return any(AT_IMPORT in held.get(line, ()) for line in lines)


class _Recorder:
    """Starts a context of the coverage for each test."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured, self.seconds = measured, {}
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item, nextitem):
        self.measured.switch_context(item.nodeid)
        start = time.perf_counter()
        result = yield
        self.seconds[item.nodeid] = time.perf_counter() - start
        self.measured.switch_context("")
        return result

    def pytest_runtest_logreport(self, report):
        if not report.passed:  # skipped tests tell nothing either
            self.failed.add(report.nodeid)


def record(folders: Sequence[str], root: Path, of: Sequence[str], target: Path) -> None:
    """Runs the tests of folders; writes what they execute of the folders `of` below `root` to `target`."""
    import coverage  # `make mutate` and `make coverage` install it

    measured = coverage.Coverage(
        data_file=None, include=[str(root / each / "*") for each in of], config_file=False
    )
    recorder = _Recorder(measured)
    measured.start()
    pytest.main([*OPTIONS, *folders], plugins=[recorder])
    measured.stop()
    data = measured.get_data()
    kept = sorted(set(recorder.seconds) - recorder.failed)
    number = {test: i for i, test in enumerate(kept)}
    lines = {
        Path(path).relative_to(root).as_posix(): {
            line: sorted(
                number.get(name, AT_IMPORT) for name in {*names} if name in number or not name
            )
            for line, names in data.contexts_by_lineno(path).items()
        }
        for path in data.measured_files()
    }
    seconds = [recorder.seconds[test] for test in kept]
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"tests": kept, "seconds": seconds, "lines": lines}))


def add(folders: Sequence[str], root: Path, of: Sequence[str], target: Path) -> None:
    """Records tests that came after `target` was written, and puts them beside the others."""
    before = json.loads(target.read_text())
    record(folders, root, of, target)
    after, count = json.loads(target.read_text()), len(before["tests"])
    for file, lines in after["lines"].items():
        held = before["lines"].setdefault(file, {})
        for line, tests in lines.items():
            moved = {test + count if test != AT_IMPORT else test for test in tests}
            held[line] = sorted({*held.get(line, ()), *moved})
    before["tests"] += after["tests"]
    before["seconds"] += after["seconds"]
    target.write_text(json.dumps(before))


def load(path: Path) -> Record:
    """What `record` wrote."""
    held = json.loads(path.read_text())
    lines = {
        file: {int(line): set(tests) for line, tests in by_line.items()}
        for file, by_line in held["lines"].items()
    }
    return Record(held["tests"], held["seconds"], lines)
