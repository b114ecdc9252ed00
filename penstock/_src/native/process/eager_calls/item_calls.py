"""Basic indexing of eager tensors as a builtin: the look at the index, the slice that NumPy gives, and the tensor of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.util.process.layouts import LAYOUTS

from ... import python_calls as py
from ...builtins import method
from ...language.module import Module
from ...language.types import I1, I32, I64, PTR
from ...language.value import Val
from ..array_forms import false, true
from .op_calls import OpCall, Surroundings, describe
from .results import (  # fmt: skip
    ARRAY_TYPE,
    AS_ARRAY,
    DTYPE_AT,
    FIRST_FORM,
    NONE,
    TENSOR,
    TUPLE_TYPE,
    VALUE_AT,
)

# Words of a description after those of the surroundings.
(_INT, _SLICE, _ELLIPSIS, _ORDER, _DTYPES, _FIRST_DTYPE) = range(FIRST_FORM, FIRST_FORM + 6)


def item_call(around: Surroundings, dtypes: list[np.dtype]) -> Callable[[Any, Any], Any]:
    """Returns a builtin of a tensor and an index: the tensor of the slice, or None if the call is not served.

    It serves eager tensors, where nothing is recorded, and indices of ints, slices of ints, None and `...` that are within the tensor.

    Args:
      around: what all eager calls look at.
      dtypes: of the arrays of tensors that are served.
    """
    keep: list[Any] = [int, slice, "C", *dtypes]
    words = [id(int), id(slice), id(...), id(keep[2]), len(dtypes), *map(id, dtypes)]
    return py.bind(_entry(), describe(0, [words], around, keep))


@method("item_of_tensor", "tuple", "slice")
def _entry(m: Module, name: str) -> None:
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        _ItemCall(f).write()


class _ItemCall(OpCall):
    """Writes the call."""

    def write(self) -> None:
        """Writes the function."""
        f = self.f
        f.branch(f.when(f.nargs.eq(2), self._is_plain, lambda: false(f))[0], "slice", "decline")
        f.start("slice")
        tensor, index = (f.load(f.argv, i, PTR) for i in range(2))
        array = f.load(tensor, self.word(VALUE_AT, I64), PTR)
        storage = py.dtype_of(f, array, PTR)
        part = f.call("PyObject_GetItem", array, index, ret=PTR)
        (whole,) = f.when(f.is_null(part), lambda: (f.const(0, PTR),), lambda: self._whole(part, storage))  # fmt: skip
        dtype = f.load(tensor, self.word(DTYPE_AT, I64), PTR)
        (result,) = f.when(
            f.is_null(whole), lambda: (f.const(0, PTR),), lambda: self._tensor(whole, dtype)
        )
        f.branch(f.is_null(result), "failed", "done")
        f.start("done")
        f.give(result)
        f.start("failed")
        f.call("PyErr_Clear")  # the long way meets the same error
        f.jump("decline")
        f.start("decline")
        none = self.word(NONE)
        f.call("Py_IncRef", none)
        f.give(none)

    def _is_plain(self) -> tuple[Val, ...]:
        f = self.f
        tensor = f.load(f.argv, 0, PTR)

        def of_tensor() -> tuple[Val, ...]:
            array = f.load(tensor, self.word(VALUE_AT, I64), PTR)
            is_array = py.type_of(f, array).eq(self.word(ARRAY_TYPE, I64))
            return f.when(is_array, lambda: of_array(array), lambda: false(f))

        def of_array(array: Val) -> tuple[Val, ...]:
            dtype = py.dtype_of(f, array)

            def look(i: Val, good: Val) -> tuple[Val, ...]:
                return (good | dtype.eq(f.load(self.words, i + _FIRST_DTYPE, I64)),)

            (known,) = f.loop(f.i64(0), self.word(_DTYPES, I64), 1, look, f.const(0, I1))
            return f.when(known, self._is_basic, lambda: false(f))

        is_tensor = py.type_of(f, tensor).eq(self.word(TENSOR, I64))
        (good,) = f.when(is_tensor, of_tensor, lambda: false(f))
        return f.when(good, self._is_unrecorded, lambda: false(f))

    def _is_unrecorded(self) -> tuple[Val, ...]:
        served, recorded, _ = self._look_around()
        return (served & (recorded ^ self.f.const(1, I1)),)

    def _is_basic(self) -> tuple[Val, ...]:
        """True if the index is an int, a slice of ints, None, `...`, or a tuple of these."""
        f = self.f
        index = f.load(f.argv, 1, PTR)

        def all_entries() -> tuple[Val, ...]:
            def look(i: Val, good: Val) -> tuple[Val, ...]:
                return (good & self._is_entry(f.load(py.tuple_items(f, index), i, PTR)),)

            return f.loop(f.i64(0), py.size_of(f, index), 1, look, f.const(1, I1))

        is_tuple = py.type_of(f, index).eq(self.word(TUPLE_TYPE, I64))
        return f.when(is_tuple, all_entries, lambda: (self._is_entry(index),))

    def _is_entry(self, entry: Val) -> Val:
        f = self.f

        def has_bounds() -> tuple[Val, ...]:
            good = f.const(1, I1)
            for bound in range(3):
                at = py.field(f, "slice_start") + bound
                good = good & self._is_bound(f.load(entry, at, PTR), of_slice=True)
            return (good,)

        is_plain = self._is_bound(entry) | self.is_same(entry, self.word(_ELLIPSIS))
        is_slice = py.type_of(f, entry).eq(self.word(_SLICE, I64))
        return f.when(is_plain, lambda: true(f), lambda: f.when(is_slice, has_bounds, lambda: false(f)))[0]  # fmt: skip

    def _is_bound(self, value: Val, of_slice: bool = False) -> Val:
        """True for an int itself, and None; in slices for ints of 64 bits alone, as NumPy takes larger ones, too."""
        f = self.f

        def has_64_bits() -> tuple[Val, ...]:
            f.call("PyLong_AsLongAndOverflow", value, self.pair)
            return (f.load(self.pair, 0, I32).eq(0),)

        is_int = py.type_of(f, value).eq(self.word(_INT, I64))
        if of_slice:
            (is_int,) = f.when(is_int, has_64_bits, lambda: false(f))
        return is_int | self.is_same(value, self.word(NONE))

    def _whole(self, part: Val, storage: Val) -> tuple[Val, ...]:
        """A slice or scalar, which is used up, as a contiguous array; null after an error."""
        f = self.f

        def is_contiguous() -> tuple[Val, ...]:
            return ((py.flags_of(f, part) & LAYOUTS.ndarray_contiguous).ne(0),)

        def convert() -> tuple[Val, ...]:
            for i, value in enumerate((part, storage, self.word(_ORDER))):
                f.store(value, self.pair, i)
            array = self.called(self.word(AS_ARRAY), 3)
            f.call("Py_DecRef", part)
            return (array,)

        is_array = py.type_of(f, part).eq(self.word(ARRAY_TYPE, I64))
        (good,) = f.when(is_array, is_contiguous, lambda: false(f))
        return f.when(good, lambda: (part,), convert)
