"""What Python code reads of eager tensors besides running ops on them: their values, which may become attributes, and their extents.

    with watching() as reads: result = function(*arguments)
    reads.values, reads.extents

The class reads its own slot `_value` wherever a tensor's value is needed, so that is where the thread is watched: `numpy()`, `int()`, `bool()`, `__array__`,
`tf.get_static_value` and code that knows the slot all come by. The executor's own reads are those of the inputs of ops, which tapes may keep.
"""

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.eager.tensor import EagerTensor

# Modules that read the inputs of ops, handles, and where a tensor has its value.
_EXECUTOR = frozenset(
    {f"penstock._src.eager.{name}" for name in ("compiled", "execute", "variable", "variable_handle")}
    | {"penstock._src.native.process.eager_calls.op_calls"}
)  # fmt: skip
_OF_EXTENTS = ("shape", "_shape_tuple", "_shape_tuple_value")
_OF_RANKS = ("ndim", "_rank", "_is_array")


class Reads:
    """What was read: values, and extents, of any tensor."""

    __slots__ = ("extents", "values")

    def __init__(self) -> None:
        self.values = self.extents = False


class _Thread(threading.local):
    reads: Reads | None = None


_THREAD = _Thread()
_OWN: dict[str, Any] = {name: vars(EagerTensor)[name] for name in ("_value", *_OF_EXTENTS, *_OF_RANKS)}  # fmt: skip
_LOCK = threading.Lock()
_watched = 0  # threads


class _Value:
    """Stands for the slot of the value."""

    def __get__(self, tensor: Any, kind: Any = None) -> Any:
        if tensor is None:
            return self
        reads = _THREAD.reads
        if reads is not None and sys._getframe(1).f_globals.get("__name__") not in _EXECUTOR:
            reads.values = True
        return _OWN["_value"].__get__(tensor)

    def __set__(self, tensor: Any, value: Any) -> None:
        _OWN["_value"].__set__(tensor, value)


def _noting(read: Callable[[Any], Any], extents: bool) -> Callable[[Any], Any]:
    """Returns a method that reads no value, although it looks at the array."""

    @functools.wraps(read)
    def call(tensor: Any) -> Any:
        if extents and _THREAD.reads is not None:
            _THREAD.reads.extents = True
        with unwatched():
            return read(tensor)

    return call


def _standing_in(name: str) -> Any:
    own, extents = _OWN[name], name in _OF_EXTENTS
    if isinstance(own, property) and own.fget is not None:
        return property(_noting(own.fget, extents), doc=own.__doc__)
    return _noting(own, extents)


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """Within this block nothing is noted: for code that makes calls native, on behalf of no function."""
    reads, _THREAD.reads = _THREAD.reads, None
    try:
        yield
    finally:
        _THREAD.reads = reads


_WATCHING: dict[str, Any] = {"_value": _Value(), **{name: _standing_in(name) for name in _OWN if name != "_value"}}  # fmt: skip


def _put(attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        setattr(EagerTensor, name, value)


@contextlib.contextmanager
def watching() -> Iterator[Reads]:
    """Gives what this thread reads within the block. Blocks may stand in one another: what the inner one reads, the outer one has read."""
    global _watched
    outer, reads = _THREAD.reads, Reads()
    with _LOCK:
        _watched += 1
        if _watched == 1:
            _put(_WATCHING)
    _THREAD.reads = reads
    try:
        yield reads
    finally:
        _THREAD.reads = outer
        with _LOCK:
            _watched -= 1
            if not _watched:
                _put(_OWN)
        if outer is not None:
            outer.values |= reads.values
            outer.extents |= reads.extents
