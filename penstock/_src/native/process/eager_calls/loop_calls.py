"""Kernels of one small array as one builtin that runs NumPy's own inner loops: same bits as the calls of ufuncs, without what each call costs.

NumPy takes some 0.5 us to call a ufunc, and 2 us to reduce, whatever there is to compute; an inner loop over ten numbers takes a few ns. The addresses of
the loops are fields of a ufunc that NumPy's C API has made public. A builtin is used only if it gave the same bits as the kernel itself for some
arrays when it was made.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.values.numpy_loops import BETWEEN, INPUT, RESULT, ROWS, Loop
from penstock._src.util.process.layout_samples import loops_of

from ... import python_calls as py
from ...builtins import method
from ...language.function import Fn
from ...language.module import Module
from ...language.types import I64, PTR
from ...language.value import Val
from ..array_forms import PLAIN, false

# Larger arrays are left to the kernel: other threads run while NumPy computes them.
MOST_ELEMENTS = 1 << 14
# Words of a description, and of each loop that follows them.
(_ARRAY, _DTYPE, _ITEM, _EMPTY_LIKE, _KERNEL, _SCRATCH, _LOOPS, _FIRST) = range(8)
(_FUNCTION, _DATA, _OVER, _START, _COUNT, _OPERANDS) = range(6)
_OVER_ELEMENTS, _OVER_ROW_NUMBERS, _ROW_BY_ROW = range(3)
# Of a reduction: it begins with zero, or with the first element of the row.
_NOT_REDUCED, _FROM_ZERO, _FROM_FIRST = range(3)
# Words of an operand: a constant's address or 0, the buffer, and the bytes to its next number within a loop, to that of the next row for each
# column, and for the row itself.
_CONSTANT, _BUFFER, _STRIDE, _BY_COLUMNS, _BY_ROW, _OPERAND_WORDS = range(6)
_LOOP_WORDS = _OPERANDS + 3 * _OPERAND_WORDS
_BUFFERS = {INPUT: 0, RESULT: 1, BETWEEN: 2, ROWS: 3}


class _Description(np.ndarray):
    """The words of a kernel; keeps the objects alive whose addresses they hold."""

    owner: Any = ()


def loop_call(
    loops: Sequence[Loop], dtype: np.dtype, kernel: Callable[[np.ndarray], np.ndarray]
) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a builtin that gives what a kernel gives, or the kernel itself if NumPy's loops do not give its bits here.

    Args:
      loops: what the kernel computes.
      dtype: of its input and its result.
      kernel: is called for arrays that are large, empty, of rank 0, of another dtype or not contiguous.
    """
    keep: list[Any] = [loops, dtype, kernel]
    scratch = len({one.result for one in loops} & {BETWEEN, ROWS})
    words = [id(np.ndarray), id(dtype), dtype.itemsize, id(np.empty_like), id(kernel), scratch, len(loops)]  # fmt: skip
    for loop in loops:
        address = _inner_loop(loop.ufunc, dtype)
        if address is None:
            return kernel
        words += _words_of(loop, address, dtype, keep)
    description = np.array(words, np.int64).view(_Description)
    description.owner = keep
    call = py.bind(_entry(), description)
    return call if _is_same(call, kernel, dtype) else kernel


def _inner_loop(ufunc: np.ufunc, dtype: np.dtype) -> tuple[int, int] | None:
    """Returns the addresses of a ufunc's inner loop for a dtype and of the loop's data; None if there is no such loop."""
    signature = f"{dtype.char * ufunc.nin}->{dtype.char}"
    loops = loops_of(ufunc)
    if not loops or ufunc.nout != 1 or signature not in ufunc.types:
        return None
    function, data = loops[ufunc.types.index(signature)]
    return (function, data) if function else None


