"""The cases, by family; a module each. What they are written with is here."""

from typing import Any

import numpy as np

from penstock._src.formats.tflite.schema import SCHEMA
from tests.interop.tflite.models import Case, Tensor

ALL: list[Case] = []
_RANDOM = np.random.default_rng(7)


def case(
    op: str, inputs: list[Any], outputs: list[Any], options: str = "", note: str = "", **more: Any
) -> None:
    """Adds a case; options are given as `Table(field=value)` by name and the dictionary `fields`."""
    fields = more.pop("fields", {})
    made = SCHEMA[options](**fields) if options else None
    first = next((t for t in inputs if t is not None), outputs[0])
    kind = str(first.value.dtype if first.value is not None else first.dtype)
    kind = f"{kind}{'q' if first.scales is not None else ''}"
    name = "/".join(filter(None, (op, kind, note)))
    ALL.append(Case(name, op, inputs, outputs, made, **more))


def f32(*shape: int, low: float = -2.0, high: float = 2.0, constant: bool = False) -> Tensor:
    """Random floats."""
    return Tensor(np.float32(_RANDOM.uniform(low, high, shape)), constant=constant)


def ints(dtype: Any, *shape: int, low: int = -9, high: int = 9, constant: bool = False) -> Tensor:
    """Random integers."""
    return Tensor(_RANDOM.integers(low, high, shape).astype(dtype), constant=constant)


def bools(*shape: int) -> Tensor:
    """Random truth values."""
    return Tensor(_RANDOM.integers(0, 2, shape).astype(bool))


def const(value: Any, dtype: Any = np.int32) -> Tensor:
    """A constant."""
    return Tensor(np.array(value, dtype), constant=True)


def given(value: Any, dtype: Any = np.int32) -> Tensor:
    """An input of this value."""
    return Tensor(np.array(value, dtype))


def quant(
    dtype: Any,
    *shape: int,
    scale: float = 0.02,
    zero: int | None = None,
    constant: bool = False,
    axis: int | None = None,
) -> Tensor:
    """Random quantized values; with `axis`, a scale for each of its indices."""
    info = np.iinfo(dtype)
    if zero is None:
        zero = {np.int8: 3, np.uint8: 131, np.int16: 0}[dtype]
    value = _RANDOM.integers(info.min, info.max + 1, shape).astype(dtype)
    scales: Any = scale
    if axis is not None:
        scales = scale * _RANDOM.uniform(0.5, 1.5, shape[axis])
    if constant and dtype == np.int8:
        value = np.maximum(value, -127)
    return Tensor(
        value,
        constant=constant,
        scales=scales,
        zeros=0 if axis is not None else zero,
        axis=axis or 0,
    )


def out(dtype: Any, scale: float | None = None, zero: int | None = None) -> Tensor:
    """An output."""
    if scale is not None and zero is None:
        zero = {np.int8: -5, np.uint8: 120, np.int16: 0}.get(dtype, 0)
    return Tensor(dtype=dtype, scales=scale, zeros=zero or 0)


F, I32, I64, B = np.float32, np.int32, np.int64, np.bool_
I8, U8, I16 = np.int8, np.uint8, np.int16
