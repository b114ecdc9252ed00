"""Encodes nested structures of Python values and TypeSpecs as StructuredValue messages, and decodes them."""

import collections
import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from penstock._src.core import dtypes, spec_names
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.graph.serialize.attributes import shape_from_proto, shape_to_proto
from penstock._src.graph.static_values import get_static_value
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.proto.saved import StructuredValue, TensorSpecProto, TypeSpecProto
from penstock._src.util import nest
from penstock._src.util.lazy import ByName, is_instance_of
from penstock._src.util.slots import above

# By name: structures that are only decoded mostly have neither tensors nor types of users.
_TENSOR_PROTO = ByName("penstock._src.api.printing", "make_tensor_proto")
_EXTENSION_TYPES = "penstock._src.api.extending.extension_type"

# Class -> (number in the format, its module): specs that are encoded by their state.
_SPECS: dict[str, tuple[int, str]] = {
    "SparseTensorSpec": (TypeSpecProto.SPARSE_TENSOR_SPEC, "api.sparse.sparse_tensor"),
    "IndexedSlicesSpec": (TypeSpecProto.INDEXED_SLICES_SPEC, "core.composite"),
    "RaggedTensorSpec": (TypeSpecProto.RAGGED_TENSOR_SPEC, "api.ragged.ragged_tensor"),
    "TensorArraySpec": (TypeSpecProto.TENSOR_ARRAY_SPEC, "api.control.tensor_array"),
    "DatasetSpec": (TypeSpecProto.DATA_DATASET_SPEC, "data.dataset"),
    "IteratorSpec": (TypeSpecProto.DATA_ITERATOR_SPEC, "data.iterator"),
    "OptionalSpec": (TypeSpecProto.OPTIONAL_SPEC, "data.iterator"),
    "VariableSpec": (TypeSpecProto.VARIABLE_SPEC, "eager.variable_spec"),
}
# Prefix of registered names -> the module that registers them, imported at first use of the class.
_REGISTERING = {
    "tf.linalg.": "api.linalg.operators",
    "tf.WeakTensor": "api.extending.weak_tensor",
}
_CLASSES = {number: (name, module) for name, (number, module) in _SPECS.items()}


class NotEncodableError(TypeError):
    """A value has no StructuredValue message."""


# Encoders and decoders registered by other code, tried before ours: objects with `can_encode`, `do_encode(value, encode)`,
# `can_decode` and `do_decode(message, decode)`.
CODECS: list[Any] = []


def encode(value: Any) -> Any:
    """Returns the message of a nested structure.

    Raises:
      NotEncodableError: it contains a value that cannot be encoded.
    """
    message = StructuredValue()
    _fill(message, value)
    return message


def _fill(proto: Any, value: Any) -> None:
    codec = next((c for c in CODECS if c.can_encode(value)), None)
    if codec is not None:
        proto.CopyFrom(codec.do_encode(value, encode))
    elif value is None:
        proto.none_value.SetInParent()
    elif isinstance(value, bool):
        proto.bool_value = value
    elif isinstance(value, int):
        proto.int64_value = value
    elif isinstance(value, float):
        proto.float64_value = value
    elif isinstance(value, str):
        proto.string_value = value
    elif isinstance(value, DType):
        proto.tensor_dtype_value = value.as_datatype_enum
    elif isinstance(value, TensorShape):
        proto.tensor_shape_value.CopyFrom(shape_to_proto(value))
    elif hasattr(value, "minimum") and isinstance(value, TensorSpec):
        bounded = proto.bounded_tensor_spec_value
        _fill_tensor_spec(bounded, value)
        for name in ("minimum", "maximum"):
            bound = _TENSOR_PROTO(getattr(value, name), value.dtype)
            getattr(bounded, name).CopyFrom(bound)
    elif isinstance(value, TensorSpec):
        _fill_tensor_spec(proto.tensor_spec_value, value)
    elif isinstance(value, TypeSpec):
        _fill_type_spec(proto.type_spec_value, value)
    elif isinstance(value, np.ndarray):
        proto.numpy_value.CopyFrom(_TENSOR_PROTO(value))
    elif isinstance(value, Tensor) and (known := get_static_value(value)) is not None:
        proto.tensor_value.CopyFrom(_TENSOR_PROTO(known, value.dtype))
    elif isinstance(value, SymbolicTensor):
        spec = TensorSpec(value.shape, value.dtype, value.op.name)
        _fill_tensor_spec(proto.tensor_spec_value, spec)
    else:
        _fill_structure(proto, value)


def _fill_structure(proto: Any, value: Any) -> None:
    if nest.is_namedtuple(value):
        proto.named_tuple_value.name = type(value).__name__
        for key, part in zip(value._fields, value, strict=True):
            pair = proto.named_tuple_value.values.add(key=key)
            _fill(pair.value, part)
    elif isinstance(value, list):
        proto.list_value.SetInParent()
        for part in value:
            _fill(proto.list_value.values.add(), part)
    elif isinstance(value, tuple):
        proto.tuple_value.SetInParent()
        for part in value:
            _fill(proto.tuple_value.values.add(), part)
    elif isinstance(value, Mapping):
        proto.dict_value.SetInParent()
        for key in value:
            _fill(proto.dict_value.fields[str(key)], value[key])
    elif hasattr(value, "_type_spec"):
        _fill(proto, value._type_spec)
    else:
        raise NotEncodableError(f"No encoder for object {value!r} of type {type(value)}.")


