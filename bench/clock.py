"""Timing: takes the fastest of many calls, since disturbances only ever slow a call down."""

import time


def best_seconds(call, seconds=1.0, at_once=1):
    """Returns the time in seconds of the fastest of many calls, timed in groups of `at_once`, after a warm-up call."""
    call()
    fastest, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        for _ in range(at_once):
            call()
        fastest = min(fastest, (time.perf_counter() - start) / at_once)
    return fastest


def best_of_short(call, seconds=0.4):
    """`best_seconds` for calls of microseconds: groups take some milliseconds each."""
    once = best_seconds(call, 0.05)
    return best_seconds(call, seconds, max(1, min(10000, int(5e-3 / once))))
