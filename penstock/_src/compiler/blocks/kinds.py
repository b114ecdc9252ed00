"""The kinds of host values that the inputs of a block have."""

from collections.abc import Sequence
from typing import Any

from penstock._src.core import dtypes

ARRAY, HANDLE, LIST, ANY = "array", "handle", "list", "any"


def input_kinds(tensors: Sequence[Any]) -> list[str]:
    """The kind of host value that each tensor has."""
    kinds = {dtypes.resource: HANDLE, dtypes.variant: LIST, dtypes.string: ANY}
    return [kinds.get(t.dtype, ARRAY) for t in tensors]