def _words_of(
    loop: Loop, addresses: tuple[int, int], dtype: np.dtype, keep: list[Any]
) -> list[int]:
    """Returns the words that describe a loop; adds its constants to `keep`."""
    operands = (ROWS, *loop.operands, ROWS) if loop.reduces else (*loop.operands, loop.result)
    over, start, item = _OVER_ELEMENTS, _NOT_REDUCED, dtype.itemsize
    if loop.reduces:
        start = _FROM_FIRST if loop.ufunc.identity is None else _FROM_ZERO
    if ROWS in operands:
        over = _OVER_ROW_NUMBERS if {INPUT, RESULT, BETWEEN}.isdisjoint(operands) else _ROW_BY_ROW
    words = [*addresses, over, start, len(operands)]
    for operand in operands:
        if not isinstance(operand, str):
            constant = np.array(operand, dtype)
            keep.append(constant)
            words += [constant.ctypes.data, 0, 0, 0, 0]
        elif operand == ROWS:
            words += [0, _BUFFERS[ROWS], 0 if over == _ROW_BY_ROW else item, 0, item]
        else:
            words += [0, _BUFFERS[operand], item, item, 0]
    return words + [0] * (_LOOP_WORDS - len(words))


def _is_same(call: Callable[..., Any], kernel: Callable[..., Any], dtype: np.dtype) -> bool:
    """True if two kernels give the same bits for a few arrays."""
    numbers = np.linspace(-30, 30, 3 * 67, dtype=dtype)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-40, -300.0, 300.0], dtype)
    samples = [numbers.reshape(3, 67), numbers[:5], numbers[90:91], special, special.reshape(8, 1), special[:2]]  # fmt: skip
    with np.errstate(all="ignore"):
        return all(call(x).tobytes() == kernel(x).tobytes() for x in samples)


@method("call_loops")
def _entry(m: Module, name: str) -> None:
    """The kernel, a function of CPython's vectorcall protocol; `me` is the description."""
    with m.fn(f"py_{name}", ret=PTR, noalias=False, me=PTR, argv=PTR, nargs=I64) as f:
        _LoopCall(f).write()


