"""Pauses of the collector of cycles."""

import gc
import os
import threading
import weakref

import pytest

from penstock._src.util.process import collector
from penstock._src.util.process.layouts import FREE_THREADED


def test_the_collector_runs_again_after_the_last_pause():
    assert gc.isenabled()
    with collector.paused():
        assert not gc.isenabled()
        with collector.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_pause_ends_with_an_error():
    with pytest.raises(KeyError), collector.paused():
        raise KeyError
    assert gc.isenabled()


@pytest.fixture(autouse=True)
def _few_objects(monkeypatch):
    """As in a young process: what a collection left decides when the next one is due."""
    monkeypatch.setattr(collector, "_kept", 0)
    monkeypatch.setattr(collector, "_uncollected", 0)
    monkeypatch.setattr(collector, "_has_frozen", False)


class Cycle:
    """An object that only the collector frees."""

    def __init__(self) -> None:
        self.self = self
        self.others = [[] for _ in range(20_000)]


def test_garbage_made_in_pauses_is_collected():
    freed = []
    for _ in range(3 * collector.MOST_UNCOLLECTED // 20_000):
        with collector.paused():
            weakref.finalize(Cycle(), freed.append, 1)
    assert freed


@pytest.mark.own_process
def test_what_imports_create_brings_no_collection_nearer():
    gc.unfreeze()
    gc.collect()
    collector._uncollected, freed = 0, []
    for _ in range(3 * collector.MOST_UNCOLLECTED // 20_000):
        with collector.paused(lasting=True):
            weakref.finalize(Cycle(), freed.append, 1)
    assert not freed


@pytest.mark.own_process
def test_few_objects_are_not_collected_at_once():
    gc.unfreeze()
    gc.collect()
    freed = []
    with collector.paused():
        collector._uncollected = 0
        weakref.finalize(Cycle(), freed.append, 1)
    assert not freed
    gc.collect()
    assert freed


def test_finalizers_of_garbage_may_pause():
    entered = []

    def pause() -> None:
        with collector.paused():
            entered.append(1)

    for _ in range(3 * collector.MOST_UNCOLLECTED // 20_000):
        with collector.paused():
            weakref.finalize(Cycle(), pause)
    assert entered and gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with collector.paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_pause_of_another_thread_ends_in_a_forked_child():
    paused, done = threading.Event(), threading.Event()

    def pause():
        with collector.paused():
            paused.set()
            done.wait()

    thread = threading.Thread(target=pause)
    thread.start()
    paused.wait()
    child = os.fork()
    if not child:
        os._exit(not gc.isenabled())
    assert os.waitpid(child, 0)[1] == 0 and not gc.isenabled()
    done.set()
    thread.join()
    assert gc.isenabled()


@pytest.mark.own_process
def test_what_has_settled_is_looked_at_only_when_it_settles_again():
    freed, kept = [], Cycle()
    collector.settle()
    weakref.finalize(kept, freed.append, 1)
    del kept
    gc.collect()
    assert gc.get_freeze_count() > 20_000 and not freed
    collector.settle()
    assert freed


@pytest.mark.own_process
@pytest.mark.skipif(FREE_THREADED, reason="nothing is moved, and nothing counted")
def test_frozen_objects_are_counted_until_there_are_some(monkeypatch):
    frozen, counts = [0], []
    monkeypatch.setattr(gc, "get_freeze_count", lambda: counts.append(1) or frozen[0])
    for number in range(1, 4):
        with collector.paused():
            pass
        assert len(counts) == number
    frozen[0] = 20_000
    for _ in range(3):
        with collector.paused():
            pass
        collector._collect()
    assert len(counts) == 4


@pytest.mark.own_process
@pytest.mark.skipif(FREE_THREADED, reason="nothing is moved")
def test_what_the_program_has_frozen_stays_frozen():
    kept = Cycle()
    gc.freeze()
    frozen = gc.get_freeze_count()
    for _ in range(3):
        with collector.paused():
            pass
        collector._collect()
    assert gc.get_freeze_count() == frozen > 20_000 and kept
