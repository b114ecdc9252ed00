"""VariableSpec: the TypeSpec of a variable inside a composite object."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.shapes import as_shape
from penstock._src.core.specs import DenseSpec, TensorSpec
from penstock._src.eager.variable import Variable


class VariableSpec(DenseSpec):
    """The shape and type of a variable, and whether it is trainable.

    `alias_id` is equal in the specs of one structure that stand for the same variable.
    """

    # A variable is a leaf of structures.
    _is_composite = False

    def __init__(
        self,
        shape: Any,
        dtype: Any = dtypes.float32,
        trainable: bool = True,
        alias_id: int | None = None,
    ) -> None:
        super().__init__(shape, dtype)
        self.trainable, self.alias_id = trainable, alias_id

    value_type = property(lambda _: Variable, doc="tf.Variable.")

    @classmethod
    def from_value(cls, value: Any) -> "VariableSpec":
        """Returns the type of a variable."""
        return cls(value.shape, value.dtype, value.trainable)

    def _serialize(self) -> tuple[Any, ...]:
        return as_shape(self._shape), self._dtype, self.trainable, self.alias_id

    @property
    def _component_specs(self) -> Any:
        return [TensorSpec([], dtypes.resource)]

    def _to_components(self, value: Any) -> Any:
        return [value.handle]

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Whether the variable, or every variable of the spec, has this dtype and shape."""
        other = spec_or_value
        if not isinstance(other, VariableSpec | Variable):
            return False
        return self._dtype is other.dtype and self._shape.is_compatible_with(other.shape)

    def __eq__(self, other: Any) -> bool:
        return type(other) is type(self) and self._serialize() == other._serialize()

    def __hash__(self) -> int:
        return hash(self._serialize())

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, "
            f"trainable={self.trainable!r}, alias_id={self.alias_id!r})"
        )
