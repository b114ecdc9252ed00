"""Types and attributes as MLIR writes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.stablehlo.module import (
    Dense,
    Enum,
    FunctionType,
    OtherType,
    Scalar,
    SymbolRef,
    TensorType,
    TupleType,
)

_ELEMENTS = {
    "bfloat16": "bf16",
    "bool": "i1",
    "complex64": "complex<f32>",
    "complex128": "complex<f64>",
    "float8_e4m3b11fnuz": "f8E4M3B11FNUZ",
    "float8_e4m3fn": "f8E4M3FN",
    "float8_e4m3fnuz": "f8E4M3FNUZ",
    "float8_e5m2": "f8E5M2",
    "float8_e5m2fnuz": "f8E5M2FNUZ",
}


@dataclass(frozen=True)
class Spelled:
    """An attribute that is text already."""

    text: str


def symbol(name: str) -> str:
    """The name of a function, in quotes where it has other characters than words have."""
    return name if name.replace(".", "_").replace("$", "_").isidentifier() else json.dumps(name)


def pairs(values: Mapping[str, str]) -> str:
    """Attributes with their names: `a = 1 : i64, b = true`."""
    return ", ".join(f"{_key(k)} = {v}" for k, v in values.items())


def _key(name: str) -> str:
    return name if name.replace(".", "_").isidentifier() else json.dumps(name)


def results_text(types: Iterable[Any]) -> str:
    """Result types: one type, or several in parentheses."""
    texts = [type_text(t) for t in types]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def element_text(dtype: DType | OtherType) -> str:
    """`f32`, `ui8`, `complex<f32>`."""
    if isinstance(dtype, OtherType):
        return dtype.name
    name = dtype.name
    return _ELEMENTS.get(name) or name.replace("uint", "ui").replace("int", "i").replace(
        "float", "f"
    )


def type_text(type_: Any) -> str:
    """A type as MLIR writes it: `tensor<4x?xf32>`."""
    if isinstance(type_, TensorType):
        extents = "".join(f"{'?' if d is None else d}x" for d in type_.shape)
        bounds = ", ".join("?" if b is None else str(b) for b in type_.bounds)
        note = f", #stablehlo.bounds<{bounds}>" if type_.bounds else ""
        return f"tensor<{extents}{element_text(type_.dtype)}{note}>"
    if isinstance(type_, FunctionType):
        inputs = ", ".join(map(type_text, type_.inputs))
        return f"({inputs}) -> {results_text(type_.outputs)}"
    if isinstance(type_, TupleType):
        return f"tuple<{', '.join(map(type_text, type_.elements))}>"
    if isinstance(type_, DType):
        return element_text(type_)
    return "!stablehlo.token" if type_.name == "token" else type_.name


def attribute(value: Any) -> str:
    """An attribute as MLIR writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value} : i64"
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Scalar):
        return f"{_number(np.asarray(value.value, value.dtype.np))} : {element_text(value.dtype)}"
    if isinstance(value, Enum):
        return f"#stablehlo<{value.kind} {value.word}>"
    if isinstance(value, SymbolRef):
        return f"@{symbol(value.name)}"
    if isinstance(value, Dense):
        return f"dense<{_elements(value)}> : {type_text(value.type)}"
    if isinstance(value, dict):
        return f"{{{pairs({k: attribute(v) for k, v in value.items()})}}}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(attribute, value))}]"
    if isinstance(value, Spelled):
        return value.text
    return type_text(value)


def _elements(value: Dense) -> str:
    array = value.array
    if not array.size:
        return ""
    is_repeated = array.size == 1 or not any(array.strides)
    return _number(array.reshape(-1)[0]) if is_repeated else _nested(array)


def _nested(array: np.ndarray) -> str:
    if not array.ndim:
        return _number(array)
    return f"[{', '.join(_nested(part) for part in array)}]"


def _number(value: Any) -> str:
    """A number as text that reads back as the same bits: floats in hexadecimal where decimals are inexact."""
    array = np.asarray(value)
    if array.dtype.kind == "c":
        return f"({_number(array.real)}, {_number(array.imag)})"
    if array.dtype.kind == "b":
        return "true" if array else "false"
    if array.dtype.kind in "iu" or array.dtype.name in ("int4", "uint4"):
        return str(int(array))
    number = float(array)
    if not np.isfinite(number):
        bits = array.reshape(1).view(f"u{array.dtype.itemsize}")[0]
        return f"0x{int(bits):0{2 * array.dtype.itemsize}X}"
    text = repr(number)
    mantissa, mark, exponent = text.partition("e")
    mantissa += "" if "." in mantissa else ".0"
    return f"{mantissa}{mark}{exponent}"