def _fill_tensor_spec(proto: Any, spec: TensorSpec) -> None:
    proto.name = spec.name or ""
    proto.shape.CopyFrom(shape_to_proto(spec.shape))
    proto.dtype = spec.dtype.as_datatype_enum


def _fill_type_spec(proto: Any, spec: TypeSpec) -> None:
    name = type(spec).__name__
    if name in _SPECS:
        proto.type_spec_class = _SPECS[name][0]
    elif spec_names.is_registered(type(spec)):
        name = spec_names.get_name(type(spec))
        if is_instance_of(spec, _EXTENSION_TYPES, "ExtensionTypeSpec"):
            proto.type_spec_class = TypeSpecProto.EXTENSION_TYPE_SPEC
        else:
            proto.type_spec_class = TypeSpecProto.REGISTERED_TYPE_SPEC
            if not name.startswith(tuple(_REGISTERING)):
                warnings.warn(
                    f"Encoding a StructuredValue with type {name}; loading this StructuredValue will require "
                    "that this type be imported and registered.",
                    stacklevel=2,
                )
    else:
        raise NotEncodableError(f"No encoder for the TypeSpec {spec!r}.")
    proto.type_spec_class_name = name
    proto.num_flat_components = len(spec.flatten())
    _fill(proto.type_state, tuple(spec._serialize()))


def decode(message: Any) -> Any:
    """Returns the nested structure of a message.

    Raises:
      ValueError: it contains a TypeSpec of an unknown class.
    """
    for codec in CODECS:
        if codec.can_decode(message):
            return codec.do_decode(message, decode)
    kind = message.WhichOneof("kind")
    if kind is None or kind == "none_value":
        return None
    return _DECODERS[kind](getattr(message, kind))


def decode_spec(message: Any) -> Any:
    """Returns the TypeSpec of a TensorSpecProto or a TypeSpecProto."""
    is_tensor = isinstance(message, TensorSpecProto)
    return _decode_tensor_spec(message) if is_tensor else _decode_type_spec(message)


def _decode_named_tuple(value: Any) -> Any:
    names = [pair.key for pair in value.values]
    kind: Any = collections.namedtuple(value.name, names)  # type: ignore[misc]
    return kind(*[decode(pair.value) for pair in value.values])


def _decode_tensor_spec(value: Any) -> TensorSpec:
    shape = shape_from_proto(value.shape)
    return TensorSpec(shape, dtypes.as_dtype(value.dtype), value.name or None)


def _registered_class(value: Any) -> Any:
    """The class with the name in a TypeSpecProto; that of anonymous types for an unknown ExtensionType."""
    try:
        return spec_names.lookup(value.type_spec_class_name)
    except ValueError:
        if value.type_spec_class != TypeSpecProto.EXTENSION_TYPE_SPEC:
            raise
    warnings.warn(
        f"The type {value.type_spec_class_name!r} has not been registered. Falling back to using "
        "AnonymousExtensionTypeSpec instead.",
        stacklevel=2,
    )
    # Imported here: few models have types that this process lacks.
    from penstock._src.api.extending.anonymous_type import AnonymousExtensionTypeSpec

    return AnonymousExtensionTypeSpec


def _decode_type_spec(value: Any) -> Any:
    if value.type_spec_class in _BY_REGISTERED_NAME:
        for prefix, module in _REGISTERING.items():
            if value.type_spec_class_name.startswith(prefix):
                importlib.import_module(f"penstock._src.{module}")
        registered = _registered_class(value)
        return registered._deserialize(tuple(decode(value.type_state)))
    if value.type_spec_class not in _CLASSES:
        raise ValueError(
            f"The type '{value.type_spec_class_name}' is not supported by this version of TensorFlow. (The object you "
            "are loading must have been created with a newer version of TensorFlow.)"
        )
    name, module = _CLASSES[value.type_spec_class]
    kind = getattr(importlib.import_module(f"penstock._src.{module}"), name)
    return kind._deserialize(tuple(decode(value.type_state)))


def _decode_bounded_spec(value: Any) -> TensorSpec:
    spec = _decode_tensor_spec(value)
    bounds = from_proto(value.minimum), from_proto(value.maximum)
    return above("BoundedTensorSpec")(spec.shape, spec.dtype, *bounds, spec.name)


def _decode_tensor(value: Any) -> EagerTensor:
    return EagerTensor(from_proto(value), dtypes.as_dtype(value.dtype))


_BY_REGISTERED_NAME = (TypeSpecProto.REGISTERED_TYPE_SPEC, TypeSpecProto.EXTENSION_TYPE_SPEC)
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "float64_value": float,
    "int64_value": int,
    "string_value": str,
    "bool_value": bool,
    "tensor_shape_value": shape_from_proto,
    "tensor_dtype_value": dtypes.as_dtype,
    "tensor_spec_value": _decode_tensor_spec,
    "bounded_tensor_spec_value": _decode_bounded_spec,
    "tensor_value": _decode_tensor,
    "numpy_value": from_proto,
    "type_spec_value": _decode_type_spec,
    "list_value": lambda value: [decode(part) for part in value.values],
    "tuple_value": lambda value: tuple(decode(part) for part in value.values),
    "dict_value": lambda value: {key: decode(value.fields[key]) for key in sorted(value.fields)},
    "named_tuple_value": _decode_named_tuple,
}
