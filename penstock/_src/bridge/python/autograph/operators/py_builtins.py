"""Built-in functions that also take tensors: `tensorflow.python.autograph.operators.py_builtins`."""

from __future__ import annotations

import builtins
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.function.autograph.builtins import OVERLOADS, is_tensor, print_values

UNSPECIFIED = object()

abs_, float_, int_, len_ = (OVERLOADS[function] for function in (abs, float, int, len))
range_, next_, any_, all_ = (OVERLOADS[function] for function in (range, next, any, all))
print_ = print_values
enumerate_, zip_ = OVERLOADS[enumerate], OVERLOADS[zip]
map_, filter_ = OVERLOADS[map], OVERLOADS[filter]


def sorted_(iterable: Any, key: Any = UNSPECIFIED, reverse: Any = UNSPECIFIED) -> Any:
    """`sorted`, also of a tensor of rank 1."""
    options = {"key": key, "reverse": reverse}
    named = {name: value for name, value in options.items() if value is not UNSPECIFIED}
    return OVERLOADS[sorted](iterable, **named)


def _extreme(name: str, reduction: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`min` or `max` of scalar tensors, or of the elements of one of rank 1."""
    if not any(map(is_tensor, args)):
        return getattr(builtins, name)(*args, **kwargs)
    if kwargs:
        raise ValueError(f"These keyword arguments are currently not supported: {tuple(kwargs)}")
    reduce = getattr(raw, reduction)
    if len(args) == 1:
        rank = args[0].shape.rank
        if rank not in (0, 1):
            raise ValueError(
                f"{name}(arg) currently support only tensor with rank 1, but got a tensor with rank {rank}"
            )
        return args[0] if rank == 0 else reduce(input=args[0], axis=0)
    dtype = next(arg.dtype for arg in args if is_tensor(arg))
    tensors = [convert_to_tensor(arg, dtype) for arg in args]
    for tensor in tensors:
        if tensor.shape.rank != 0:
            raise ValueError(
                f"{name}(arg1, arg2, *args) currently support only scalar tensor, but got a tensor with "
                f"shape {tensor.shape.rank}"
            )
    return reduce(input=raw.Pack(values=tensors, axis=0), axis=0)


def min_(*args: Any, **kwargs: Any) -> Any:
    """`min`, also of tensors."""
    return _extreme("min", "Min", args, kwargs)


def max_(*args: Any, **kwargs: Any) -> Any:
    """`max`, also of tensors."""
    return _extreme("max", "Max", args, kwargs)


def _frame_of(caller_fn_scope: Any, innermost: bool) -> types.FrameType:
    """Returns the frame that has a function's scope as a local variable."""
    frame, matching = inspect.currentframe(), None
    while frame is not None:
        if frame.f_locals.get(caller_fn_scope.name) is caller_fn_scope:
            matching = frame
            if innermost:
                break
        frame = frame.f_back
    if matching is None:
        raise AssertionError(
            "the conversion process should ensure the caller_fn_scope is always found somewhere on the "
            "call stack"
        )
    return matching


def locals_in_original_context(caller_fn_scope: Any) -> dict[str, Any]:
    """`locals()` where a scope was entered."""
    return _frame_of(caller_fn_scope, innermost=True).f_locals


def globals_in_original_context(caller_fn_scope: Any) -> dict[str, Any]:
    """`globals()` where a scope was entered."""
    return _frame_of(caller_fn_scope, innermost=True).f_globals


def eval_in_original_context(
    f: Callable[..., Any], args: Sequence[Any], caller_fn_scope: Any
) -> Any:
    """`eval(*args)` with the names where a scope was entered."""
    frame = _frame_of(caller_fn_scope, innermost=True)
    return f(*args, *(frame.f_globals, frame.f_locals)[len(args) - 1 :])


def super_in_original_context(
    f: Callable[..., Any], args: Sequence[Any], caller_fn_scope: Any
) -> Any:
    """`super(*args)` where a scope was entered; without arguments, it is for the first argument of the method there."""
    if args:
        return f(*args)
    frame = _frame_of(caller_fn_scope, innermost=False)
    return f(frame.f_locals["__class__"], frame.f_locals[frame.f_code.co_varnames[0]])


BUILTIN_FUNCTIONS_MAP: dict[str, Callable[..., Any]] = {
    "abs": abs_,
    "any": any_,
    "all": all_,
    "enumerate": enumerate_,
    "filter": filter_,
    "float": float_,
    "int": int_,
    "len": len_,
    "map": map_,
    "next": next_,
    "print": print_,
    "range": range_,
    "sorted": sorted_,
    "zip": zip_,
}
SUPPORTED_BUILTINS = tuple(
    getattr(builtins, name) for name in BUILTIN_FUNCTIONS_MAP if name != "next"
)


def overload_of(f: Any) -> Any:
    """Returns the replacement of a built-in function, or `f`."""
    is_known = any(f is function for function in SUPPORTED_BUILTINS)
    return BUILTIN_FUNCTIONS_MAP[f.__name__] if is_known else f
