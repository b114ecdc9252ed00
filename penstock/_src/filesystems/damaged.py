"""Errors for damaged files, with the name of the file and the fault."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.errors import DataLossError

# Exceptions of parsers for impossible content.
_PARSING = (ValueError, TypeError, KeyError, IndexError, OverflowError)


def message_of(kind: Any, data: bytes, where: str) -> Any:
    """Returns the message of a kind in bytes.

    Args:
      kind: the class of the message.
      data: the bytes.
      where: the file, and the place in it.

    Raises:
      DataLossError: the bytes are not such a message.
    """
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise DataLossError(f"{where}: {error}.") from error


def dtype_of(number: int, where: str) -> dtypes.DType:
    """Returns the type with a number.

    Raises:
      DataLossError: there is none.
    """
    try:
        return dtypes.as_dtype(number)
    except TypeError as error:
        raise DataLossError(f"{where}: there is no data type {number}.") from error


def count_of(shape: Sequence[int], where: str) -> int:
    """Returns the number of elements of a shape.

    Raises:
      DataLossError: an extent is negative.
    """
    if any(extent < 0 for extent in shape):
        raise DataLossError(f"{where}: no tensor has the shape {list(shape)}.")
    return math.prod(shape)


@contextlib.contextmanager
def parsing(where: str) -> Iterator[None]:
    """Within this block, errors of parsing are DataLossErrors that say where."""
    try:
        yield
    except _PARSING as error:
        raise DataLossError(f"{where}: {error}") from error
