"""Clocks: the best of many calls, since what disturbs a machine only ever slows it down."""

import time


def best_seconds(call, seconds=1.0, at_once=1):
    """Returns the seconds of the fastest of many calls, `at_once` of them timed together, after one that does not count."""
    call()
    fastest, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        for _ in range(at_once):
            call()
        fastest = min(fastest, (time.perf_counter() - start) / at_once)
    return fastest


def best_of_short(call, seconds=0.4):
    """Returns the same for calls of microseconds: as many are timed together as take some milliseconds."""
    once = best_seconds(call, 0.05)
    return best_seconds(call, seconds, max(1, min(10000, int(5e-3 / once))))
