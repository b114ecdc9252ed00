"""Warns when a program retraces too often."""

import inspect
import logging
import sys
import time
import weakref
from typing import Any

from penstock._src.util.flags import flags
from penstock._src.util.lazy import ByName
from penstock._src.util.run_observers import WORK_OBSERVERS

logger = logging.getLogger("penstock")

# Imported by name: functions of files are not traced.
_IS_USER_MODULE = ByName("penstock._src.function.autograph.convert", "is_user_module")

# Warn at this many traces of one function, or of functions created repeatedly from one definition.
MANY_FUNCTIONS = 5
MANY_TRACES = 8
_of_code: dict[Any, list[Any]] = {}
_of_function: "weakref.WeakKeyDictionary[Any, int]" = weakref.WeakKeyDictionary()
_warned: set[Any] = set()


def count(function: Any, reason: str) -> None:
    """Counts a trace, made for this reason; warns once if there are too many."""
    plain = _plain(function)
    code = getattr(plain, "__code__", None)
    if not _IS_USER_MODULE(getattr(plain, "__module__", None)):
        return
    traces = _of_function.get(function, 0) + 1
    _of_function[function] = traces
    if code is None or code in _warned:
        return
    seen = _of_code.setdefault(code, [])
    if traces == 1:
        seen.append(time.monotonic())
    where = f"{code.co_name} (File {code.co_filename!r}, line {code.co_firstlineno})"
    # Methods are exempt: each object has its own tf.function.
    if len(seen) >= MANY_FUNCTIONS and not hasattr(function, "_unbound_function"):
        _warned.add(code)
        logger.warning(
            "tf.function was applied %d times to %s and traced each time: tracing costs far more than "
            "running. Make the tf.function once, outside the loop or function that calls it, and call "
            "that object again.",
            len(seen),
            where,
        )
    elif traces >= MANY_TRACES:
        _warned.add(code)
        logger.warning(
            "%s was traced %d times, the last time as %s. A new trace is made for every new shape or dtype of a "
            "tensor and for every new value of a Python number, string or object. Pass numbers that change as tensors "
            "(tf.constant), or use reduce_retracing=True or an input_signature with None for sizes that vary.",
            where,
            traces,
            reason,
        )


def log(function: Any, reason: str) -> None:
    """Prints the reason of a trace, with PENSTOCK_DEBUG=1 or more, and notifies observers."""
    for observer in WORK_OBSERVERS:
        observer.traced(function, reason)
    if flags.debug >= 1:
        number = function.experimental_get_tracing_count() + 1
        print(f"trace {number} of {function.name}: {reason}", file=sys.stderr)


def _plain(function: Any) -> Any:
    inner = inspect.unwrap(function.python_function)
    return getattr(inner, "__func__", inner)
