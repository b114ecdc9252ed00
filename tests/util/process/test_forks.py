"""Locks in forked children."""

import os
import threading

import pytest

from penstock._src.util.process import forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def in_child(check) -> bool:
    """What a check gives in a forked child."""
    child = os.fork()
    if not child:
        os._exit(not check())
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
        assert in_child(lambda: lock.acquire(timeout=1))
        assert not lock.acquire(blocking=False)
    finally:
        done.set()
        thread.join()


def test_the_forking_thread_keeps_its_own_lock():
    lock = forks.freed_in_child(threading.RLock())

    def released() -> bool:
        lock.release()
        return lock.acquire(timeout=1)

    with lock:
        assert in_child(released)


def test_a_child_counts_one_more_fork():
    before = forks.count()
    assert in_child(lambda: forks.count() == before + 1)
    assert forks.count() == before