class _LoopCall(py.DescribedCall):
    """Writes the kernel."""

    def __init__(self, f: Fn) -> None:
        super().__init__(f)
        self.buffers = f.alloca(I64, len(_BUFFERS))
        # What an inner loop gets: addresses, the number of steps, and the strides.
        self.addresses, self.steps, self.strides = f.alloca(I64, 3), f.alloca(I64), f.alloca(I64, 3)

    def write(self) -> None:
        f = self.f
        array = f.load(f.argv, 0, PTR)
        served, size, columns = f.when(
            f.nargs.eq(1), lambda: self._look(array), lambda: (*false(f), f.i64(0), f.i64(1))
        )
        f.branch(served, "run", "leave")
        f.start("run")
        null = f.const(0, PTR)
        result = f.call("PyObject_Vectorcall", self.word(_EMPTY_LIKE), f.argv, f.i64(1), null, ret=PTR)  # fmt: skip
        f.branch(f.is_null(result), "failed", "made")
        f.start("made")
        item = self.word(_ITEM, I64)
        scratch = f.call("PyMem_Malloc", size * item * self.word(_SCRATCH, I64), ret=PTR)
        f.branch(f.is_null(scratch), "short", "compute")
        f.start("compute")
        f.store(py.data_pointer(f, array), self.buffers, _BUFFERS[INPUT])
        f.store(py.data_pointer(f, result), self.buffers, _BUFFERS[RESULT])
        # The intermediate array, if there is one, comes after the numbers of the rows.
        f.store(scratch, self.buffers, _BUFFERS[ROWS])
        after = (self.word(_SCRATCH, I64) - 1) * size * item
        f.store(f.at(scratch, after), self.buffers, _BUFFERS[BETWEEN])
        f.loop(f.i64(0), self.word(_LOOPS, I64), 1, lambda i: self._run(i, size, columns))
        f.call("PyMem_Free", scratch)
        f.give(result)
        f.start("short")
        f.call("Py_DecRef", result)
        f.jump("leave")
        f.start("leave")
        f.give(f.call("PyObject_Vectorcall", self.word(_KERNEL), f.argv, f.nargs, null, ret=PTR))
        f.start("failed")
        f.give(null)

    def _look(self, array: Val) -> tuple[Val, ...]:
        """If an array is served, its number of elements, and of columns."""
        f = self.f
        none = (*false(f), f.i64(0), f.i64(1))

        def extents() -> tuple[Val, ...]:
            rank, flags = py.rank_of(f, array), py.flags_of(f, array)
            is_plain = py.dtype_of(f, array).eq(self.word(_DTYPE, I64)) & (flags & PLAIN).eq(PLAIN)

            def sizes() -> tuple[Val, ...]:
                at = py.extents_of(f, array)
                (size,) = f.loop(
                    f.i64(0), rank, 1, lambda axis, n: (n * f.load(at, axis, I64),), f.i64(1)
                )
                good = (size > 0) & (size < MOST_ELEMENTS)
                return good, size, f.load(at, rank - 1, I64)

            return f.when(is_plain & (rank > 0), sizes, lambda: none)

        is_array = py.type_of(f, array).eq(self.word(_ARRAY, I64))
        return f.when(is_array, extents, lambda: none)

    def _run(self, number: Val, size: Val, columns: Val) -> None:
        """Runs a loop over all that it runs over."""
        f = self.f
        loop = f.at(self.words, number * _LOOP_WORDS + _FIRST, I64)
        over, start = f.load(loop, _OVER, I64), f.load(loop, _START, I64)
        rows = size // columns
        by_row = over.eq(_ROW_BY_ROW)
        from_first = start.eq(_FROM_FIRST)
        steps = f.select(over.eq(_OVER_ROW_NUMBERS), rows, f.select(by_row, columns, size))
        f.store(f.select(from_first, steps - 1, steps), self.steps)
        operands = f.at(loop, _OPERANDS, I64)

        def call(row: Val) -> None:
            def place(i: Val) -> None:
                self._place(f.at(operands, i * _OPERAND_WORDS, I64), i, row, columns)

            f.loop(f.i64(0), f.load(loop, _COUNT, I64), 1, place)
            f.when(start.eq(_NOT_REDUCED), lambda: (), lambda: self._begin(from_first))
            f.call(f.load(loop, _FUNCTION, PTR), self.addresses, self.steps, self.strides, f.load(loop, _DATA, PTR))  # fmt: skip

        f.loop(f.i64(0), f.select(by_row, rows, f.i64(1)), 1, call)

    def _place(self, operand: Val, i: Val, row: Val, columns: Val) -> None:
        """Stores the address and stride of an operand of a row."""
        f = self.f
        constant = f.load(operand, _CONSTANT, I64)
        buffer = f.load(f.at(self.buffers, f.load(operand, _BUFFER, I64), I64), 0, I64)
        by_row = f.load(operand, _BY_COLUMNS, I64) * columns + f.load(operand, _BY_ROW, I64)
        address = f.select(constant.eq(0), buffer + by_row * row, constant)
        f.store(address, f.at(self.addresses, i, I64))
        f.store(f.load(operand, _STRIDE, I64), f.at(self.strides, i, I64))

    def _begin(self, from_first: Val) -> tuple[Val, ...]:
        """Stores what the reduction of a row begins with."""
        f = self.f
        total, item = f.load(self.addresses, 0, PTR), self.word(_ITEM, I64)

        def copy() -> tuple[Val, ...]:
            element = f.load(self.addresses, 1, PTR)
            f.memcpy(total, element, item)
            f.store(f.at(element, item), self.addresses, 1)
            return ()

        def clear() -> tuple[Val, ...]:
            f.memset(total, 0, item)
            return ()

        f.when(from_first, copy, clear)
        return ()
