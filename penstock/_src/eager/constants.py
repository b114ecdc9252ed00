"""Constants: cached small ones for eager code, such as shapes and axes; arrays; and nested lists that hold tensors."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import convert, dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import slots

_LIMIT = 2**31


@functools.lru_cache(4096, typed=True)
def integers(*values: int) -> EagerTensor:
    """Returns a cached vector of ints: int32, or int64 if a value needs it. Tensors are immutable, so calls can share it.

    Raises:
      TypeError: a value is not an int.
    """
    if not all(type(value) is int for value in values):
        raise TypeError(f"Expected integers. Received {values}.")
    dtype = dtypes.int32 if all(-_LIMIT <= v < _LIMIT for v in values) else dtypes.int64
    return EagerTensor(np.array(values, dtype.np), dtype)


@functools.lru_cache(4096)
def integer(value: int, dtype: DType) -> Tensor:
    """Returns a cached scalar of this dtype. Tensors are immutable, so calls can share it.

    Raises:
    TypeError: the value does not fit the dtype.
    """
    return convert_to_tensor(value, dtype)


def index_input(value: int | Sequence[int]) -> Any:
    """Returns an int, or ints, as an input of an op: in eager execution a cached tensor, since native code makes calls of tensors alone."""
    if STATE.graph is not None:
        return value
    if not isinstance(value, int):
        return integers(*value)
    return integer(value, dtypes.int32) if -_LIMIT <= value < _LIMIT else value


def number_input(value: Any, like: Any) -> Any:
    """Returns a number as an input of an op beside an eager tensor: as a tensor of its dtype, if it holds that; anything else as it is."""
    if STATE.graph is None and type(like) is EagerTensor and type(value) in (int, float):
        quick = convert.number(value, like._dtype)
        return value if quick is None else EagerTensor(*quick)
    return value


def make_constant(array: np.ndarray, dtype: DType, name: str | None) -> Tensor:
    """Returns a constant in the current context."""
    if STATE.graph is None:
        return EagerTensor(array, dtype)
    return STATE.graph.constant(array, dtype, name)


def pack(values: Any, dtype: DType | None, name: str | None) -> Tensor:
    """Returns the tensor of a nested list that holds tensors.

    Raises:
      InvalidArgumentError: it is a list of tensors alone, outside of functions, that differ in type or shape.
      TypeError, ValueError: the elements differ in type or shape.
    """
    first = _type_of_first_tensor(values)
    # Cast to the requested dtype, unless the first tensor has it: then all tensors must.
    casts = dtype is not None and first is not dtype
    if STATE.graph is None:
        return _pack(values, dtype or first, "packed", casts)
    with STATE.graph.scope_of_part(name or "packed") as scope:
        return _pack(values, dtype or first, scope, casts)


def _pack(values: Any, dtype: DType | None, name: str, casts: bool) -> Tensor:
    if STATE.graph is None and not casts and all(map(convert.is_tensor_like, values)):
        # Pack's own error names the shapes that differ.
        return raw.Pack(list(values), axis=0, name=name)
    parts = [
        _pack(value, dtype, str(position), casts)
        if isinstance(value, (list, tuple))
        else _element(value, dtype, casts, str(position))
        for position, value in enumerate(values)
    ]
    return raw.Pack(parts, axis=0, name=name)


def _element(value: Any, dtype: DType | None, casts: bool, name: str) -> Tensor:
    wanted = None if isinstance(value, Tensor) else dtype
    tensor = convert.convert_to_tensor(value, dtype=wanted, name=name)
    if dtype is not None and tensor.dtype.base_dtype is not dtype:
        if casts:
            return raw.Cast(tensor, DstT=dtype)
        raise TypeError(
            f"Cannot convert a list containing a tensor of dtype {tensor.dtype} to {dtype} "
            f"(Tensor is: {tensor!r})"
        )
    return tensor


def _type_of_first_tensor(values: Any) -> DType | None:
    for value in values:
        if isinstance(value, (list, tuple)):
            dtype = _type_of_first_tensor(value)
            if dtype is not None:
                return dtype
        elif convert.is_tensor_like(value):
            return value.dtype.base_dtype
    return None


slots.MAKE_CONSTANT = make_constant
slots.PACK = pack
slots.INTEGERS = integers
