"""Composite tensors stored in one variant: their components and their type."""

from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.registry import raw


class CompositeVariant:
    """The components of a composite tensor with the metadata that tells its type."""

    __slots__ = ("components", "metadata")

    def __init__(self, components, metadata):
        self.components, self.metadata = tuple(components), metadata


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
        return CompositeVariant(components, self.metadata)


class CompositeTensorVariantToComponents(Op):
    """The components stored in a variant; their number must match."""

    signature = "encoded: variant -> components: *Tcomponents[...]"
    metadata: bytes
    Tcomponents: list[DType]

    def gradient(self, _encoded, components, gradients):
        parts = [c if g is None else g for c, g in zip(components, gradients, strict=True)]
        return raw.CompositeTensorVariantFromComponents(parts, metadata=self.metadata)

    def eager(self, encoded):
        if not isinstance(encoded, CompositeVariant):
            raise InvalidArgumentError("The input is not a composite tensor.")
        if len(encoded.components) != len(self.Tcomponents):
            raise InvalidArgumentError(
                f"Encoded value has {len(encoded.components)} tensor components; expected "
                f"{len(self.Tcomponents)} components based on type_spec"
            )
        return list(encoded.components)
