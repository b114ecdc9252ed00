"""The types of arguments: `from_value` returns that of a value; types nest as the structure does.

The lookup of traces does not need them (`function/trace_type.py` has its keys); they are created when the
type of a function is read.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.api.extending.types import TraceType
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable_spec import VariableSpec, has_own_handle
from penstock._src.util import nest

TraceType.register(TypeSpec)


class TypeContext:
    """State shared by the types of one call's arguments: which variables are the same, and the named inputs.

    Args:
      is_legacy_signature: whether TensorSpecs and tensors become types by `tf.type_spec_from_value`, with their names.
    """

    def __init__(self, is_legacy_signature: bool = False) -> None:
        self.is_legacy_signature = is_legacy_signature
        self._aliases: dict[int, int] = {}

    def alias_of(self, variable: Any) -> int:
        """Returns a number, equal for the same variable."""
        return self._aliases.setdefault(variable.handle._id, len(self._aliases))


class Literal(TraceType):
    """A Python value that is compared by equality: a number, a string, None."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def is_subtype_of(self, other: Any) -> bool:
        return self == other

    def most_specific_common_supertype(self, others: Any) -> TraceType | None:
        return self if all(self == other for other in others) else None

    def placeholder_value(self, placeholder_context: Any) -> Any:
        return self.value

    def cast(self, value: Any, cast_context: Any) -> Any:
        if isinstance(value, EagerTensor):
            value = value.numpy()
        if type(self.value) is type(value) and self.value == value:
            return value
        if value != self.value:
            raise ValueError(f"Can not cast {value!r} to {self!r}")
        return self.value

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, Literal)
            and type(self.value) is type(other.value)
            and self.value == other.value
        )

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))

    def __repr__(self) -> str:
        return f"Literal[{self.value!r}]"


class Weakref(TraceType):
    """A Python object, held weakly and compared by identity, or equality while it is alive."""

    def __init__(self, reference: Callable[[], Any]) -> None:
        self._reference = reference
        self._hash = hash(id(reference()))

    def is_subtype_of(self, other: Any) -> bool:
        return self == other

    def most_specific_common_supertype(self, others: Any) -> TraceType | None:
        return self if all(self == other for other in others) else None

    def placeholder_value(self, placeholder_context: Any) -> Any:
        return self._reference()

    def cast(self, value: Any, cast_context: Any) -> Any:
        mine = self._reference()
        if value is not mine and (mine is None or value != mine):
            raise ValueError(f"Can not cast {value!r} to {self!r}")
        return mine

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Weakref):
            return False
        mine, theirs = self._reference(), other._reference()
        if mine is None or theirs is None:
            return False
        return mine is theirs or bool(mine == theirs)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"Weakref[{self._reference!r}])"


class _Nested(TraceType):
    """A structure: its form (`like`, an example), and the types of its children."""

    label = ""

    def __init__(self, like: Any, components: Sequence[Any]) -> None:
        self.like, self.components = like, tuple(components)

    def _form(self) -> Any:
        """Return the form of a structure, which equal structures share."""
        return type(self.like), len(self.components)

    def _children(self, value: Any) -> list[Any]:
        return list(nest.children(value) or ())

    def is_subtype_of(self, other: Any) -> bool:
        if type(self) is not type(other) or self._form() != other._form():
            return False
        return all(a.is_subtype_of(b) for a, b in zip(self.components, other.components))

    def most_specific_common_supertype(self, others: Any) -> TraceType | None:
        if any(type(self) is not type(o) or self._form() != o._form() for o in others):
            return None
        merged = [
            mine.most_specific_common_supertype([other.components[at] for other in others])
            for at, mine in enumerate(self.components)
        ]
        return None if any(part is None for part in merged) else type(self)(self.like, merged)

    def placeholder_value(self, placeholder_context: Any) -> Any:
        return self._rebuilt([c.placeholder_value(placeholder_context) for c in self.components])

    def _rebuilt(self, parts: list[Any]) -> Any:
        return nest.rebuild(self.like, parts)

    def to_tensors(self, value: Any) -> list[Any]:
        pairs = zip(self.components, self._children(value), strict=True)
        return [tensor for part, child in pairs for tensor in part.to_tensors(child)]

    def from_tensors(self, tensors: Iterator[Any]) -> Any:
        tensors = iter(tensors)
        return self._rebuilt([part.from_tensors(tensors) for part in self.components])

    def flatten(self) -> list[Any]:
        return [spec for part in self.components for spec in part.flatten()]

    def cast(self, value: Any, cast_context: Any) -> Any:
        parts = nest.children(value)
        if parts is None or len(parts) != len(self.components) or not self._takes(value):
            raise TypeError(f"Can not cast {value!r} to {self!r}.")
        cast = [c.cast(part, cast_context) for c, part in zip(self.components, parts)]
        return self._rebuilt(cast)

    def _takes(self, value: Any) -> bool:
        return isinstance(value, list | tuple) or type(value) is type(self.like)

    def __eq__(self, other: Any) -> bool:
        return (
            type(self) is type(other)
            and self._form() == other._form()
            and self.components == other.components
        )

    def __hash__(self) -> int:
        return hash((type(self), self.components))

    def __repr__(self) -> str:
        return f"{self.label}[{', '.join(map(repr, self.components))}]"


