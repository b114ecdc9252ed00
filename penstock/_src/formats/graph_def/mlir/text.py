"""Types, attributes and symbols of MLIR's `builtin` and TensorFlow's `tf_type` dialects as text."""

import re
from typing import Any

import numpy as np

from penstock._src.core.dtypes import DType, as_dtype
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.shapes import TensorShape
from penstock._src.formats.stablehlo import mlir_types
from penstock._src.graph.serialize.attributes import shape_from_proto
from penstock._src.ops.tensor_proto import from_proto

_OPAQUE = ("string", "resource", "variant", "qint8", "quint8", "qint16", "quint16", "qint32")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.$]*")
# Non-splat tensors of more elements are written as the bytes of their elements.
_MOST_WRITTEN_OUT = 100


def element_type(dtype: DType) -> str:
    """Returns the type of a tensor's elements, or of a type attribute.

    Raises:
      UnimplementedError: MLIR has no such type.
    """
    if dtype.name.endswith("_ref"):
        dtype = as_dtype(dtype.as_datatype_enum - 100)
    if dtype.name in _OPAQUE:
        return f"!tf_type.{dtype.name}"
    if dtype.name not in mlir_types.NAMES:
        raise UnimplementedError(f"tf.mlir.experimental: the type {dtype.name} is not implemented.")
    return mlir_types.NAMES[dtype.name]


def dimensions(shape: TensorShape) -> str:
    """Returns the dimensions of a shape: ?x3; * if the rank is unknown."""
    if shape.rank is None:
        return "*"
    return "x".join("?" if n is None else str(n) for n in shape.as_list())


def tensor_type(dtype: DType, shape: TensorShape) -> str:
    """Returns the type of a tensor."""
    sizes = dimensions(shape)
    return f"tensor<{sizes}{'x' if sizes else ''}{element_type(dtype)}>"


def string(value: bytes) -> str:
    """Returns a string attribute; bytes that are not printable are two hexadecimal digits."""
    return '"' + "".join(
        chr(c) if 32 <= c < 127 and c not in (34, 92) else f"\\{c:02X}" for c in value
    ) + '"'  # fmt: skip


def symbol(name: str) -> str:
    """Returns a reference to a function."""
    return f"@{name if _IDENTIFIER.fullmatch(name) else string(name.encode())}"


def attribute_name(name: str) -> str:
    """Returns the name of an attribute in a dictionary."""
    return name if _IDENTIFIER.fullmatch(name) else string(name.encode())


def attribute(value: Any, in_list: bool = False) -> str:
    """Returns an AttrValue as an attribute.

    Args:
      value: the message.
      in_list: whether it is an element of a list, where integers of 64 bits say nothing of their type.

    Raises:
      UnimplementedError: there is no such attribute in MLIR.
    """
    kind = value.WhichOneof("value")
    if kind == "list":
        return _list(value.list)
    if kind is None:
        return '""'
    return _single(kind, getattr(value, kind), in_list)


def _list(items: Any) -> str:
    for kind in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
        values = getattr(items, kind)
        if values:
            return "[" + ", ".join(_single(kind, value, True) for value in values) + "]"
    return "[]"


def _single(kind: str, value: Any, in_list: bool) -> str:
    if kind == "s":
        return string(value)
    if kind == "i":
        return str(value) if in_list else f"{value} : i64"
    if kind == "f":
        return f"{_number(np.float32(value))} : f32"
    if kind == "b":
        return "true" if value else "false"
    if kind == "type":
        return element_type(as_dtype(value))
    if kind == "shape":
        return f"#tf_type.shape<{dimensions(shape_from_proto(value))}>"
    if kind == "func":
        return symbol(value.name)
    if kind == "tensor":
        array = from_proto(value)
        return dense(array, as_dtype(value.dtype))
    raise UnimplementedError(f"tf.mlir.experimental: attributes of the kind {kind}.")


def dense(array: np.ndarray, dtype: DType) -> str:
    """Returns a constant."""
    if dtype.name in ("resource", "variant") or dtype.name.startswith("q"):
        raise UnimplementedError(f"tf.mlir.experimental: constants of type {dtype.name}.")
    kind = tensor_type(dtype, TensorShape(array.shape))
    flat = array.reshape(-1)
    write = string if dtype.name == "string" else _number
    if not flat.size:
        return f"dense<> : {kind}"
    if flat.size == 1 or (dtype.name != "string" and _is_splat(flat)):
        return f"dense<{write(flat[0])}> : {kind}"
    if flat.size > _MOST_WRITTEN_OUT and dtype.name not in ("string", "bool", "int4", "uint4"):
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        return f'dense<"0x{little.tobytes().hex().upper()}"> : {kind}'
    return f"dense<{_nested(array, write)}> : {kind}"


def _is_splat(flat: np.ndarray) -> bool:
    return flat.tobytes() == flat[:1].tobytes() * flat.size


def _nested(array: np.ndarray, write: Any) -> str:
    if array.ndim == 0:
        return str(write(array[()]))
    return "[" + ", ".join(_nested(array[i, ...], write) for i in range(len(array))) + "]"


def _number(value: Any) -> str:
    """A number that is read as the same bits: floats that are not finite are written as bits."""
    value = np.asarray(value)
    if value.dtype == np.bool_:
        return "true" if value else "false"
    if value.dtype.kind == "c":
        return f"({_number(value.real)},{_number(value.imag)})"
    if value.dtype.kind in "iu" or value.dtype.name in ("int4", "uint4"):
        return str(int(value))
    wide = float(value)
    if not np.isfinite(wide):
        return f"0x{int.from_bytes(value.tobytes(), 'little'):0{2 * value.dtype.itemsize}X}"
    short = f"{wide:.6e}"
    if np.asarray(float(short)).astype(value.dtype) == value:
        return short
    return f"{wide:.17e}"
