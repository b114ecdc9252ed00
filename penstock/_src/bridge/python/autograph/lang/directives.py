"""Marks in converted code: `tensorflow.python.autograph.lang.directives`."""

from __future__ import annotations

from typing import Any

UNSPECIFIED = object()


def set_element_type(entity: Any, dtype: Any, shape: Any = UNSPECIFIED) -> None:
    """Declares the type of a list's elements. Has no effect at run time: converters read it in the source."""
    del entity, dtype, shape
