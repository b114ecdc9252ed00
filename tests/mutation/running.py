"""Runs tests on mutants: each in a process forked from one that has collected all tests, the fastest test first, up to the first kill.

A mutant of a function takes the place of the function's code. What runs only while a module is imported is changed by importing it
in a process that has not imported the package yet. The folder of compiled kernels is new for each run; their keys are hashes of
their code, so a mutant never runs what was compiled without it. PENSTOCK_VERIFY, which all tests set, leaves no mutant to the
interpreter or to kernels on the host.
"""

import contextlib
import copy
import dataclasses
import functools
import gc
import importlib
import importlib.machinery
import os
import resource
import select
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.recording import OPTIONS, Record

PACKAGE = Path(__file__).resolve().parents[2] / "penstock" / "_src"
MEMORY = 4 << 30  # bytes that a mutant may ask for beyond what the process has
STARTING = 20.0  # seconds in which a process imports the package
SLOWER = 10.0  # times that a test may take what it took when it was recorded
KILLED, SURVIVED, UNCHANGED = 1, 0, 77  # exit codes
NOTHING = "nothing is changed"
FRESH_TESTS = 400  # of a process that imports the package


# -- the code of functions


def codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code and those that stand in it, in order."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_of(constant)


def swapped(before: types.CodeType, after: types.CodeType) -> list[tuple[types.CodeType, ...]]:
    """The pairs of codes of functions that differ between two versions of a module."""
    pairs = zip(codes_of(before), codes_of(after), strict=True)
    return [(old, new) for old, new in pairs if old != new][1:]


def functions_by_code(folder: Path) -> dict[types.CodeType, list[types.FunctionType]]:
    """The functions of a folder's files."""
    found: dict[types.CodeType, list[types.FunctionType]] = {}
    for each in gc.get_objects():
        if issubclass(type(each), types.FunctionType) and each.__code__.co_filename.startswith(
            str(folder)
        ):
            found.setdefault(each.__code__, []).append(each)
    return found


def change(mutant: Mutant, functions: dict[types.CodeType, list[types.FunctionType]]) -> bool:
    """Puts a mutant in the place of a function's code; whether that was possible."""
    name = str(mutant.path)
    before = compile(mutant.path.read_bytes(), name, "exec", dont_inherit=True)
    after = compile(mutant.source(), name, "exec", dont_inherit=True)
    try:
        pairs = swapped(before, after)
        chosen = [(each, new) for old, new in pairs for each in functions.get(old, ())]
        for function, new in chosen:
            function.__code__ = new
    except ValueError:  # other functions in it, or other variables from around it
        return False
    return bool(chosen)


def forget_results() -> None:
    """Empties the caches of functions of the package: what they hold was computed without the mutant."""
    for each in gc.get_objects():
        if issubclass(type(each), functools._lru_cache_wrapper):
            if (getattr(each, "__module__", None) or "").startswith("penstock"):
                each.cache_clear()


# -- processes


class Child:
    """A forked process that runs tests on a mutant."""

    def __init__(self, mutant: Mutant, work: Callable[[], int], limit: float) -> None:
        self.mutant, self.started, self.limit = mutant, time.monotonic(), limit
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            self.ended = os.pidfd_open(self.pid)
            return
        code = KILLED
        try:
            os.setsid()
            with open(os.devnull, "w") as nothing:
                os.dup2(nothing.fileno(), 1)
                os.dup2(nothing.fileno(), 2)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
            code = work()
        finally:
            os._exit(code)

    def outcome(self) -> str:
        """Waits for the end; says how it came."""
        left = self.limit - (time.monotonic() - self.started)
        ready, _, _ = select.select([self.ended], [], [], max(0.0, left))
        if not ready:
            os.killpg(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.ended)
        if not ready:
            return "timeout"
        names = {SURVIVED: "survived", UNCHANGED: "unchanged"}
        return names.get(os.waitstatus_to_exitcode(status), "killed")


