"""Single values of comma-separated records."""

from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ops.strings.numbers import to_float, to_integer

_SHOWN = {"float32": "float", "float64": "double"}


def value_of(field: bytes, column: int, default: np.ndarray, missing: bytes, record: str) -> Any:
    """The value of a field, of its default's type.

    Args:
      field: its text, without quotes around it.
      column: its number among the columns that are read, for messages.
      default: the value of a missing field, or no value if there must be one.
      missing: what stands for a missing value, besides nothing.
      record: which record it is, for messages.

    Raises:
      InvalidArgumentError: the field is missing, or no number.
    """
    if not field or field == missing:
        if not default.size:
            raise InvalidArgumentError(f"Field {column} is required but missing in {record}!")
        return default.reshape(-1)[0]
    kind = default.dtype
    if kind.kind == "O":
        return field
    value = to_integer(field, kind) if kind.kind == "i" else to_float(field, kind)
    if value is None:
        shown = field.decode("utf-8", "replace")
        raise InvalidArgumentError(
            f"Field {column} in {record} is not a valid {_SHOWN.get(kind.name, kind.name)}: {shown}"
        )
    return value
