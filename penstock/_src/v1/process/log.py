"""tf.compat.v1.logging: the logger "tensorflow", with TensorFlow's levels."""

import logging
import sys
import threading
from typing import Any

from penstock._src.util.export import export, export_constant
from penstock._src.util.process import forks
from penstock._src.util.signatures import named

DEBUG, INFO, WARN, ERROR, FATAL = (
    logging.DEBUG,
    logging.INFO,
    logging.WARNING,
    logging.ERROR,
    logging.FATAL,
)
export_constant(None, DEBUG, v1=["logging.DEBUG"])
export_constant(None, INFO, v1=["logging.INFO"])
export_constant(None, WARN, v1=["logging.WARN"])
export_constant(None, ERROR, v1=["logging.ERROR"])
export_constant(None, FATAL, v1=["logging.FATAL"])

_logger = logging.getLogger("tensorflow")
_counts: dict[Any, int] = {}
_lock = forks.freed_in_child(threading.Lock())


def get_logger() -> logging.Logger:
    """Returns the logger, which writes to standard error if it has no other handler."""
    if not _logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(f"%(levelname)s:{_logger.name}:%(message)s"))
        _logger.addHandler(handler)
    return _logger


@export(v1=["logging.log"])
def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs `msg % args` at a level."""
    get_logger().log(level, msg, *args, **kwargs)


def _at_level(name: str, meaning: str = "", *more: str) -> Any:
    """Creates the public function that logs at one level."""

    def log_at_level(msg: Any, *args: Any, **kwargs: Any) -> None:
        getattr(get_logger(), name)(msg, *args, **kwargs)

    log_at_level.output_stream = f"log({name})"  # type: ignore[attr-defined] # what tf.print takes it for
    names = [f"logging.{one}" for one in (name, *more)]
    text = f"Logs `msg % args` at level {(*more, name)[0].upper()}{meaning}."
    return export(v1=names)(named(log_at_level, name, text))


debug = _at_level("debug")
info = _at_level("info")
warning = warn = _at_level("warning", "", "warn")
error = _at_level("error")
fatal = _at_level("fatal", "; the program continues")


@export(v1=["logging.vlog"])
def vlog(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs `msg % args` at a level."""
    get_logger().log(level, msg, *args, **kwargs)


@export(v1=["logging.log_if"])
def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Logs `msg % args` if the condition is true."""
    if condition:
        log(level, msg, *args)


def _calls_before() -> int:
    """Return the number of earlier calls from the source line of the caller's caller."""
    frame = sys._getframe(2)
    place = (frame.f_code.co_filename, frame.f_lineno)
    with _lock:
        _counts[place] = _counts.get(place, -1) + 1
        return _counts[place]


@export(v1=["logging.log_every_n"])
def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first of every `n` calls from the same source line."""
    if _calls_before() % n == 0:
        log(level, msg, *args)


@export(v1=["logging.log_first_n"])
def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first `n` calls from the same source line."""
    if _calls_before() < n:
        log(level, msg, *args)


@export(v1=["logging.get_verbosity"])
def get_verbosity() -> int:
    """Returns the lowest level that is logged."""
    return _logger.getEffectiveLevel()


@export(v1=["logging.set_verbosity"])
def set_verbosity(v: int) -> None:
    """Sets the lowest level that is logged."""
    _logger.setLevel(v)


@export(v1=["logging.flush"])
def flush() -> None:
    """Flushes the log."""
    for handler in _logger.handlers:
        handler.flush()


@export(v1=["logging.TaskLevelStatusMessage"])
def TaskLevelStatusMessage(msg: Any) -> None:
    """Logs `msg` as an error."""
    error(msg)
