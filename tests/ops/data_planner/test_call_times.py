"""How long calls wait, and how many of them keep all cores busy."""

import time

import pytest

from penstock._src.ops.data_planner import call_times
from penstock._src.ops.data_planner.call_times import CallTime, Stopwatch


@pytest.mark.parametrize(
    ("seconds", "busy", "is_exact", "width"),
    [
        (0.02, 0.02, True, 2),  # computes
        (0.02, 0.0195, True, 2),
        (0.02, 0.01, True, 4),  # waits for half of its time
        (0.02, 0.015, True, 3),
        (0.02, 0.012, False, 2),  # may only have lost its core
        (0.02, 0.005, False, 8),
        (0.02, 0.0, True, 16),
        (0.02, 0.0001, True, 16),
    ],
)
def test_as_many_calls_as_keep_two_cores_busy(seconds, busy, is_exact, width):
    assert CallTime(seconds, busy, is_exact).width(2, 16) == width


def computed(seconds):
    begin = time.thread_time()
    while time.thread_time() - begin < seconds:
        pass


def time_of_a_computation():
    watch = Stopwatch()
    computed(0.05)
    return watch.stop()


def test_a_call_that_computes_does_not_wait_however_busy_the_machine_is():
    calls = [time_of_a_computation() for _ in range(5)]  # a virtual machine may take a core untold
    assert min(taken.busy for taken in calls) >= 0.05
    assert min(taken.waits for taken in calls) < (0.1 if calls[0].is_exact else 1.0)


def time_of_sleep_and_computation():
    watch = Stopwatch()
    time.sleep(0.06)
    computed(0.02)
    return watch.stop()


def test_a_call_that_sleeps_and_computes():
    calls = [time_of_sleep_and_computation() for _ in range(5)]
    assert all(taken.busy >= 0.02 and taken.seconds >= 0.075 for taken in calls)
    assert any(taken.mostly_waits and taken.busy < 0.04 for taken in calls)


def test_systems_that_do_not_tell_of_lost_cores(monkeypatch):
    monkeypatch.setattr(call_times, "_SCHEDULED", "/nowhere")
    taken = Stopwatch().stop()
    assert not taken.is_exact and taken.seconds >= taken.busy