class List(_Nested):
    """The type of a list."""

    label = "List"


class Tuple(_Nested):
    """The type of a tuple."""

    label = "Tuple"


class NamedStructure(_Nested):
    """The type of a named tuple, or of an object of an attrs class."""

    def _takes(self, value: Any) -> bool:
        return type(value) is type(self.like)

    def __repr__(self) -> str:
        names = getattr(type(self.like), "_fields", None) or [
            field.name for field in type(self.like).__attrs_attrs__
        ]
        parts = [f"['{name}', {part!r}]" for name, part in zip(names, self.components)]
        return f"{type(self.like).__name__}[{', '.join(parts)}]"


class Dict(_Nested):
    """The type of a mapping."""

    label = "Dict"

    def _form(self) -> Any:
        return frozenset(self.like)

    def _keys(self) -> list[Any]:
        return nest.sorted_keys(self.like)

    def cast(self, value: Any, cast_context: Any) -> Any:
        if not isinstance(value, Mapping) or set(value) != set(self.like):
            raise TypeError(f"Can not cast {value!r} to {self!r}.")
        pairs = zip(self._keys(), self.components)
        return nest.rebuild(value, [part.cast(value[key], cast_context) for key, part in pairs])

    def __repr__(self) -> str:
        components = dict(zip(self._keys(), self.components))
        return f"Dict[{', '.join(f'[{key!r}, {components[key]!r}]' for key in self.like)}]"


_LITERALS = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


def from_value(value: Any, context: Any = None) -> Any:
    """Returns the type of a value.

    Args:
      value: an argument, structures included.
      context: a `TypeContext`; None: a new one.

    A list of a number and a string has the type `List[Literal[1], Literal['x']]`.
    """
    context = TypeContext() if context is None else context
    if isinstance(value, TraceType) and not isinstance(value, type):
        return value
    if has_own_handle(value):
        return VariableSpec(value.shape, value.dtype, value.trainable, context.alias_of(value))
    if isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if isinstance(value, np.ndarray | np.generic):
        return TensorSpec(value.shape, convert_to_tensor(value).dtype)
    if hasattr(value, "__tf_tracing_type__") and not isinstance(value, type):
        return value.__tf_tracing_type__(context)
    if isinstance(value, _LITERALS):
        return Literal(value)
    if nest.is_composite(value):
        return value._type_spec
    return _of_structure(value, context)


def _of_structure(value: Any, context: Any) -> Any:
    if isinstance(value, list | tuple | Mapping):
        value = getattr(value, "__wrapped__", value)
    children = nest.children(value)
    if children is None:
        try:
            return Weakref(weakref.ref(value))
        except TypeError:
            pass
        try:
            hash(value)
            return Literal(value)
        except TypeError:
            raise TypeError(
                f"Could not generate a generic TraceType for {value!r}. It must be hashable, or "
                "have a method `__tf_tracing_type__`."
            ) from None
    parts = [from_value(child, context) for child in children]
    if isinstance(value, Mapping):
        return Dict(value, parts)
    if hasattr(type(value), "_fields") or not isinstance(value, list | tuple):
        return NamedStructure(value, parts)
    return List(value, parts) if isinstance(value, list) else Tuple(value, parts)


def to_structure(trace_type: Any) -> Any:
    """Returns a type as a structure of the specs and values in it: an input signature's form."""
    if isinstance(trace_type, _Nested):
        return trace_type._rebuilt([to_structure(part) for part in trace_type.components])
    return trace_type if isinstance(trace_type, TypeSpec) else trace_type.placeholder_value(None)


def aliases(trace_type: Any) -> list[int | None]:
    """Returns the `alias_id` of each tensor that is a variable's handle in a type; None for the others."""
    if isinstance(trace_type, VariableSpec):
        return [trace_type.alias_id]
    if isinstance(trace_type, _Nested):
        return [alias for part in trace_type.components for alias in aliases(part)]
    return [None] * len(trace_type.flatten())
