"""Replacements for Python built-ins in converted code that also accept tensors."""

import builtins
from collections.abc import Callable
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.function.autograph import values


def _abs(value: Any) -> Any:
    return raw.Abs(x=value) if values.is_symbolic(value) else builtins.abs(value)


def _cast(kind: type, dtype: Any) -> Callable[..., Any]:
    def convert(*args: Any) -> Any:
        if args and values.is_symbolic(args[0]):
            tensor = convert_to_tensor(args[0])
            if tensor.dtype == dtypes.string:
                return raw.StringToNumber(string_tensor=tensor, out_type=dtype)
            return raw.Cast(x=tensor, DstT=dtype) if tensor.dtype != dtype else tensor
        return kind(*args)

    return convert


def _len(value: Any) -> Any:
    if not values.is_symbolic(value):
        return builtins.len(value)
    tensor = convert_to_tensor(value)
    if tensor.shape.rank == 0:
        raise ValueError(f"len requires a tensor of rank at least 1. Received {tensor}.")
    if tensor.shape.rank is not None and tensor.shape[0] is not None:
        return tensor.shape[0]
    return raw.Shape(input=tensor, out_type=dtypes.int32)[0]


def _print(*args: Any, **kwargs: Any) -> None:
    builtins.print(*args, **kwargs)


def _range(*args: Any) -> Any:
    if not any(map(values.is_symbolic, args)):
        return builtins.range(*args)
    start, limit, delta = (0, *args, 1) if builtins.len(args) == 1 else (*args, 1)[:3]
    if builtins.len(args) == 1:
        start, limit, delta = 0, args[0], 1
    dtype = next(convert_to_tensor(arg).dtype for arg in args if values.is_symbolic(arg))
    bounds = [convert_to_tensor(bound, dtype) for bound in (start, limit, delta)]
    return raw.Range(start=bounds[0], limit=bounds[1], delta=bounds[2])


def _is_dataset(value: Any) -> bool:
    return hasattr(type(value), "element_spec") and hasattr(type(value), "map")


def _enumerate(iterable: Any, start: Any = 0) -> Any:
    if _is_dataset(iterable):
        return iterable.enumerate(start)
    return builtins.enumerate(iterable, start)


def _zip(*iterables: Any, **kwargs: Any) -> Any:
    if iterables and all(map(_is_dataset, iterables)):
        return type(iterables[0]).zip(iterables)
    return builtins.zip(*iterables, **kwargs)


def _map(function: Callable, *iterables: Any) -> Any:
    if iterables and all(map(_is_dataset, iterables)):
        data = iterables[0] if builtins.len(iterables) == 1 else type(iterables[0]).zip(iterables)
        return data.map(function)
    return builtins.map(function, *iterables)


def _filter(function: Callable, iterable: Any) -> Any:
    return (
        iterable.filter(function) if _is_dataset(iterable) else builtins.filter(function, iterable)
    )


def _sorted(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    if not values.is_symbolic(iterable) or key is not None:
        return builtins.sorted(iterable, key=key, reverse=reverse)
    tensor = convert_to_tensor(iterable)
    if tensor.shape.rank != 1:
        raise ValueError(f"sorted only supports tensors of rank 1. Received {tensor}.")
    sign = -1 if reverse else 1
    length = raw.Size(input=tensor, out_type=dtypes.int32)
    return -sign * raw.TopKV2(input=-sign * tensor, k=length)[0]


def _next(iterator: Any, *default: Any) -> Any:
    if hasattr(iterator, "get_next_as_optional") and not default:
        return iterator.get_next()
    return builtins.next(iterator, *default)


OVERLOADS: dict[Any, Callable[..., Any]] = {
    abs: _abs,
    float: _cast(float, dtypes.float32),
    int: _cast(int, dtypes.int32),
    len: _len,
    print: _print,
    range: _range,
    enumerate: _enumerate,
    zip: _zip,
    map: _map,
    filter: _filter,
    sorted: _sorted,
    next: _next,
}
