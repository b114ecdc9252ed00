"""Locks in forked children."""

import builtins
import importlib
import os
import sys
import threading

import pytest

from penstock._src.util.process import forks
from tests.harness.waiting import PATIENCE

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def in_child(check) -> bool:
    """What a check gives in a forked child."""
    child = os.fork()
    if not child:
        passed = False
        try:
            passed = check()
        finally:  # nothing of the tests goes on in the child
            os._exit(not passed)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("kind", [threading.Lock, threading.RLock])
def test_a_lock_of_another_thread_is_free_in_the_child(kind):
    lock, taken, done = forks.freed_in_child(kind()), threading.Event(), threading.Event()

    def hold():
        with lock:
            taken.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    try:
        assert in_child(lambda: lock.acquire(timeout=PATIENCE))
        assert not lock.acquire(blocking=False)
    finally:
        done.set()
        thread.join()


def test_the_forking_thread_keeps_its_own_lock():
    lock = forks.freed_in_child(threading.RLock())

    def released() -> bool:
        lock.release()
        return lock.acquire(timeout=PATIENCE)

    with lock:
        assert in_child(released)


def test_a_child_counts_one_more_fork():
    before = forks.count()
    assert in_child(lambda: forks.count() == before + 1)
    assert forks.count() == before


SLOW_MODULE = """
import builtins
builtins.slow_module_began.set()
builtins.slow_module_may_end.wait()
ended = True
"""


@pytest.fixture
def slow_import(tmp_path, monkeypatch):
    """An event until which a thread is importing the module `slowly_imported`."""
    began, may_end = threading.Event(), threading.Event()
    monkeypatch.setattr("builtins.slow_module_began", began, raising=False)
    monkeypatch.setattr("builtins.slow_module_may_end", may_end, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "slowly_imported.py").write_text(SLOW_MODULE)
    thread = threading.Thread(target=importlib.import_module, args=("slowly_imported",))
    thread.start()
    began.wait()
    yield may_end
    may_end.set()
    thread.join()
    del sys.modules["slowly_imported"]


def test_a_child_has_whole_the_module_that_another_thread_imports(slow_import, monkeypatch):
    monkeypatch.setattr(forks, "PATIENCE", PATIENCE)
    threading.Timer(0.5, slow_import.set).start()
    assert in_child(lambda: importlib.import_module("slowly_imported").ended)


def test_a_fork_waits_for_the_imports_of_others_with_patience_only(slow_import, monkeypatch):
    monkeypatch.setattr(forks, "PATIENCE", 0.0)

    go_on = threading.Event()
    go_on.set()

    def is_half() -> bool:
        builtins.slow_module_may_end = go_on  # the other may have been forked while it was locked
        return not hasattr(importlib.import_module("slowly_imported"), "ended")

    late = threading.Timer(PATIENCE, slow_import.set)  # for a fork that waits
    late.start()
    assert in_child(is_half)
    late.cancel()


def test_a_context_is_entered_by_the_fork_and_left_on_both_sides(monkeypatch):
    lock = threading.RLock()
    monkeypatch.setattr(forks, "_contexts", [lambda: lock])
    assert in_child(lambda: not lock._is_owned())
    assert not lock._is_owned()


def test_a_property_that_another_thread_computes_is_computed_by_the_child():
    began, may_end = threading.Event(), threading.Event()

    class Owner:
        @forks.cached_property
        def value(self):
            if os.getpid() != parent:
                return True
            began.set()
            return may_end.wait()

    parent = os.getpid()
    thread = threading.Thread(target=lambda: Owner().value)
    thread.start()
    began.wait()
    try:
        assert in_child(lambda: Owner().value)
    finally:
        may_end.set()
        thread.join()
