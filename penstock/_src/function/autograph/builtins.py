"""Replacements for Python built-ins in converted code that also accept tensors and datasets."""

import builtins
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.api import python_function
from penstock._src.api.control import conditionals, scopes
from penstock._src.api.control.tensor_array import TensorArray
from penstock._src.api.debugging import breakpoints
from penstock._src.api.math import sorting
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.function.autograph import values
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest


def is_tensor(value: Any) -> bool:
    """True if `value` is a tensor or a variable."""
    return isinstance(value, Tensor) or values.is_variable(value)


def _is_dataset(value: Any) -> bool:
    return hasattr(type(value), "element_spec") and hasattr(type(value), "map")


def _abs(value: Any) -> Any:
    if _is_dataset(value):
        return value.map(lambda *parts: nest.map_structure(_abs, _alone(parts)))
    return raw.Abs(x=value) if is_tensor(value) else builtins.abs(value)


def _alone(parts: tuple[Any, ...]) -> Any:
    return parts[0] if builtins.len(parts) == 1 else parts


def _float(value: Any = 0) -> Any:
    return _cast(value, dtypes.float32) if is_tensor(value) else builtins.float(value)


def _int(value: Any = 0, *args: Any, **kwargs: Any) -> Any:
    if not is_tensor(value):
        return builtins.int(value, *args, **kwargs)
    base = args[0] if args else kwargs.get("base", 10)
    if base != 10:
        raise NotImplementedError(f"base {base} not supported for int")
    return _cast(value, dtypes.int32)


def _cast(value: Any, dtype: Any) -> Any:
    tensor = convert_to_tensor(value)
    if tensor.dtype == dtypes.string:
        return raw.StringToNumber(string_tensor=tensor, out_type=dtype)
    return raw.Cast(x=tensor, DstT=dtype) if tensor.dtype != dtype else tensor


def _len(value: Any) -> Any:
    if _is_dataset(value):
        return _cardinality(value)
    if isinstance(value, TensorArray):
        return value.size()
    if not is_tensor(value):
        return builtins.len(value)
    tensor = convert_to_tensor(value)
    rank = tensor.shape.rank
    if rank == 0 and tensor.dtype == dtypes.variant:
        return raw.TensorListLength(input_handle=tensor)
    if rank == 0:
        raise ValueError(f"len requires a non-scalar tensor, got one of shape {tensor.shape}")
    if rank is not None and tensor.shape[0] is not None:
        return tensor.shape[0]
    if rank is not None:
        return raw.Shape(input=tensor, out_type=dtypes.int32)[0]
    return _dynamic_len(tensor)


def _dynamic_len(tensor: Any) -> Any:
    rank = raw.Rank(input=tensor)

    def refuse() -> Any:
        text = raw.AsString(input=rank)
        message = raw.StringJoin(inputs=["len requires non-zero rank, got ", text])
        return _checked(convert_to_tensor(0), convert_to_tensor(False), message)

    return conditionals.cond(
        rank > 0, lambda: raw.Shape(input=tensor, out_type=dtypes.int32)[0], refuse
    )


def _checked(value: Any, condition: Any, message: Any) -> Any:
    """Returns `value` after a check at run time."""
    check = raw.Assert(condition=condition, data=[message])
    with scopes.control_dependencies([check] if check is not None else []):
        return raw.Identity(input=value)


def _cardinality(dataset: Any) -> Any:
    count = convert_to_tensor(dataset.cardinality())
    text = raw.AsString(input=count)
    message = raw.StringJoin(
        inputs=["len requires dataset with definitive cardinality, got ", text]
    )
    return _checked(count, count >= 0, message)


class _Printing(threading.local):
    """Behavior of `print` in converted code for tensors: show their names now, or their values when the graph runs."""

    shows_values = False


PRINTING = _Printing()


@contextlib.contextmanager
def printing(shows_values: bool) -> Iterator[None]:
    """Within the block, `print` in code that is converted shows the values of tensors if asked to."""
    before, PRINTING.shows_values = PRINTING.shows_values, shows_values
    try:
        yield
    finally:
        PRINTING.shows_values = before


def _print(*args: Any, **kwargs: Any) -> None:
    if PRINTING.shows_values:
        print_values(*args, **kwargs)
    else:
        builtins.print(*args, **kwargs)


def print_values(*objects: Any, **kwargs: Any) -> Any:
    """`print`; of tensors at run time, with their values."""
    unknown = tuple(kwargs.keys() - {"sep", "end", "file", "flush"})
    if unknown:
        raise ValueError(f"invalid keyword arguments: {unknown}")
    if not builtins.any(map(is_tensor, objects)):
        builtins.print(*objects, **kwargs)
        return None
    at = [index for index, value in enumerate(objects) if is_tensor(value)]

    def show(*tensors: Any) -> int:
        shown = list(objects)
        for index, value in zip(at, tensors):
            array = value.numpy()
            shown[index] = array.decode("utf-8") if isinstance(array, bytes) else array
        builtins.print(*shown, **{"flush": True, **kwargs})
        return 1

    return python_function.py_function(show, [objects[index] for index in at], dtypes.int32)


