"""Small functions of `tensorflow.python.framework.ops`, `util.nest` and TensorFlow's ragged utilities."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.util import nest

_NUMBERS = itertools.count()

NullContextmanager = contextlib.nullcontext


def uid() -> int:
    """Returns a unique number."""
    return next(_NUMBERS)


def name_from_scope_name(name: str) -> str:
    """Returns the name of the operation that owns a name scope."""
    return name.removesuffix("/")


def convert_to_tensor_or_composite(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Returns `value` unchanged if it is a composite tensor, else converts it to a tensor."""
    return value if nest.is_composite(value) else convert_to_tensor(value, dtype=dtype, name=name)


def assert_splits_match(nested_splits_lists: Any) -> list[Any]:
    """Returns operations that raise InvalidArgumentError unless ragged tensors' rows are equal.

    Args:
      nested_splits_lists: for each ragged tensor, its vectors of row splits.

    Raises:
      ValueError: they are ragged to different depths.
    """
    message = "Inputs must have identical ragged splits"
    first = nested_splits_lists[0]
    if any(len(splits) != len(first) for splits in nested_splits_lists):
        raise ValueError(message)
    checks = []
    for splits in nested_splits_lists[1:]:
        for mine, theirs in zip(first, splits):
            equal = raw.All(input=raw.Equal(x=mine, y=theirs), axis=[0])
            checks.append(raw.Assert(condition=equal, data=[message]))
    return checks


def is_namedtuple(instance: Any, strict: bool = False) -> bool:
    """Whether `instance` is a named tuple; if `strict`, subclasses of named tuple classes do not count."""
    if not nest.is_namedtuple(instance):
        return False
    return not strict or type(instance).__base__ is tuple
