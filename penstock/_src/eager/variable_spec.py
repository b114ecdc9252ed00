"""VariableSpec: the type of a variable, as an argument of a function or inside a composite object."""

from collections.abc import Sequence
from typing import Any

from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core import dtypes
from penstock._src.core.shapes import as_shape
from penstock._src.core.specs import DenseSpec, TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.context import init_scope
from penstock._src.eager.variable import UNIQUE, ResourceVariable, Variable
from penstock._src.eager.variable_handle import make_handle
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization


class VariableSpec(DenseSpec):
    """The shape and type of a variable, and whether it is trainable.

    `alias_id` is equal in the specs of one structure that belong to the same variable.
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

    def _from_components(self, components: Any) -> Variable:
        if not isinstance(components, list | tuple):
            raise TypeError(
                f"VariableSpec: expected a list or tuple of components. Received {components!r}."
            )
        if len(components) != 1:
            raise ValueError(
                f"VariableSpec: a variable's only component is its handle. Received {components!r}."
            )
        return variable_of_handle(components[0], self)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """True if a variable has this dtype, shape and `trainable`. A spec must belong to the same variable too."""
        other = spec_or_value
        if not isinstance(other, VariableSpec | Variable):
            return False
        if isinstance(other, VariableSpec) and other.alias_id != self.alias_id:
            return False
        return (
            self._dtype is other.dtype
            and self._shape.is_compatible_with(other.shape)
            and self.trainable == other.trainable
        )

    # -- the TraceType protocol of tf.function

    def is_subtype_of(self, other: Any) -> bool:
        """True if every variable of this type has type `other`.

        Raises:
          NotImplementedError: only one of them has an `alias_id`.
        """
        if type(self) is type(other):
            self._require_alias_ids("is_subtype_of", [other])
        return super().is_subtype_of(other)

    def most_specific_common_supertype(self, others: Sequence[Any]) -> Any:
        """Returns the most specific common supertype of this and all others, or None.

        Raises:
          NotImplementedError: some of them have an `alias_id`, and others have none.
        """
        if all(type(self) is type(other) for other in others):
            self._require_alias_ids("most_specific_common_supertype", others)
        return super().most_specific_common_supertype(others)

    def _require_alias_ids(self, method: str, others: Sequence[Any]) -> None:
        if len({spec.alias_id is None for spec in (self, *others)}) > 1:
            raise NotImplementedError(
                f"VariableSpec.{method} doesn't support alias_id=None, got self: {self} and others: "
                f"{list(others)}."
            )

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Return a variable with a placeholder as its handle; the same one for each `alias_id`."""
        known = self.alias_id is not None
        if known and placeholder_context.has_placeholder(self.alias_id):
            return placeholder_context.get_placeholder(self.alias_id)
        variable = super().placeholder_value(placeholder_context)
        if known:
            placeholder_context.add_placeholder(self.alias_id, variable)
        return variable

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the handle of a variable, which counts as used."""
        if not isinstance(value, Variable):
            raise TypeError(f"VariableSpec: expected a variable. Received {value!r}.")
        variable_accessed(value)
        return [value.handle]

    _to_tensors = to_tensors

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Returns `value`, a variable of this type.

        Raises:
          TypeError: `value` is not a variable of this type.
        """
        if not isinstance(value, Variable) or not self._takes(value):
            raise TypeError(f"Can not cast {value!r} to {self!r}")
        return value

    _cast = cast

    def _takes(self, variable: Variable) -> bool:
        return self._dtype is variable.dtype and self._shape.is_compatible_with(variable.shape)

    def __eq__(self, other: Any) -> bool:
        return type(other) is type(self) and self._serialize() == other._serialize()

    def __hash__(self) -> int:
        return hash(self._serialize())

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, "
            f"trainable={self.trainable!r}, alias_id={self.alias_id!r})"
        )


def has_own_handle(value: Any) -> bool:
    """True if a value is a variable with a handle, so that functions take it as an argument.

    A variable composed of others, as under a strategy, is a Python object to functions: they capture its components where they read it.
    """
    return isinstance(value, Variable) and "_handle" in vars(value)


def stand_in(spec: VariableSpec) -> Variable:
    """Returns a variable of a type, without a value."""
    with init_scope():
        return variable_of_handle(make_handle(spec.shape, spec.dtype, "Variable"), spec)


def variable_of_handle(handle: Any, spec: VariableSpec) -> Variable:
    """Returns a variable of a type that a handle refers to: it is not created, and announces nothing.

    Raises:
      ValueError: `handle` is not a handle.
    """
    if not isinstance(handle, Tensor) or handle.dtype is not dtypes.resource:
        raise ValueError(
            f"VariableSpec: expected the handle of a variable, a resource tensor. Received {handle!r}."
        )
    variable = ResourceVariable.__new__(ResourceVariable)
    variable._handle = handle
    variable._dtype = spec.dtype
    variable._shape = spec.shape
    variable._trainable = spec.trainable
    variable._name = "Variable"
    variable._unique = next(UNIQUE)
    variable._constraint = None
    variable._synchronization = VariableSynchronization.AUTO
    variable._aggregation = VariableAggregation.NONE
    variable._in_graph_mode = False
    variable._initializer = None
    variable._initial_value = None
    variable._graph_element = None
    return variable
