"""Small functions of `tensorflow.python.util.nest` and TensorFlow's ragged utilities."""

from __future__ import annotations

from typing import Any

from penstock._src.core.registry import raw


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
