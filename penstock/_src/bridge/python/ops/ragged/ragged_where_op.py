"""`where` for ragged tensors, with other messages for missing arguments."""

from typing import Any

from penstock._src.api.array.indexing import where as _where
from penstock._src.v1.functions.arrays import where as _where_v1


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Returns `tf.compat.v1.where` of ragged or dense tensors."""
    _check(x, y)
    return _where_v1(condition, x, y, name)


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """Returns `tf.where` of ragged or dense tensors."""
    _check(x, y)
    return _where(condition, x, y, name)


def _check(x: Any, y: Any) -> None:
    if (x is None) != (y is None):
        raise ValueError("x and y must be either both None or both non-None")
