"""Converts op attributes to AttrValues and back, guided by the annotations of the op's class."""

import typing
from collections.abc import Callable
from typing import Any, Literal

from penstock._src.core import dtypes
from penstock._src.core.calls.attributes import Function, TensorValue, as_bytes, as_text
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape
from penstock._src.ops.tensor_proto import from_proto, is_serialized, to_proto
from penstock._src.proto.graph import AttrValue
from penstock._src.proto.tensor import TensorShapeProto


def annotation_of(cls: type[Op], name: str) -> Any:
    """Returns the annotation of an attribute, including type and number attributes from the signature."""
    if name in cls.annotations:
        return cls.annotations[name]
    for argument in (*cls.inputs, *cls.outputs):
        if name == argument.type_attr:
            return DType
        if name == argument.type_list_attr:
            return list[DType]
        if name == argument.number_attr:
            return int
    return None


def encode(cls: type[Op], name: str, value: Any, function_name: Callable[[Any], str]) -> Any:
    """Returns the AttrValue of an attribute.

    Args:
      function_name: maps a graph function to its name in the library.
    """
    message = AttrValue()
    annotation = annotation_of(cls, name)
    if typing.get_origin(annotation) is list:
        (element,) = typing.get_args(annotation)
        message.list.SetInParent()
        for item in value:
            _append(message.list, element, item, function_name)
        return message
    field, plain = _scalar(annotation, value, function_name)
    if field in ("shape", "tensor", "func"):
        getattr(message, field).CopyFrom(plain)
    else:
        setattr(message, field, plain)
    return message


def _append(target: Any, annotation: Any, value: Any, function_name: Callable[[Any], str]) -> None:
    field, plain = _scalar(annotation, value, function_name)
    if field in ("shape", "tensor", "func"):
        getattr(target, field).add().CopyFrom(plain)
    else:
        getattr(target, field).append(plain)


def _dtype_of(value: Any) -> DType:
    if value.dtype != object:
        return dtypes.as_dtype(value.dtype)
    return dtypes.variant if value.size and is_serialized(value) else dtypes.string


def _scalar(annotation: Any, value: Any, function_name: Callable[[Any], str]) -> tuple[str, Any]:
    """Returns (field, value) for one item."""
    if annotation is Function or hasattr(value, "graph") and hasattr(value, "outputs"):
        holder = AttrValue()
        holder.func.name = value if isinstance(value, str) else function_name(value)
        return "func", holder.func
    if annotation is TensorValue:
        return "tensor", to_proto(value, _dtype_of(value))
    if isinstance(value, DType):
        return "type", value.as_datatype_enum
    if isinstance(value, TensorShape) or annotation is TensorShape:
        return "shape", shape_to_proto(value)
    if annotation is bool or isinstance(value, bool):
        return "b", bool(value)
    if annotation is float or isinstance(value, float):
        return "f", float(value)
    if isinstance(value, int):
        return "i", value
    if isinstance(value, bytes):
        return "s", value
    if isinstance(value, str):
        return "s", as_bytes(value)
    raise UnimplementedError(f"An attribute cannot hold {value!r}.")


def shape_to_proto(shape: TensorShape) -> Any:
    """Returns the TensorShapeProto of a static shape."""
    message = TensorShapeProto()
    if shape.rank is None:
        message.unknown_rank = True
        return message
    for size in shape.as_list():
        message.dim.add(size=-1 if size is None else size)
    return message


def shape_from_proto(proto: Any) -> TensorShape:
    """Returns the static shape of a TensorShapeProto."""
    if proto.unknown_rank:
        return UNKNOWN
    return make_shape(tuple(None if dim.size < 0 else dim.size for dim in proto.dim))


def decode(annotation: Any, attr: Any, function_named: Callable[[str], Any]) -> Any:
    """Returns the attribute that an AttrValue holds.

    Args:
      annotation: the annotation in the op's class.
      function_named: maps a name to the graph function.
    """
    kind = attr.WhichOneof("value")
    if kind == "list":
        element = typing.get_args(annotation)[0] if typing.get_origin(annotation) is list else None
        for field in ("s", "i", "f", "b", "type", "shape", "tensor", "func"):
            items = getattr(attr.list, field)
            if len(items):
                return [_decoded(field, item, element, function_named) for item in items]
        return []
    if kind is None:
        return None
    return _decoded(kind, getattr(attr, kind), annotation, function_named)


def _decoded(kind: str, value: Any, annotation: Any, function_named: Callable[[str], Any]) -> Any:
    if kind == "type":
        return dtypes.as_dtype(value)
    if kind == "shape":
        return shape_from_proto(value)
    if kind == "tensor":
        return from_proto(value)
    if kind == "func":
        return function_named(value.name)
    if kind == "s":
        is_text = annotation is str or typing.get_origin(annotation) is Literal
        return as_text(value) if is_text else value
    return value
