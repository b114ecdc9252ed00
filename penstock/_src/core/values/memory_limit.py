"""Limit of the memory of arrays, and the error of exceeding it.

Arrays of a megabyte or more are counted by NumPy's allocator (`native/process/array_memory.py`). It refuses an allocation that would exceed the
limit; NumPy then raises MemoryError with the array's shape, and `exhausted` converts that to TensorFlow's error.
"""

import gc
import math
import os
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from penstock._src.core.errors import OpError, ResourceExhaustedError
from penstock._src.util.flags import flags

USED, LIMIT, PEAK = range(3)
NO_LIMIT = (1 << 63) - 1
MENTIONED = 3  # of the largest arrays, how many a message lists
LARGE = 1 << 20  # bytes of arrays that are counted

_BYTE = np.dtype(np.uint8)

# Counters that native code updates, and the limit that it reads.
WORDS = np.zeros(8, np.int64)
_INTEGERS = WORDS.data  # gives Python's ints at once
_HOLDERS: dict[type, tuple[str, str]] = {}  # class: attribute that is an array, what it is called


_MEMBERSHIP, _GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
_SYSTEM = Path("/proc/meminfo")


def machine_memory() -> int:
    """The bytes that this process may use: the machine's memory, or its control group's if that is less."""
    return min([_physical_memory(), *_control_group_limits(_MEMBERSHIP, _GROUPS)])


def container_memory() -> int | None:
    """The bytes that the process's control groups allow; None if that is not less than the machine has."""
    least = min(_control_group_limits(_MEMBERSHIP, _GROUPS), default=NO_LIMIT)
    return least if least < _physical_memory() else None


def _physical_memory() -> int:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return NO_LIMIT


def _control_group_limits(membership: Path, root: Path) -> Iterable[int]:
    """The limits of the process's control groups and of those around them, of both versions."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "memory" if controllers else root
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(base):
                break
            try:
                yield int((folder / name).read_text())
            except (OSError, ValueError):  # no such file, or "max"
                continue


def limit() -> int:
    """The current limit in bytes."""
    size: int = _INTEGERS[LIMIT]
    if not size:
        set_limit(flags.memory_limit or None)
        size = _INTEGERS[LIMIT]
    return size


def set_limit(size: int | None) -> None:
    """Sets the limit in bytes; None sets the machine's memory."""
    WORDS[LIMIT] = machine_memory() if size is None else size


def available() -> int:
    """Bytes that arrays may still take: of the limit, and of what the system can give without taking it from other processes."""
    return max(0, min(limit() - used(), _system_available(_SYSTEM)))


def _system_available(path: Path) -> int:
    """Linux's estimate of the memory that is free or can be made so; elsewhere there is none."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return NO_LIMIT
    for line in lines:
        name, _, size = line.partition(":")
        if name == "MemAvailable":
            return int(size.split()[0]) << 10
    return NO_LIMIT


def used() -> int:
    """Bytes of counted arrays that are alive."""
    return max(0, int(WORDS[USED]))


def exhausted(shape: Iterable[int], dtype: Any, what: str = "") -> OpError:
    """Return the error of an array that does not fit into memory; `what` needs it, such as an op."""
    shape = tuple(map(int, shape))
    size = math.prod(shape) * dtype.itemsize
    extents = ",".join(map(str, shape))
    return _error(what, f"tensor with shape[{extents}] and type {dtype} of {size} bytes", size)


def require(shape: Iterable[int], dtype: np.dtype, what: str = "") -> None:
    """Raises the error of `exhausted` unless there is memory for an array that NumPy's allocator does not make."""
    shape = tuple(shape)
    size = math.prod(shape) * dtype.itemsize
    if size >= LARGE and size > limit() - used():
        raise exhausted(shape, dtype, what)


def require_bytes(size: int, what: str = "") -> None:
    """Raise the error of `exhausted` unless there is memory for this many bytes of Python objects, which are not counted."""
    require((size,), _BYTE, what)


def refused(error: MemoryError, what: str) -> OpError:
    """Return the error for a MemoryError. NumPy's know the array's shape. The frames of the MemoryError are released."""
    if hasattr(error, "shape") and hasattr(error, "dtype"):
        translated = exhausted(error.shape, error.dtype, what)
    else:
        translated = _error(what, "memory", 0)
    traceback.clear_frames(error.__traceback__)
    translated.__cause__ = error
    return translated


def _error(what: str, wanted: str, size: int) -> OpError:
    prefix = f"{what}: " if what else ""
    return ResourceExhaustedError(f"{prefix}OOM when allocating {wanted}. {state(size)}")


def state(size: int) -> str:
    """Return the state of memory for a message: why there are not `size` bytes, and the largest arrays."""
    most, taken = limit(), used()
    if size > most - taken:
        why = f"The memory limit is {most} bytes: arrays use {taken}."
    else:
        why = f"The system has no more memory; arrays use {taken} bytes."
    largest = ", ".join(f"{name} ({size} bytes)" for name, size in largest_arrays()[:MENTIONED])
    return f"{why} Largest: {largest}." if largest else why


def register_holder(kind: type, attribute: str, word: str) -> None:
    """Makes messages list arrays that are an attribute of objects of a class, described by a word."""
    _HOLDERS[kind] = attribute, word


def largest_arrays() -> list[tuple[str, int]]:
    """The description and the bytes of arrays that take much memory, the largest first."""
    described: dict[int, tuple[str, int]] = {}
    for holder in gc.get_objects():
        if type(holder) in _HOLDERS:
            attribute, word = _HOLDERS[type(holder)]
            array = getattr(holder, attribute, None)
            if isinstance(array, np.ndarray) and array.nbytes >= LARGE:
                name = f" {named!r}" if (named := getattr(holder, "name", "")) else ""
                extents = ",".join(map(str, array.shape))
                described[array.ctypes.data] = (
                    f"{word}{name} {array.dtype}[{extents}]",
                    array.nbytes,
                )
    return sorted(described.values(), key=lambda entry: -entry[1])
