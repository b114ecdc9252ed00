"""Errors by their codes: `tensorflow.python.framework.errors_impl`."""

from __future__ import annotations

import warnings
from typing import Any

from penstock._src.core.errors import OpError, UnknownError, exception_type_from_error_code


def _make_specific_exception(node_def: Any, op: Any, message: str, error_code: int) -> OpError:
    """Returns the error of a code; for a code that has none an UnknownError, with a warning."""
    try:
        kind = exception_type_from_error_code(error_code)
    except KeyError:
        warnings.warn(f"Unknown error code: {error_code}", stacklevel=2)
        return UnknownError(node_def, op, message, error_code)
    return kind(node_def, op, message)