class Server:
    """A plugin of pytest that runs the collected tests on mutants, in place of running them once."""

    def __init__(self, jobs: Sequence["Job"], report: Callable[["Job", str], None], workers: int):
        self.jobs, self.report, self.workers = jobs, report, workers
        self.failed = False

    def pytest_runtest_logreport(self, report):
        self.failed |= report.failed

    def pytest_runtestloop(self, session):
        items = {item.nodeid: item for item in session.items}
        for path in {job.mutant.path for job in self.jobs}:
            importlib.import_module(module_of(path))
        functions = functions_by_code(PACKAGE)
        gc.freeze()
        run_all(
            self.jobs,
            lambda job: lambda: self.run(job, items, functions),
            self.report,
            self.workers,
        )
        return True

    def run(self, job: "Job", items, functions) -> int:
        if job.mutant.what != NOTHING and not change(job.mutant, functions):
            return UNCHANGED
        forget_results()
        for test in job.tests:
            item = items.get(test)
            if item is not None:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if self.failed:
                    return KILLED
        return SURVIVED


def module_of(path: Path) -> str:
    """The name under which a file of the package is imported."""
    parts = path.relative_to(PACKAGE.parents[1]).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class Job:
    """A mutant with the tests that may kill it, and the seconds in which they should have ended.

    in_function  whether it takes the place of a function's code, and no module has to be imported again
    """

    def __init__(self, mutant: Mutant, record: Record, budget: float) -> None:
        self.mutant, self.tests, seconds = mutant, [], 0.0
        path = mutant.path.relative_to(PACKAGE).as_posix()
        in_function = mutant.in_function
        lines = range(mutant.lines[0], mutant.lines[1] + 1)
        found = record.executing(path, lines if mutant.in_function else None)
        first, last = mutant.statement
        if not found and mutant.in_function:  # lines of a statement count as its first
            found = record.executing(path, range(first, last + 1))
        if not found and record.is_imported(path, range(first, last + 1)):
            found, in_function = record.executing(path), False
        for test in found:
            if seconds > budget:
                break
            seconds += record.seconds[test]
            self.tests.append(record.tests[test])
        self.limit = STARTING + SLOWER * seconds
        self.in_function = in_function

    def unchanged(self) -> "Job":
        """The same tests of the code as it is, which all must pass."""
        other = copy.copy(self)
        other.mutant = dataclasses.replace(self.mutant, span=(0, 0), replacement="", what=NOTHING)
        return other


def run_all(jobs, work, report, workers: int) -> None:
    """Runs jobs in forked processes, `workers` at a time."""
    running: list[tuple[Job, Child]] = []

    def one_ended() -> None:
        until = min(child.started + child.limit for _, child in running)
        fds = [child.ended for _, child in running]
        select.select(fds, [], [], max(0.0, until - time.monotonic()))
        for job, child in list(running):
            over = time.monotonic() - child.started >= child.limit
            if over or select.select([child.ended], [], [], 0)[0]:
                running.remove((job, child))
                report(job, child.outcome())

    for job in jobs:
        while len(running) >= workers:
            one_ended()
        running.append((job, Child(job.mutant, work(job), job.limit)))
    while running:
        one_ended()


# -- what runs while modules are imported


@contextlib.contextmanager
def imported_changed(mutant: Mutant) -> Iterator[None]:
    """Inside, the mutant's file is imported with its change."""
    plain = importlib.machinery.SourceFileLoader.get_code

    def get_code(self, fullname):
        if self.path == str(mutant.path):
            return compile(mutant.source(), self.path, "exec", dont_inherit=True)
        return plain(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code
    try:
        yield
    finally:
        importlib.machinery.SourceFileLoader.get_code = plain


def run_fresh(job: Job) -> int:
    """Runs tests in a process that has not imported the package."""
    assert not any(name.startswith("penstock") for name in sys.modules)
    with imported_changed(job.mutant):
        result = pytest.main([*OPTIONS, "-x", *job.tests[:FRESH_TESTS]])
    return SURVIVED if result == 0 else KILLED
