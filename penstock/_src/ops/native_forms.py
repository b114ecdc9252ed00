"""Forms of an op's kernel for native code, which makes the calls that were made often: `native/process/eager_calls/op_calls.py`."""

import functools
import inspect
from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.core.op import Op
from penstock._src.ops.rules import Binary, HostUnary
from penstock._src.util.process.quiet import made_quiet, quietly

if TYPE_CHECKING:
    from penstock._src.native.process.eager_calls.op_calls import OpForm

MOST_QUICK_INPUTS = MOST_QUICK_OUTPUTS = 8
# NumPy's dtypes whose kernels may be sequences of NumPy's inner loops.
_LOOPED = frozenset({np.dtype(np.float32), np.dtype(np.float64)})
# Types of attributes and arguments whose objects never change.
CONSTANTS = frozenset({bool, int, float, str, bytes, type(None), DType})


class Kernel(Protocol):
    """What this module reads of a kernel, see `execute.py`."""

    op: Op
    run: Callable[..., Any]
    types: tuple[DType, ...]
    dtype: Any
    storage: Any
    is_plain: bool
    outputs: tuple[DType, ...]
    compiles_from: int
    attributes: dict[str, Any]


def plain_outputs(op: Op) -> tuple[DType, ...]:
    """Returns the dtypes of an op's outputs, of which one may be a list, if all are arrays of numbers; otherwise an empty tuple."""
    types = op.output_dtypes
    if len(types) == 1 and type(types[0]) is tuple:
        types = types[0]
    if any(type(dtype) is tuple or dtype.np is None or dtype.np.kind == "O" for dtype in types):
        return ()
    return tuple(types)


def runner_of(op: Op) -> Callable[..., Any]:
    """Returns the callable that runs an op: the NumPy ufunc itself where the op is just that."""
    ufunc = _ufunc_of(op)
    return op.eager if ufunc is None else quietly(ufunc, op.eager)


def _ufunc_of(op: Op) -> np.ufunc | None:
    """Returns the NumPy ufunc that an op is, or None."""
    if type(op).eager in (HostUnary.eager, Binary.eager):
        ufunc = op.ufunc
    else:
        ufunc = getattr(op, "own_ufunc", None)
    return ufunc if isinstance(ufunc, np.ufunc) else None


def may_be_quick(kernel: Kernel, with_lists: bool = False) -> bool:
    """True if native code may call the kernel: its outputs are arrays, and its call's attributes are objects that do not change."""
    op = kernel.op
    return (
        0 < len(kernel.types) <= MOST_QUICK_INPUTS
        and 0 < len(kernel.outputs) <= MOST_QUICK_OUTPUTS
        and (with_lists or not op.traits.has_lists)
        and not op.traits.has_refs
        and (not op.stateful or kernel.is_plain)
        and CONSTANTS.issuperset(map(type, kernel.attributes.values()))
    )


def form_of(kernel: Kernel, value_of: Callable[..., Any]) -> "OpForm":
    """Returns the form of calls that a kernel serves.

    Args:
      kernel: the kernel.
      value_of: gives what a kernel gives for values, with complete errors.
    """
    # Only for programs that make many eager calls: it loads what writes native code.
    from penstock._src.native.process.eager_calls.op_calls import OpForm

    op = kernel.op
    function, is_quiet = kernel.run, False
    ufunc = _ufunc_of(op)
    if op.stateful:
        # It must not run twice, so its errors are complete.
        function = _of_all(kernel, value_of)
    elif ufunc is not None:
        function, is_quiet = ufunc, True
    elif inspect.ismethod(function):
        loud = made_quiet(function.__func__)
        if loud is not None:
            function, is_quiet = MethodType(loud, op), True
    function = _in_loops(kernel, function)
    fills_arrays = isinstance(function, np.ufunc) and _fills_arrays()
    product, most_work = getattr(op, "small_product", None) or (None, 0)
    return OpForm(
        op=op, types=kernel.types, attributes=kernel.attributes, function=function, fills_arrays=fills_arrays,
        is_quiet=is_quiet, large=0 if op.stateful else kernel.compiles_from,
        outputs=[(dtype, dtype.np) for dtype in kernel.outputs], is_sequence=not kernel.is_plain,
        container=_container_of(kernel), results=range(len(kernel.outputs)),
        runs_once=op.stateful, product=product, most_work=most_work,
    )  # fmt: skip


def _of_all(kernel: Kernel, value_of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: value_of(kernel, values)


def _container_of(kernel: Kernel) -> type | None:
    """Returns the class of what holds the outputs of a raw op's call, or None if there is only one."""
    if kernel.is_plain:
        return None
    types = kernel.op.output_dtypes
    return list if len(types) == 1 else type(kernel.op).output_tuple()  # type: ignore[no-any-return]


def _in_loops(kernel: Kernel, function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns what runs a kernel by NumPy's inner loops if it is made of them, else its function."""
    loops, storage = getattr(kernel.op, "numpy_loops", None), kernel.storage
    if loops is None or storage is None or storage not in _LOOPED:
        return function
    if kernel.types != (kernel.dtype,):
        return function
    # As in form_of.
    from penstock._src.native.process.eager_calls.loop_calls import loop_call

    return loop_call(loops, storage, function)


@functools.cache
def _fills_arrays() -> bool:
    """True if this NumPy's ufuncs take `out=...`, so that results of rank 0 are arrays: since 2.3."""
    try:
        return type(np.negative(np.float32(1.0), out=...)) is np.ndarray  # type: ignore[call-overload]
    except TypeError:
        return False
