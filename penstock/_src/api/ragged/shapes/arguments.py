"""Arguments of ragged shapes: which of int32 and int64 the lengths have."""

from collections.abc import Iterable
from typing import Any

from penstock._src.api.debugging.asserts import assert_equal
from penstock._src.api.ragged.row_checks import INDEX_TYPES
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType


def index_type(value: Any, preferred: DType | None) -> DType | None:
    """Returns the preferred type, or else the type of a tensor, partition or shape; None for Python numbers and lists.

    Raises:
      ValueError: it is neither int32 nor int64.
    """
    if preferred is None:
        if isinstance(value, DType):
            preferred = value
        elif isinstance(value, (int, list, tuple)):
            return None
        else:
            preferred = dtypes.as_dtype(value.dtype)
    if preferred not in INDEX_TYPES:
        raise ValueError(f"Illegal dtype: {preferred}")
    return preferred


def index_type_of_all(values: Iterable[Any], preferred: DType | None) -> DType | None:
    """Returns the preferred type, or else that of the first value that has one.

    Raises:
      ValueError: a value has neither int32 nor int64.
    """
    for value in values:
        if preferred is not None:
            break
        preferred = index_type(value, preferred)
    return preferred


def require_equal(x: Any, y: Any, message: str | None = None) -> list[Any]:
    """Raises InvalidArgumentError unless `x == y` everywhere; in a graph returns the assertion."""
    assertion = assert_equal(x, y, message=message)
    return [] if assertion is None else [assertion]
