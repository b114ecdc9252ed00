"""Composite tensors stored in one variant: their components and their type."""

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.ops.tensor_proto import from_proto, is_serialized, to_proto, variants
from penstock._src.proto.saved import CompositeTensorVariantMetadata, TypeSpecProto
from penstock._src.proto.tensor import VariantTensorDataProto

_TYPE_NAME = "CompositeTensorVariant"  # in messages


class CompositeVariant:
    """The components of a composite tensor with the metadata of its type."""

    __slots__ = ("components", "metadata", "types")

    def __init__(self, components, types, metadata):
        self.components, self.types, self.metadata = tuple(components), tuple(types), metadata

    def as_messages(self):
        """The value as a host value that can be written to files."""
        pairs = zip(self.components, self.types, strict=True)
        message = VariantTensorDataProto(
            type_name=_TYPE_NAME,
            metadata=self.metadata,
            tensors=[to_proto(component, dtype) for component, dtype in pairs],
        )
        return variants([message], ())


def _decoded(encoded):
    """The value as a CompositeVariant.

    Raises:
      InvalidArgumentError: it is something else.
    """
    if isinstance(encoded, CompositeVariant):
        return encoded
    if isinstance(encoded, np.ndarray) and not encoded.size:
        raise InvalidArgumentError("Input `encoded` must not be an empty variant tensor.")
    if is_serialized(encoded) and not encoded.ndim and encoded.item().type_name == _TYPE_NAME:
        message = encoded.item()
        types = [dtypes.as_dtype(tensor.dtype) for tensor in message.tensors]
        return CompositeVariant(
            [from_proto(tensor) for tensor in message.tensors], types, message.metadata
        )
    raise InvalidArgumentError("The input `encoded` is not a valid CompositeTensorVariant tensor.")


def _kind(metadata):
    """The name of the class of type specs.

    Raises:
      InvalidArgumentError: the metadata is damaged.
    """
    try:
        spec = CompositeTensorVariantMetadata.FromString(metadata).type_spec_proto
    except DecodeError as error:
        raise InvalidArgumentError(f"Error parsing metadata: {error}") from None
    return TypeSpecProto.TypeSpecClass.Name(spec.type_spec_class)


class CompositeTensorVariantFromComponents(Op):
    """The components as one variant."""

    signature = "components: *Tcomponents -> encoded: variant[]"
    metadata: bytes
    Tcomponents: list[DType]

    def gradient(self, _components, _encoded, dy):
        types = list(self.Tcomponents)
        return (
            raw.CompositeTensorVariantToComponents(dy, metadata=self.metadata, Tcomponents=types),
        )

    def eager(self, components):
        _kind(self.metadata)  # refused here already if it is damaged
        return CompositeVariant(components, self.Tcomponents, self.metadata)


class CompositeTensorVariantToComponents(Op):
    """The components stored in a variant; their number must match."""

    signature = "encoded: variant -> components: *Tcomponents[...]"
    metadata: bytes
    Tcomponents: list[DType]

    def gradient(self, _encoded, components, gradients):
        parts = [c if g is None else g for c, g in zip(components, gradients, strict=True)]
        return raw.CompositeTensorVariantFromComponents(parts, metadata=self.metadata)

    def eager(self, encoded):
        value = _decoded(encoded)
        wanted, actual = _kind(self.metadata), _kind(value.metadata)
        if wanted != actual:
            raise InvalidArgumentError(
                f"Expected a {wanted} (based on `type_spec`), but `encoded` contains a {actual}"
            )
        if len(value.components) != len(self.Tcomponents):
            raise InvalidArgumentError(
                f"Encoded value has {len(value.components)} tensor components; expected "
                f"{len(self.Tcomponents)} components based on type_spec"
            )
        for i, (have, want) in enumerate(zip(value.types, self.Tcomponents, strict=True)):
            if have != want:
                raise InvalidArgumentError(
                    f"Tensor component {i} had dtype DT_{have.name.upper()}; expected dtype "
                    f"DT_{want.name.upper()}"
                )
        return list(value.components)
