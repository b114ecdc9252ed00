"""Checks of arrays before a native call: their dtypes, shapes and layouts in one call, where Python takes 0.3 us for each array."""

from collections.abc import Callable, Container, Sequence

import numpy as np

from penstock._src.core.values.memory import OWN_BLOCKS
from penstock._src.util.process.layouts import LAYOUTS

from .. import python_calls as py
from ..builtins import method
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I1, I64, PTR
from ..language.value import Val

PLAIN = LAYOUTS.ndarray_contiguous | LAYOUTS.ndarray_aligned
WRITABLE = LAYOUTS.ndarray_writable
_OWN_BLOCKS = 2  # the word with the first type of memory that is an array's own; before: number of forms, type of arrays
_FORMS = _OWN_BLOCKS + len(OWN_BLOCKS)  # the first word of the first form
_FORM_WORDS = 3  # of each form before its extents: address of the dtype, rank, flags


class _Forms(np.ndarray):
    """The words of a check; keeps the dtypes alive whose addresses they hold."""

    owner: tuple[np.dtype, ...] = ()


def check_of(
    forms: Sequence[tuple[np.dtype, tuple[int, ...]]], written: Container[int] = ()
) -> Callable[..., bool]:
    """Returns a builtin that tests if its arguments are plain arrays of these dtypes and shapes, in order.

    Plain is an `np.ndarray` itself, contiguous in C's order and aligned. A dtype is compared by identity: False only says
    that the caller has to look closer.

    Args:
      forms: a dtype and a shape for each argument.
      written: the positions of arguments that must be writable and share no memory: a view of another array is not.

    Example:
      >>> from penstock._src.native.process.array_forms import check_of
      >>> check_of([(np.dtype(np.float32), (2, 3))])(np.zeros((2, 3), np.float32))
      True
    """
    # Addresses of objects that live on: types do, and `owner` keeps the dtypes.
    words = [len(forms), id(np.ndarray), *map(id, OWN_BLOCKS)]
    for position, (dtype, shape) in enumerate(forms):
        flags = PLAIN | WRITABLE if position in written else PLAIN
        words += [id(dtype), len(shape), flags, *shape]
    description = np.array(words, np.int64).view(_Forms)
    description.owner = tuple([dtype for dtype, _ in forms])
    return py.bind(_entry(), description)


@method("have_forms")
def _entry(m: Module, name: str) -> None:
    """The check, a function of CPython's vectorcall protocol; `me` is the description."""
    with m.fn(f"py_{name}", ret=PTR, me=PTR, argv=PTR, nargs=I64) as f:
        words = py.data_pointer(f, f.me)
        count, array_type = f.load(words, 0, I64), f.load(words, 1, I64)

        def look(i: Val, at: Val, good: Val) -> tuple[Val, ...]:
            array, form = f.load(f.argv, i, PTR), f.at(words, at, I64)
            rank = f.load(form, 1, I64)
            is_array = py.type_of(f, array).eq(array_type)
            fits = f.when(is_array, lambda: has_form(f, array, form, rank, words), lambda: false(f))
            return at + rank + _FORM_WORDS, good & fits[0]

        def all_fit() -> tuple[Val, ...]:
            return f.loop(f.i64(0), count, 1, look, f.i64(_FORMS), f.const(1, I1))[1:]

        (good,) = f.when(f.nargs.eq(count), all_fit, lambda: false(f))
        f.give(f.call("PyBool_FromLong", f.select(good, f.i64(1), f.i64(0)), ret=PTR))


def has_form(f: Fn, array: Val, form: Val, rank: Val, words: Val) -> tuple[Val, ...]:
    is_like = (
        py.dtype_of(f, array).eq(f.load(form, 0, I64))
        & py.rank_of(f, array).eq(rank)
        & (py.flags_of(f, array) & f.load(form, 2, I64)).eq(f.load(form, 2, I64))
    )
    extents = py.extents_of(f, array)

    def same(axis: Val, good: Val) -> tuple[Val, ...]:
        return (good & f.load(extents, axis, I64).eq(f.load(form, axis + _FORM_WORDS, I64)),)

    def all_same() -> tuple[Val, ...]:
        is_read = (f.load(form, 2, I64) & WRITABLE).eq(0)
        start = f.when(is_read, lambda: true(f), lambda: (_has_own_memory(f, array, words),))
        return f.loop(f.i64(0), rank, 1, same, *start)

    return f.when(is_like, all_same, lambda: false(f))


def _has_own_memory(f: Fn, array: Val, words: Val) -> Val:
    """As `core.values.memory.has_own_memory`."""
    base = py.base_of(f, array)

    def of_block() -> tuple[Val, ...]:
        kind = py.type_of(f, base)
        (good,) = false(f)
        for i in range(len(OWN_BLOCKS)):
            good = good | kind.eq(f.load(words, _OWN_BLOCKS + i, I64))
        return (good,)

    (good,) = f.when(f.is_null(base), lambda: true(f), of_block)
    return good


def true(f: Fn) -> tuple[Val, ...]:
    return (f.const(1, I1),)


def false(f: Fn) -> tuple[Val, ...]:
    return (f.const(0, I1),)
