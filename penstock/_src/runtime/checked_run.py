"""PENSTOCK_CHECKED=1: runs whose loads and stores are checked, and the error for an access outside its buffer."""

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

# Kernels read one list of buffers for the whole process.
_ONE_AT_A_TIME = forks.freed_in_child(threading.RLock())
Range = tuple[int, int, str]  # address, bytes, name


@functools.cache
def _words() -> np.ndarray:
    return bounds.bounds_words(pool().library)


@contextlib.contextmanager
def checked_run(table: BoundTable, arrays: Sequence[np.ndarray]) -> Iterator[None]:
    """A context in which the table's kernels may access only their buffers and these arrays of the call.

    Raises:
      InternalError: an access was outside; the message names kernel, operation and line.
    """
    ranges = _ranges(table, arrays)
    with _allowed(ranges, table.status) as faults:
        yield
    if faults[bounds.FAULTS]:
        raise _error(table, ranges, faults)


@contextlib.contextmanager
def checked_packing(packer: WeightPacker, arrays: Sequence[np.ndarray]) -> Iterator[None]:
    """A context in which packing may access only a variable's array, the packed weights and the scratch memory.

    Raises:
      InternalError: an access was outside.
    """
    names = ("the variable", "the packed weights", "the scratch memory of packing")
    own = [(packer.pack.table, "the launch table"), *zip(arrays, names, strict=True)]
    ranges = _largest((array.ctypes.data, array.nbytes, name) for array, name in own)
    with _allowed(ranges, packer.pack.status) as faults:
        yield
    if faults[bounds.FAULTS]:
        raise InternalError(f"Packing weights {_access(ranges, faults)}")


@contextlib.contextmanager
def _allowed(ranges: Sequence[Range], status: np.ndarray) -> Iterator[np.ndarray]:
    """A context in which kernels may access only these ranges; yields words that describe the first fault after the run."""
    listed = np.array([(start, size) for start, size, _ in ranges], np.int64)
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
    """The ranges that kernels may access, by address."""
    own = [(table.call.table, "the launch table"), (table.status, "the status")]
    own += [(array, f"array {i} of the call") for i, array in enumerate(arrays)]
    ranges = [(array.ctypes.data, array.nbytes, name) for array, name in own]
    arena = table.arena.ctypes.data
    for buffer in table.plan.buffers:
        if buffer.place == "arena" and buffer.last >= 0:
            ranges.append((arena + buffer.offset, buffer.size, buffer.name))
        elif buffer.place == "constant":
            array = table.constants[buffer]
            ranges.append((array.ctypes.data, array.nbytes, buffer.name))
    return _largest(ranges)


def _largest(ranges: Iterable[Range]) -> list[Range]:
    """The largest range at each address, sorted: buffers that are not live at the same time share addresses."""
    largest: dict[int, Range] = {}
    for entry in sorted(ranges):
        largest[entry[0]] = entry
    return list(largest.values())


def _access(ranges: Sequence[Range], words: np.ndarray) -> str:
    """Describes the recorded access."""
    low, length, address, size, stores = (
        int(words[i])
        for i in (bounds.LOW, bounds.LENGTH, bounds.ADDRESS, bounds.BYTES, bounds.WHAT)
    )
    name = next((name for start, _, name in ranges if start == low), "no buffer")
    verb = "stores" if stores else "loads"
    return f"{verb} {size} bytes at byte {address - low} of {name}, which has {length} bytes."


def _error(table: BoundTable, ranges: Sequence[Range], words: np.ndarray) -> InternalError:
    launch = _launch_at(table, int(table.status[STOPPED_AT]))
    nodes = launch.nodes if launch is not None else ()
    label = launch.label if launch is not None else "the program"
    error = InternalError(f"{table.plan.function.name}: kernel '{label}' {_access(ranges, words)}")
    error._origin = next((n.origin for n in nodes if n.origin is not None), None)
    return error


def _launch_at(table: BoundTable, word: int) -> Any:
    launches = (r for r, at in offsets(table.plan.launches) if isinstance(r, Launch) and at == word)
    return next(launches, None)
