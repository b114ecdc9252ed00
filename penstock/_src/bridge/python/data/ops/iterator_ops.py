"""Iterators and how v1 savers save them."""

from penstock._src.data.iterator import OwnedIterator
from penstock._src.v1.inputs.datasets import (
    GET_NEXT_CALL_WARNING_MESSAGE,
    GET_NEXT_CALL_WARNING_THRESHOLD,
)
from penstock._src.v1.saving.iterators import IteratorSaveable as _IteratorSaveable

__all__ = [
    "GET_NEXT_CALL_WARNING_MESSAGE",
    "GET_NEXT_CALL_WARNING_THRESHOLD",
    "OwnedIterator",
    "_IteratorSaveable",
]
# More calls of `get_next` than this in one trace are assumed to be a loop.
GET_NEXT_CALL_ERROR_THRESHOLD = 32
GLOBAL_ITERATORS = "iterators"