def _range(*args: Any) -> Any:
    if not builtins.any(map(is_tensor, args)):
        return builtins.range(*args)
    start, limit, delta = (0, *args, 1) if builtins.len(args) == 1 else (*args, 1)[:3]
    dtype = next(convert_to_tensor(arg).dtype for arg in args if is_tensor(arg))
    bounds = [convert_to_tensor(bound, dtype) for bound in (start, limit, delta)]
    if builtins.len(args) < 3:  # Python's range is empty where it would count backwards
        bounds[1] = _not_below(bounds[0], bounds[1])
    return raw.Range(start=bounds[0], limit=bounds[1], delta=bounds[2])


def _not_below(start: Any, limit: Any) -> Any:
    first, last = constant_value(start), constant_value(limit)
    if first is not None and last is not None:
        return limit if last >= first else start
    return raw.Maximum(x=start, y=limit)


def _enumerate(iterable: Any, start: Any = 0) -> Any:
    if _is_dataset(iterable):
        return iterable.enumerate(start)
    if STATE.graph is not None and hasattr(type(iterable), "element_spec"):
        raise NotImplementedError(
            "enumerate over an iterator or a distributed dataset is not supported in a tf.function, where "
            "Python would see no end: use a for loop over it, and a counter of your own."
        )
    return builtins.enumerate(iterable, start)


def _zip(*iterables: Any, strict: bool = False) -> Any:
    if iterables and builtins.all(map(_is_dataset, iterables)):
        if strict:
            raise ValueError("strict zip not supported by Dataset")
        return type(iterables[0]).zip(iterables)
    return builtins.zip(*iterables, strict=strict)


def _map(function: Callable, *iterables: Any) -> Any:
    if iterables and builtins.all(map(_is_dataset, iterables)):
        data = iterables[0] if builtins.len(iterables) == 1 else type(iterables[0]).zip(iterables)
        return data.map(function)
    return builtins.map(function, *iterables)


def _filter(function: Callable, iterable: Any) -> Any:
    return (
        iterable.filter(function) if _is_dataset(iterable) else builtins.filter(function, iterable)
    )


def _first_of(dataset: Any, wanted: bool, name: str) -> Any:
    """True if `wanted` is among the booleans of a dataset. Reading stops at the first match."""
    specs = nest.flatten(dataset.element_spec)
    if builtins.len(specs) != 1 or specs[0].dtype != dtypes.bool_:
        raise ValueError(
            f'in graph mode, the "{name}" builtin only supports datasets that return bool scalars; '
            f"got: {dataset.element_spec}"
        )
    matches = dataset.filter(lambda x: x if wanted else raw.LogicalNot(x=x)).take(1)
    return matches.reduce(convert_to_tensor(not wanted), lambda _, last: last)


def _any(iterable: Any) -> Any:
    return _first_of(iterable, True, "any") if _is_dataset(iterable) else builtins.any(iterable)


def _all(iterable: Any) -> Any:
    return _first_of(iterable, False, "all") if _is_dataset(iterable) else builtins.all(iterable)


def _mapped(function: Callable[..., Any], tensor: Tensor) -> Tensor:
    # Rules of vectorization are for programs that sort tensors by a key.
    from penstock._src.api.vectorized.functions import vectorized_map

    mapped: Tensor = vectorized_map(function, tensor)
    return mapped


def _sorted(iterable: Any, *, key: Any = None, reverse: bool = False) -> Any:
    if not is_tensor(iterable):
        return builtins.sorted(iterable, key=key, reverse=reverse)
    tensor = convert_to_tensor(iterable)
    ranks = tensor if key is None else _mapped(key, tensor)
    if ranks.shape.rank not in (None, 1):
        raise ValueError("sort only supports only 1D tensors")
    direction = "DESCENDING" if reverse else "ASCENDING"
    if key is None:
        return sorting.sort(tensor, direction=direction)
    order = sorting.argsort(ranks, direction=direction)
    return raw.GatherV2(params=tensor, indices=order, axis=0)


def _next(iterator: Any, *default: Any) -> Any:
    if not hasattr(iterator, "get_next_as_optional"):
        return builtins.next(iterator, *default)
    if not default:
        return iterator.get_next()
    _check_default(default[0], iterator.element_spec)
    optional = iterator.get_next_as_optional()
    return conditionals.cond(optional.has_value(), optional.get_value, lambda: default[0])


def _check_default(default: Any, spec: Any) -> None:
    """Refuses a default that is not like the elements of an iterator."""
    values.check_structure(
        default,
        spec,
        "the default argument must have the same element structure as the iterate.",
    )
    parts = nest.flatten(default, expand_composites=True)
    for value, wanted in builtins.zip(parts, nest.flatten(spec, expand_composites=True)):
        dtype = convert_to_tensor(value).dtype
        if dtype != wanted.dtype:
            raise TypeError(
                "the default argument must have the same dtype as the iterate. "
                f"Expected {wanted.dtype!r}, got {dtype!r}"
            )


def _breakpoint(*args: Any, **kwargs: Any) -> None:
    if STATE.graph is None or args or kwargs or os.environ.get("PYTHONBREAKPOINT") == "0":
        builtins.breakpoint(*args, **kwargs)
    else:
        breakpoints.breakpoint()


OVERLOADS: dict[Any, Callable[..., Any]] = {
    abs: _abs,
    float: _float,
    int: _int,
    len: _len,
    print: _print,
    range: _range,
    enumerate: _enumerate,
    zip: _zip,
    map: _map,
    filter: _filter,
    any: _any,
    all: _all,
    sorted: _sorted,
    next: _next,
    breakpoint: _breakpoint,
}
