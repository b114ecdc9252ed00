"""`tensorflow.python.ops.composite_tensor_ops`: composite tensors as variants."""

from __future__ import annotations

from typing import Any

from penstock._src.core.registry import raw
from penstock._src.function.structured_values import encode
from penstock._src.proto.saved import CompositeTensorVariantMetadata
from penstock._src.util import nest


def composite_tensor_to_variants(value: Any, type_spec: Any = None, name: str | None = None) -> Any:
    """Returns a variant scalar with the components of a composite tensor.

    Args:
      value: the composite tensor.
      type_spec: its spec, or a more general one.
      name: of the operation.

    Raises:
      ValueError: the spec is not the value's.
    """
    if not nest.is_composite(value):
        raise TypeError(f"Expected `value` to be a CompositeTensor. Received {type(value)}.")
    type_spec = value._type_spec if type_spec is None else type_spec
    if not type_spec.is_compatible_with(value):
        raise ValueError(f"`type_spec` {type_spec} is not compatible with `value` {value!r}.")
    return raw.CompositeTensorVariantFromComponents(
        components=nest.flatten(value, expand_composites=True),
        metadata=_metadata(type_spec),
        name=name,
    )


def composite_tensor_from_variant(encoded: Any, type_spec: Any, name: str | None = None) -> Any:
    """Returns the composite tensor of a spec whose components a variant holds.

    Args:
      encoded: a scalar from `composite_tensor_to_variants`.
      type_spec: of the result.
      name: of the operation.

    Raises:
      InvalidArgumentError: when it runs, if the variant holds something else.
    """
    specs = nest.flatten(type_spec, expand_composites=True)
    components = raw.CompositeTensorVariantToComponents(
        encoded=encoded,
        metadata=_metadata(type_spec),
        Tcomponents=[spec.dtype for spec in specs],
        name=name,
    )
    for component, spec in zip(components, specs, strict=True):
        component.set_shape(spec.shape)
    return nest.pack_sequence_as(type_spec, components, expand_composites=True)


def _metadata(type_spec: Any) -> bytes:
    spec = encode(type_spec).type_spec_value
    return CompositeTensorVariantMetadata(type_spec_proto=spec).SerializeToString()
