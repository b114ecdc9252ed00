"""Iterators and how v1 savers save them."""

from penstock._src.data.iterator import OwnedIterator
from penstock._src.v1.saving.iterators import IteratorSaveable as _IteratorSaveable

__all__ = ["OwnedIterator", "_IteratorSaveable"]
# Calls of `get_next` of an iterator that are taken for a loop.
GET_NEXT_CALL_WARNING_THRESHOLD = 32
GET_NEXT_CALL_ERROR_THRESHOLD = 32
GLOBAL_ITERATORS = "iterators"
