"""Compares the stated layouts of objects (`layouts.py`) with sample objects, when native code that uses them is loaded."""

import ctypes
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import layouts
from .layouts import FREE_THREADED, KINDS, WORD, Layouts


class _Sample:
    """The words of an object, and their halves, as they were when this was made."""

    def __init__(self, value: Any) -> None:
        kind = type(value)
        elements = len(value) if kind.__itemsize__ else 0
        self.bytes = ctypes.string_at(id(value), kind.__basicsize__ + elements * kind.__itemsize__)
        whole = memoryview(self.bytes[: len(self.bytes) // WORD * WORD])
        self.words, self.halves = whole.cast("Q"), whole.cast("I")


def _objects(at: Layouts) -> Iterator[bool]:
    samples = (object(), tuple([1, 2, 3]), [4, 5], slice(1, 2), b"text", np.zeros(3), np.add)
    for sample in samples:
        yield _Sample(sample).words[at.object_type] == id(type(sample))
    for sequence in ((), *samples[1:3], *([0] * n for n in range(9)), samples[4]):
        yield _Sample(sequence).words[at.object_size] == len(sequence)  # type: ignore[arg-type]


def _references(at: Layouts) -> Iterator[bool]:
    for made in (np.zeros(3), [1, 2]):
        holder = [made.copy()]
        address = id(holder[0])
        for others in (0, 1, 5):
            held = holder * others
            header = memoryview(ctypes.string_at(address, object.__basicsize__)).cast("I")
            yield header[at.references_count] == 1 + len(held)


def _tuples(at: Layouts) -> Iterator[bool]:
    for size in (1, 3, 5):
        elements = [object() for _ in range(size)]
        sample = tuple(elements)
        words = _Sample(sample).words
        # Nothing comes after the elements, and before them only the hash.
        yield words[at.tuple_items :].tolist() == list(map(id, elements))
        yield at.tuple_items == at.object_size + (2 if at.tuple_hash else 1)
        if at.tuple_hash:
            yield words[at.tuple_hash] == ctypes.c_size_t(-1).value
            yield at.tuple_hash == at.object_size + 1
            number = ctypes.c_size_t(hash(sample)).value
            yield _Sample(sample).words[at.tuple_hash] == number


def _lists(at: Layouts) -> Iterator[bool]:
    for size in (1, 3, 40):
        elements = [object() for _ in range(size)]
        yield _numbers_at(_Sample(elements).words[at.list_items], size) == list(map(id, elements))


def _slices(at: Layouts) -> Iterator[bool]:
    for parts in ((1, 20000, 30000), (None, -5, None), (object(), None, object())):
        words = _Sample(slice(*parts)).words
        yield words[at.slice_start : at.slice_start + 3].tolist() == list(map(id, parts))


def _bytes(at: Layouts) -> Iterator[bool]:
    for text in (b"", b"a", b"text of some bytes", bytes(100)):
        yield _Sample(text).bytes[at.bytes_data :] == text + b"\0"


def _capsules(at: Layouts) -> Iterator[bool]:
    addresses = [ctypes.c_void_p] * 3
    new = ctypes.PYFUNCTYPE(ctypes.py_object, *addresses)(("PyCapsule_New", ctypes.pythonapi))
    held, name = ctypes.create_string_buffer(8), ctypes.create_string_buffer(b"a name")
    pointer, text = ctypes.addressof(held), ctypes.addressof(name)
    words = _Sample(new(pointer, text, None)).words
    yield words[at.capsule_pointer] == pointer
    yield words[at.capsule_name] == text


def _arrays(at: Layouts) -> Iterator[bool]:
    whole, deep = np.zeros((3, 4), np.float32), np.zeros((2, 3, 1, 5, 2), np.complex128)
    fixed = np.arange(4)
    fixed.flags.writeable = False
    of_bytes = np.frombuffer(b"12345678", np.int8)
    unaligned = np.zeros(33, np.int8)[1:].view(np.float64)
    for array in (
        whole, whole.T, whole[1:, ::2], deep, deep.transpose(4, 1, 0, 3, 2), fixed, of_bytes, unaligned,
        np.zeros((0, 7), np.int64), np.array(3, np.uint8), np.zeros(2, [("a", "f4"), ("b", "i8")]),
    ):  # fmt: skip
        sample, flags = _Sample(array), array.flags
        yield sample.words[at.ndarray_data] == array.__array_interface__["data"][0]
        yield sample.halves[at.ndarray_rank] == array.ndim
        yield _numbers_at(sample.words[at.ndarray_extents], array.ndim) == list(array.shape)
        yield sample.words[at.ndarray_base] == (0 if array.base is None else id(array.base))
        yield sample.words[at.ndarray_dtype] == id(array.dtype)
        number = sample.halves[at.ndarray_flags]
        yield bool(number & at.ndarray_contiguous) == flags.c_contiguous
        yield bool(number & at.ndarray_aligned) == flags.aligned
        yield bool(number & at.ndarray_writable) == flags.writeable


def _ufuncs(at: Layouts) -> Iterator[bool]:
    for ufunc in (np.negative, np.add, np.divmod, np.isfinite):
        loops = _loops(ufunc, at)
        yield len(loops) == len(ufunc.types) and all(code for code, _ in loops)


def _loops(ufunc: np.ufunc, at: Layouts) -> list[tuple[int, int]]:
    """The addresses of a ufunc's inner loops and of what each is given besides arrays; none if its fields do not fit it."""
    sample = _Sample(ufunc)
    counts = *sample.halves[at.ufunc_counts : at.ufunc_counts + 3], sample.halves[at.ufunc_types]
    codes, data = sample.words[at.ufunc_loops], sample.words[at.ufunc_data]
    if counts != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes) or codes == data:
        return []
    if not (_is_address(codes) and (data == 0 or _is_address(data))):
        return []
    given = _numbers_at(data, ufunc.ntypes) if data else [0] * ufunc.ntypes
    return list(zip(_numbers_at(codes, ufunc.ntypes), given, strict=True))


def _is_address(word: int) -> bool:
    """True unless a word is a small number or two numbers, as fields beside an address are."""
    return word % WORD == 0 and word >> 16 != 0 and word >> 56 == 0


def _numbers_at(address: int, count: int) -> list[int]:
    """The words at an address; none if that is no address, or there are none."""
    if not count or not _is_address(address):
        return []
    return list((ctypes.c_size_t * count).from_address(address))


_CHECKS: dict[str, Callable[[Layouts], Iterator[bool]]] = {
    "object": _objects,
    "references": _references,
    "tuple": _tuples,
    "list": _lists,
    "slice": _slices,
    "bytes": _bytes,
    "capsule": _capsules,
    "ndarray": _arrays,
    "ufunc": _ufuncs,
}


@functools.cache
def _fits(kind: str, at: Layouts) -> bool:
    try:
        return all(_CHECKS[kind](at))
    except IndexError:  # a field outside of an object
        return False


def differing(kinds: tuple[str, ...] = KINDS) -> tuple[str, ...]:
    """Returns the kinds among these whose objects are laid out otherwise than is stated here; looks at sample objects the first time."""
    return tuple([kind for kind in kinds if not _fits(kind, layouts.LAYOUTS)])


def loops_of(ufunc: np.ufunc) -> list[tuple[int, int]]:
    """Returns, for each of a ufunc's types, the address of its inner loop and of what that is given besides arrays; none if they are not known."""
    return [] if differing(("ufunc",)) else _loops(ufunc, layouts.LAYOUTS)


def admits_native_calls() -> bool:
    """True if native code may make calls in place of Python: all layouts are as stated, and one thread at a time runs Python code."""
    return not FREE_THREADED and not differing()


def libraries() -> str:
    """Returns the versions of Python and NumPy, for messages."""
    return f"Python {sys.version.split()[0]} and NumPy {np.__version__}"
