"""Executors whose threads do not keep the process alive."""

import gc
import threading
from concurrent.futures import CancelledError

import pytest

from penstock._src.util.process.daemon_threads import DaemonThreads
from tests.harness.waiting import PATIENCE, eventually


def names(prefix: str) -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith(prefix)]


def ended(prefix: str) -> bool:
    """True once the threads have ended."""
    return eventually(lambda: not names(prefix))


def test_calls_give_results_and_errors():
    threads = DaemonThreads(2, "results")
    assert list(threads.map(lambda x: x * x, range(20))) == [x * x for x in range(20)]
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result()
    threads.shutdown()
    assert ended("results")


def test_no_more_threads_than_asked_for_and_no_more_than_needed():
    threads, barrier = DaemonThreads(3, "width"), threading.Barrier(3)
    for future in [threads.submit(barrier.wait) for _ in range(6)]:
        future.result(PATIENCE)
    assert len(names("width")) == 3
    one = DaemonThreads(3, "needed")
    for _ in range(5):
        one.submit(int).result()
        assert eventually(lambda: one._idle._value)
    assert len(names("needed")) == 1


def test_calls_that_have_not_begun_are_cancelled():
    threads, go = DaemonThreads(1, "cancel"), threading.Event()
    running, waiting = threads.submit(go.wait), threads.submit(int)
    assert eventually(running.running)
    threads.shutdown(cancel_futures=True)
    go.set()
    assert running.result(PATIENCE) is True
    with pytest.raises(CancelledError):
        waiting.result(PATIENCE)
    with pytest.raises(RuntimeError, match="no calls are taken after shutdown"):
        threads.submit(int)
    assert ended("cancel")


def test_threads_end_when_nobody_has_the_executor():
    DaemonThreads(2, "dropped").submit(int).result()
    gc.collect()
    assert ended("dropped")


def test_each_thread_begins_once():
    begun: list[str] = []
    threads = DaemonThreads(1, "begin", lambda: begun.append(threading.current_thread().name))
    for _ in range(3):
        threads.submit(int).result()
    assert begun == ["begin_0"]
