"""Propagation of weak types through functions while the lattice promotes (see `lattice.py`)."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api.extending.dispatch import NOT_SUPPORTED
from penstock._src.api.extending.scopes import refusing
from penstock._src.api.extending.weak_tensor import strong, with_weakness
from penstock._src.api.math.elementwise import cast
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.tensor import AnyTensor, Tensor
from penstock._src.util.export import export

from .lattice import result_kind
from .promotion import RULES

Function = Callable[..., Any]

# Functions of one array whose result is weak if the array is, unless a dtype is given.
_KEEP_WEAKNESS = frozenset(
    "abs absolute angle arccos arcsin arcsinh arctan arctanh bitwise_not cbrt ceil conj conjugate cos cosh deg2rad exp "
    "exp2 expm1 fabs fix floor log negative rad2deg reciprocal sign sin sinh sqrt tan tanh nanmean log2 log10 log1p "
    "positive sinc square diff sort average trace amax amin around arange array asanyarray asarray ascontiguousarray "
    "atleast_1d atleast_2d atleast_3d copy cumprod cumsum diag diagflat diagonal empty_like expand_dims flatten flip "
    "fliplr flipud full_like imag max mean min moveaxis ones_like prod ptp ravel real reshape repeat rot90 round squeeze "
    "std sum swapaxes transpose triu vander var zeros_like".split()
)
_JOIN_WEAKLY = frozenset(["matmul"])


def public(name: str) -> Callable[[Function], Function]:
    """Exports a function as `tf.experimental.numpy.<name>`; while the lattice promotes, it keeps weakness if NumPy's function would."""

    def register(function: Function) -> Function:
        wrapped = refusing(function)
        if name in _KEEP_WEAKNESS:
            wrapped = _switched(wrapped, keeping(function))
        elif name in _JOIN_WEAKLY:
            wrapped = _switched(wrapped, joining(function))
        return export(f"experimental.numpy.{name}", v1=[])(wrapped)

    return register


def _switched(function: Function, weakly: Function) -> Function:
    """Returns a function that calls `weakly` if it answers, else `function`."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if RULES.mode != "legacy":
            result = weakly(*args, **kwargs)
            if result is not NOT_SUPPORTED:
                return result
        return function(*args, **kwargs)

    return call


def converted(value: Any, dtype: DType) -> Any:
    """Returns a value as a tensor of this dtype."""
    value = strong(value)
    if isinstance(value, (AnyTensor, IndexedSlices)):
        return cast(value, dtype)
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
        value = value.astype(dtype.as_numpy_dtype)
    return convert_to_tensor(value, dtype)


def kind_or_none(*values: Any) -> Any:
    """The joined type of values; None in the legacy mode or for unsupported values: then the function's own rules apply."""
    if RULES.mode == "legacy":
        return None
    try:
        return result_kind(values, safe=RULES.mode == "safe")
    except NotImplementedError:
        return None


def _arguments(function: Function) -> Callable[..., inspect.BoundArguments]:
    signature = inspect.signature(function)

    def bound(*args: Any, **kwargs: Any) -> inspect.BoundArguments:
        call = signature.bind(*args, **kwargs)
        call.apply_defaults()
        return call

    return bound


def keeping(function: Function, argument: str | None = None) -> Function:
    """Returns `function` for calls while the lattice promotes: its result is weak if an argument (the first) is.

    It returns NOT_SUPPORTED for what `function` computes by itself.
    """
    bound = _arguments(function)
    name = argument or next(iter(inspect.signature(function).parameters))

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        arguments = bound(*args, **kwargs)
        values = arguments.arguments
        x = values[name]
        if isinstance(x, (Tensor, IndexedSlices)) or values.get("dtype") is not None:
            return NOT_SUPPORTED
        kind = kind_or_none(x)
        if kind is None:
            return NOT_SUPPORTED
        values[name] = converted(x, kind[0])
        result = function(*arguments.args, **arguments.kwargs)
        return with_weakness(result, kind[1]) if isinstance(result, AnyTensor) else result

    return call


def joining(function: Function, gives_weak: bool = True) -> Function:
    """Returns `function` for calls while the lattice promotes: it takes its first two arguments in their common dtype.

    Args:
      function: it returns NOT_SUPPORTED for what `function` computes by itself.
      gives_weak: whether the result is weak if the common dtype is.
    """
    bound = _arguments(function)
    first, second = list(inspect.signature(function).parameters)[:2]

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        arguments = bound(*args, **kwargs)
        values = arguments.arguments
        kind = kind_or_none(values[first], values[second])
        if kind is None:
            return NOT_SUPPORTED
        dtype, weak = kind
        for name in (first, second):
            values[name] = converted(values[name], dtype)
        return with_weakness(function(*arguments.args, **arguments.kwargs), weak and gives_weak)

    return call
