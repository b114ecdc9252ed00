"""Layouts of CPython's and NumPy's objects that Penstock reads and writes past their C APIs, each compared with sample objects before it is used.

What native code does with other objects (ints, floats, dictionaries, strings, modules, types) goes through the C API, which hides their layouts. The
numbers here follow from `__basicsize__` where Pythons differ: a Python without the GIL has larger headers, and 3.14 caches a tuple's hash before its elements.

No number is trusted: `layout_samples.py` finds those that do not fit sample objects. Native code is not loaded if it uses one of them (`native/code.py`), and
Python makes the calls that native code would make. Modules of native code are cached under the numbers that they use.
"""

import ctypes
from typing import NamedTuple

WORD = ctypes.sizeof(ctypes.c_void_p)
_HEADER = object.__basicsize__ // WORD
# The objects of a Python without the GIL have larger headers.
FREE_THREADED = _HEADER > 2


class FreeThreadedHeader(ctypes.Structure):
    """The header of an object in a Python without the GIL (PEP 703); `util.process.references` measures it."""

    _fields_ = [
        ("thread", ctypes.c_size_t),
        ("flags", ctypes.c_uint16),
        ("mutex", ctypes.c_uint8),
        ("collector", ctypes.c_uint8),
        ("own", ctypes.c_uint32),
        ("others", ctypes.c_ssize_t),
    ]


class Layouts(NamedTuple):
    """Fields of objects: each name begins with the kind of objects, and the number is that of a word from the object's beginning, unless it says otherwise.

    Attributes:
      object_type: the type.
      object_size: the number of elements of a tuple, list or bytes object.
      references_count: the number of the calling thread's references, as a half of a word. Python 3.12 and later have other facts in the other half.
      tuple_hash: the cached hash, which is -1 until it is computed; 0 if tuples cache none.
      tuple_items: the first element.
      list_items: the address of the elements.
      slice_start: the start; stop and step follow.
      bytes_data: the first byte, in bytes. A zero follows the last one.
      capsule_pointer: what a capsule holds.
      capsule_name: the address of its name.
      ndarray_data: the address of the elements.
      ndarray_rank: a half of a word.
      ndarray_extents: the address of the extents.
      ndarray_base: the object whose memory the array shares, or null.
      ndarray_dtype: the dtype.
      ndarray_flags: a half of a word.
      ndarray_contiguous: a bit of the flags: contiguous in C's order.
      ndarray_aligned: a bit of the flags.
      ndarray_writable: a bit of the flags.
      ufunc_counts: halves of a word: the numbers of inputs, of outputs, and of both.
      ufunc_loops: the address of the inner loops' addresses.
      ufunc_data: the address of what each loop is given besides arrays.
      ufunc_types: the number of loops, a half of a word.
    """

    object_type: int = _HEADER - 1
    object_size: int = _HEADER
    references_count: int = FreeThreadedHeader.own.offset // 4 if FREE_THREADED else 0
    tuple_hash: int = _HEADER + 1 if tuple.__basicsize__ == (_HEADER + 2) * WORD else 0
    tuple_items: int = tuple.__basicsize__ // WORD
    list_items: int = _HEADER + 1
    slice_start: int = _HEADER
    bytes_data: int = bytes.__basicsize__ - 1
    capsule_pointer: int = _HEADER
    capsule_name: int = _HEADER + 1
    ndarray_data: int = _HEADER
    ndarray_rank: int = 2 * _HEADER + 2
    ndarray_extents: int = _HEADER + 2
    ndarray_base: int = _HEADER + 4
    ndarray_dtype: int = _HEADER + 5
    ndarray_flags: int = 2 * _HEADER + 12
    ndarray_contiguous: int = 0x1
    ndarray_aligned: int = 0x100
    ndarray_writable: int = 0x400
    ufunc_counts: int = 2 * _HEADER
    ufunc_loops: int = _HEADER + 2
    ufunc_data: int = _HEADER + 3
    ufunc_types: int = 2 * _HEADER + 8

    def of(self, kinds: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
        """The names and numbers of the fields of some kinds of objects."""
        fields = zip(self._fields, self, strict=True)
        return tuple([(name, at) for name, at in fields if kind_of(name) in kinds])


def kind_of(field: str) -> str:
    """The kind of objects that have a field."""
    return field.partition("_")[0]


LAYOUTS = Layouts()
KINDS = tuple(dict.fromkeys(map(kind_of, Layouts._fields)))
# What all native code uses that is called with Python's objects.
OF_ALL_CODE = ("object", "bytes", "ndarray")
