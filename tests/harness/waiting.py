"""Waits for conditions: tests say what is to come, not how soon, since machines may be busy or stall."""

import time
from collections.abc import Callable

PATIENCE = 60.0  # seconds; only a test that fails waits for so long


def eventually(is_met: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """True as soon as a condition is met; False if it is not met in time."""
    end = time.monotonic() + seconds
    while not is_met():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
