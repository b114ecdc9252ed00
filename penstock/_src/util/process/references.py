"""Detects that an object has no reference except its holder's, so that it may be changed in place.

Python's count of references includes those of the function that asks: two in Python 3.13, one in 3.14, whose local variables lend theirs.
So the count of an object that is held alone is measured by the same function, not written down.

Without the GIL another thread may take a reference at any moment, and a sum of counts that change proves nothing. Such a Python counts references
of the object's own thread in one word and all others in another (PEP 703). An object is held alone if it belongs to the calling thread,
the count of others is 0 and its own is the measured one: only the caller changes the own count, and another thread that adds a
reference later has changed the other count by an atomic operation. A caller who must exclude those, too, says so before asking (by an atomic
operation, as taking a lock is), and they ask after taking their reference: see `resources.WRITING`. An object of another
thread counts as shared: whoever asks then copies it, and owns the copy.
"""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .layouts import FREE_THREADED
from .layouts import FreeThreadedHeader as _Header

# The lowest bit of `others`: there may be weak references. The next one is set once both counts are merged, and then there is no own count.
_WEAK = 1
_MOST = 8  # references of the functions below to what they count


def _own_count(value: Any) -> int:
    """Return the number of references if all are the calling thread's, else a larger number than any."""
    header, here = _Header.from_address(id(value)), object()
    if header.others & ~_WEAK or header.thread != _Header.from_address(id(here)).thread:
        return sys.maxsize
    return header.own


_count = _own_count if FREE_THREADED else sys.getrefcount
# The counts of what is held alone, by an attribute, by one of several attributes, and by a dictionary.
_ATTRIBUTE = _ATTRIBUTES = _ITEM = 0


def is_value_shared(holder: Any) -> bool:
    """True unless the attribute `value` of an object holds the only reference to what it is."""
    value = holder.value
    return _count(value) > _ATTRIBUTE


def is_any_value_shared(holders: Sequence[Any], positions: Sequence[int]) -> bool:
    """True unless the attributes `value` of some of these objects hold the only references to what they are."""
    for position in positions:
        value = holders[position].value
        if _count(value) > _ATTRIBUTES:
            return True
    return False


def is_item_shared(holder: Mapping[Any, Any], key: Any) -> bool:
    """True unless a dictionary holds the only reference to an item."""
    value = holder[key]
    return _count(value) > _ITEM


class _Holder:
    """Holds the only reference to an object."""

    def __init__(self) -> None:
        self.value = object()


def _measure() -> None:
    """Sets the counts of what is held alone to what the functions themselves see; below any if another reference makes no difference."""
    global _ATTRIBUTE, _ATTRIBUTES, _ITEM
    holder, holders, items = _Holder(), [_Holder(), _Holder()], {0: object()}
    while is_value_shared(holder) and _ATTRIBUTE < _MOST:
        _ATTRIBUTE += 1
    while is_any_value_shared(holders, (0, 1)) and _ATTRIBUTES < _MOST:
        _ATTRIBUTES += 1
    while is_item_shared(items, 0) and _ITEM < _MOST:
        _ITEM += 1
    others = holder.value, holders[1].value, items[0]
    if _MOST in (_ATTRIBUTE, _ATTRIBUTES, _ITEM) or not (
        is_value_shared(holder)
        and is_any_value_shared(holders, (0, 1))
        and is_item_shared(items, 0)
    ):
        _ATTRIBUTE = _ATTRIBUTES = _ITEM = -1
    del others


_measure()


def _mark_shared(*values: Any) -> None:
    objects = dict(enumerate(values))
    reader = threading.Thread(target=lambda: [objects[number] for number in range(len(objects))])
    reader.start()
    reader.join()


def _mark_nothing(*values: Any) -> None:
    pass


# Notes that threads share these objects. Without the GIL, Python reads slots and searches dictionaries without a lock if it can take
# references to what it meets, keys included: to another thread's only once a thread that met it in a dictionary has noted that it is shared.
# Otherwise threads that run one function wait for one another most of the time. With the GIL it does nothing.
mark_shared: Callable[..., None] = _mark_shared if FREE_THREADED else _mark_nothing
