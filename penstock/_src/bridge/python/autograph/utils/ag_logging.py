"""The log of conversions: `tensorflow.python.autograph.utils.ag_logging`."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from typing import Any

from penstock._src.function.autograph import convert, public

VERBOSITY_VAR_NAME = "AUTOGRAPH_VERBOSITY"
DEFAULT_VERBOSITY = 0

# As set here; None until then.
verbosity_level: int | None = None
echo_log_to_stdout = False


def set_verbosity(level: int, alsologtostdout: bool = False) -> None:
    """Sets how much is logged, and whether it is printed too."""
    global verbosity_level, echo_log_to_stdout
    verbosity_level, echo_log_to_stdout = level, alsologtostdout
    public.set_verbosity(level)


def get_verbosity() -> int:
    """Returns the level that was set, or that of the environment."""
    if verbosity_level is not None:
        return verbosity_level
    return int(os.getenv(VERBOSITY_VAR_NAME, str(DEFAULT_VERBOSITY)))


def has_verbosity(level: int) -> bool:
    """True if messages of this level are logged."""
    return get_verbosity() >= level


def _printed(message: str, values: tuple[Any, ...], failed: bool = False) -> None:
    """Prints a message and, if asked to, the error that is being handled."""
    if echo_log_to_stdout:
        print(message % values if values else message)
        if failed:
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()


def error(level: int, message: str, *values: Any, **options: Any) -> None:
    """Logs an error of a level, with the exception if `exc_info` is given."""
    if has_verbosity(level):
        convert.logger.error(message, *values, **options)
        _printed(f"ERROR: {message}", values, options.get("exc_info", False))


def log(level: int, message: str, *values: Any, **options: Any) -> None:
    """Logs a message of a level."""
    if has_verbosity(level):
        convert.logger.info(message, *values, **options)
        _printed(message, values, options.get("exc_info", False))


def warning(message: str, *values: Any, **options: Any) -> None:
    """Logs a warning, whatever the level."""
    convert.logger.log(logging.WARNING, message, *values, **options)
    _printed(f"WARNING: {message}", values, options.get("exc_info", False))
