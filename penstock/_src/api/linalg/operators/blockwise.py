"""Arguments of block operators: a tensor of all rows, or a list of blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.util import nest


def is_blockwise(sizes: Sequence[int | None], argument: Any, axis: int) -> bool:
    """True if an argument is a list with a block for each operator.

    Lists of lists can be both; then the sizes along `axis` decide.

    Args:
      sizes: the sizes of the operators, None where they are unknown.
      argument: a tensor, a list of tensors, or what stands for a tensor.
      axis: the axis along which blocks follow each other.

    Raises:
      ValueError: it fits neither way, or both.
    """
    if not isinstance(argument, (list, tuple)) or len(argument) != len(sizes):
        return False
    if not any(nest.is_nested(part) for part in argument):
        return True
    extents = [convert_to_tensor(part).shape[axis] for part in argument]
    all_equal = all(size == extents[0] for size in extents)
    if all(size is None for size in sizes):
        if len(extents) == 1:
            return False
        if not all_equal:
            return True
        raise ValueError(
            "Parsing of the input structure is ambiguous. Please input a blockwise iterable of "
            "`Tensor`s or a single `Tensor`."
        )
    if all(size is None or size == part for size, part in zip(sizes, extents)):
        return True
    if all_equal and extents[0] >= sum(size for size in sizes if size is not None):
        return False
    raise ValueError("Input dimension does not match operator dimension.")
