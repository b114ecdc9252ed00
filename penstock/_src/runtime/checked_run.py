"""PENSTOCK_CHECKED=1: runs whose loads and stores are checked, and the error of one outside its buffer."""

import contextlib
import functools
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.launch_table import Launch, offsets
from penstock._src.core.errors import InternalError
from penstock._src.native import pool
from penstock._src.native.process import bounds
from penstock._src.native.runner import STOPPED_AT
from penstock._src.runtime.binding import BoundTable
from penstock._src.runtime.weight_packer import WeightPacker
from penstock._src.util.process import forks

# The process has one list of buffers.
_ONE_AT_A_TIME = forks.freed_in_child(threading.RLock())
Range = tuple[int, int, str]  # address, bytes, name


@functools.cache
def _words() -> np.ndarray:
    return bounds.bounds_words(pool().library)


@contextlib.contextmanager
def checked_run(table: BoundTable, arrays: Sequence[np.ndarray]) -> Iterator[None]:
    """A context in which the table's kernels are held to their buffers and to these arrays of the call.

    Raises:
      InternalError: an access was outside; the message names kernel, operation and line.
    """
    found = _ranges(table, arrays)
    with _held_to(found, table.status) as faults:
        yield
    if faults[bounds.FAULTS]:
        raise _error(table, found, faults)


@contextlib.contextmanager
def checked_packing(packer: WeightPacker, arrays: Sequence[np.ndarray]) -> Iterator[None]:
    """A context in which packing is held to a variable's array, the packed weights and the room for packing.

    Raises:
      InternalError: an access was outside.
    """
    names = ("the variable", "the packed weights", "the room for packing")
    own = [(packer.pack.table, "the launch table"), *zip(arrays, names, strict=True)]
    found = _largest((array.ctypes.data, array.nbytes, name) for array, name in own)
    with _held_to(found, packer.pack.status) as faults:
        yield
    if faults[bounds.FAULTS]:
        raise InternalError(f"Packing weights {_access(found, faults)}")


@contextlib.contextmanager
def _held_to(found: Sequence[Range], status: np.ndarray) -> Iterator[np.ndarray]:
    """A context in which kernels are held to buffers; the words that it gives tell afterwards of accesses outside."""
    listed = np.array([(start, size) for start, size, _ in found], np.int64)
    words, faults = _words(), np.zeros(bounds.WORDS, np.int64)
    with _ONE_AT_A_TIME:
        words[bounds.FAULTS] = 0
        words[bounds.STATUS], words[bounds.TABLE] = status.ctypes.data, listed.ctypes.data
        words[bounds.COUNT] = len(listed)
        try:
            yield faults
        finally:
            words[bounds.COUNT] = 0
            faults[:] = words


def _ranges(table: BoundTable, arrays: Sequence[np.ndarray]) -> list[Range]:
    """What kernels may touch, by address; of what begins at the same place the largest."""
    own = [(table.call.table, "the launch table"), (table.status, "the status")]
    own += [(array, f"array {i} of the call") for i, array in enumerate(arrays)]
    found = [(array.ctypes.data, array.nbytes, name) for array, name in own]
    arena = table.arena.ctypes.data
    for buffer in table.plan.buffers:
        if buffer.place == "arena" and buffer.last >= 0:
            found.append((arena + buffer.offset, buffer.size, buffer.name))
        elif buffer.place == "constant":
            array = table.constants[buffer]
            found.append((array.ctypes.data, array.nbytes, buffer.name))
    return _largest(found)


def _largest(found: Iterable[Range]) -> list[Range]:
    largest: dict[int, Range] = {}
    for entry in sorted(found):
        largest[entry[0]] = entry
    return list(largest.values())


def _access(ranges: Sequence[Range], words: np.ndarray) -> str:
    """The access that was noted."""
    low, length, address, size, stores = (
        int(words[i])
        for i in (bounds.LOW, bounds.LENGTH, bounds.ADDRESS, bounds.BYTES, bounds.WHAT)
    )
    name = next((name for start, _, name in ranges if start == low), "no buffer")
    verb = "stores" if stores else "loads"
    return f"{verb} {size} bytes at byte {address - low} of {name}, which has {length} bytes."


def _error(table: BoundTable, ranges: Sequence[Range], words: np.ndarray) -> InternalError:
    launch = _launch_at(table, int(table.status[STOPPED_AT]))
    nodes = launch.made if launch is not None else ()
    label = launch.label if launch is not None else "the program"
    error = InternalError(f"{table.plan.function.name}: kernel '{label}' {_access(ranges, words)}")
    error.origin = next((n.origin for n in nodes if n.origin is not None), None)  # type: ignore[attr-defined]
    return error


def _launch_at(table: BoundTable, word: int) -> Any:
    launches = (r for r, at in offsets(table.plan.launches) if isinstance(r, Launch) and at == word)
    return next(launches, None)
