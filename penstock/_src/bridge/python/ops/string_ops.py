"""Strings split into sparse tensors, as TensorFlow 1's functions did before there were ragged ones."""

from __future__ import annotations

from typing import Any

from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.v1.names.arguments import either


def string_split(
    source: Any, sep: Any = None, skip_empty: bool = True, delimiter: Any = None
) -> SparseTensor:
    """Returns the parts of each string between any of the characters of `sep` (a space)."""
    separator = either("sep", sep, "delimiter", delimiter)
    separators = convert_to_tensor(" " if separator is None else separator, dtype=dtypes.string)
    source = convert_to_tensor(source, dtype=dtypes.string)
    return SparseTensor(*raw.StringSplit(input=source, delimiter=separators, skip_empty=skip_empty))


def string_split_v2(source: Any, sep: Any = None, maxsplit: int = -1) -> SparseTensor:
    """Returns the parts of each string between separators; without one, between runs of whitespace."""
    source = convert_to_tensor(source, dtype=dtypes.string)
    separator = convert_to_tensor("" if sep is None else sep, dtype=dtypes.string)
    return SparseTensor(*raw.StringSplitV2(input=source, sep=separator, maxsplit=maxsplit))
