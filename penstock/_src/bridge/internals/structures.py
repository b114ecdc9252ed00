"""`tensorflow.python.util.nest` where its private functions take more than Penstock's."""

from __future__ import annotations

from typing import Any

from penstock._src.util import nest


def is_namedtuple(instance: Any, strict: bool = False) -> bool:
    """Whether `instance` is of a named tuple class; `strict`: of that class itself."""
    if not nest.is_namedtuple(instance):
        return False
    return not strict or type(instance).__base__ is tuple
