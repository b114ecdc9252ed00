"""The trace key: decides whether two calls of a tf.function share a trace.

`describe(value, leaves)` returns a hashable description of an argument and appends its tensors to `leaves`. Two calls share
a trace if the descriptions and the dtypes and shapes of the tensors are equal. A variable is described by its handle (such a tensor),
its type and its number among the variables of the call, so that calls with the same variable twice have a trace of their own.
Python numbers, strings and None are compared by value, other objects by identity (or by `__tf_tracing_type__`).
"""

import functools
import inspect
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable, Variable
from penstock._src.eager.variable_spec import VariableSpec, has_own_handle, variable_of_handle
from penstock._src.util import nest
from penstock._src.util.export import export

_BY_VALUE = (int, float, bool, str, bytes, complex, type(None), type, type(Ellipsis), slice)


@export("types.experimental.TracingContext", v1=["types.experimental.TracingContext"])
class TracingContext:
    """The argument of `__tf_tracing_type__`: opaque to callers."""


CONTEXT = TracingContext()


class Leaves(list):
    """The tensors of a call's arguments, in order. A variable that occurs again adds none."""

    def __init__(self) -> None:
        super().__init__()
        # id of a variable's handle -> number of the variable
        self.variables: dict[int, int] = {}
        # Index -> the type that a composite object declares for its tensor there; it may be less specific than the tensor's own shape.
        self.general: dict[int, TensorSpec] = {}

    def number(self, variable: Variable) -> int:
        """Returns the number of a variable; adds its handle if it is new."""
        handle = variable.handle
        known = self.variables.get(handle._id)
        if known is None:
            known = self.variables[handle._id] = len(self.variables)
            self.append(handle)
        return known

    def add_components(self, value: Any, spec: TypeSpec) -> None:
        """Adds the tensors of a composite object of a type."""
        parts = list(map(_component, nest.flatten(value, expand_composites=True)))
        specs = spec.flatten()
        if len(specs) == len(parts):
            at = len(self)
            for place, (part, each) in enumerate(zip(parts, specs, strict=True), at):
                if type(each) is TensorSpec and each.is_compatible_with(part):
                    self.general[place] = each
        self.extend(parts)

    def specs(self) -> list[TensorSpec]:
        """Return the specs that a trace is made for: the types of the tensors, and the general types of composite objects."""
        return [self.general.get(at) or spec_of(leaf) for at, leaf in enumerate(self)]


def describe(value: Any, leaves: Leaves) -> Any:
    """Returns the hashable description of an argument; its tensors are appended to `leaves`."""
    kind = type(value)
    if kind is EagerTensor or isinstance(value, Tensor):
        leaves.append(value)
        return Tensor
    if kind in _BY_VALUE:
        return _describe_plain(value)
    if isinstance(value, np.ndarray | np.generic):
        leaves.append(convert_to_tensor(value))
        return Tensor
    if kind in (list, tuple):
        return (kind, *[describe(item, leaves) for item in value])
    if kind is dict:
        return _describe_mapping(value, leaves)
    return _describe_object(value, leaves)


def _describe_plain(value: Any) -> tuple[Any, ...]:
    """The description of a number, a text and the like: those of equal values differ where these do."""
    kind = type(value)
    if isinstance(value, complex) or isinstance(value, float) and not value:
        return (kind, value, str(value))  # 0.0 == -0.0, but not their quotients
    if isinstance(value, slice):
        return (kind, *[(type(part), part) for part in (value.start, value.stop, value.step)])
    if isinstance(value, frozenset):
        return (kind, value, frozenset(map(_describe_plain, value)))
    return (kind, value)


def _describe_variable(variable: Variable, leaves: Leaves) -> Any:
    if STATE.tapes or STATE.graph is not None:
        variable_accessed(variable)
    shape, dtype, number = variable.shape._dims, variable.dtype, leaves.number(variable)
    return (VariableSpec, shape, dtype, variable.trainable, number)


_SIMPLE = frozenset({int, float, bool, str, bytes, type(None)})
# With more tensors than this, variables among them are not compared one by one.
_FEW = 16


def add_quick_key(value: Any, key: list[Any], leaves: list[Any]) -> bool:
    """Fast path for common argument types: appends the argument's part of the key, and its tensors in the order of `describe`.

    Returns False for other types.
    """
    kind = type(value)
    if kind is EagerTensor:
        key.append(value._dtype)
        key.append(getattr(value._value, "shape", None))
        leaves.append(value)
        return True
    key.append(kind)
    if kind in _SIMPLE:
        # 0.0 == -0.0: as text they differ
        key.append(value if value or kind is not float else str(value))
        return True
    if kind is tuple or kind is list:
        key.append(len(value))
        for item in value:
            if not add_quick_key(item, key, leaves):
                return False
        return True
    if kind is ResourceVariable:
        return _add_quick_variable(value, key, leaves)
    parts = getattr(kind, "_trace_parts", None)
    if parts is None:
        return False
    found = parts(value)
    if found is None:
        return False
    key.append(found[0])
    leaves.extend(found[1])
    return True


def _add_quick_variable(variable: Variable, key: list[Any], leaves: list[Any]) -> bool:
    if len(leaves) > _FEW:
        return False
    handle = variable._handle
    for tensor in leaves:
        if tensor is handle:
            return False
    leaves.append(handle)
    key += (variable._shape._dims, variable._dtype, variable._trainable)
    if STATE.tapes or STATE.graph is not None:
        variable_accessed(variable)
    return True


def _describe_mapping(value: Mapping[Any, Any], leaves: Leaves) -> Any:
    keys = nest.sorted_keys(value)
    return (type(value), *[(key, describe(value[key], leaves)) for key in keys])


def _describe_object(value: Any, leaves: Leaves) -> Any:
    if has_own_handle(value):
        return _describe_variable(value, leaves)
    if hasattr(value, "handle") and hasattr(value, "assign"):
        return _Same(value)
    own = getattr(value, "__tf_tracing_type__", None)
    if own is not None and not isinstance(value, type | TypeSpec):
        trace_type = own(CONTEXT)
        leaves.extend(trace_type.to_tensors(value))
        return trace_type
    if isinstance(value, TypeSpec):
        specs = value.flatten() if not isinstance(value, TensorSpec) else [value]
        leaves.extend(specs)
        return Tensor if isinstance(value, TensorSpec) else ("composite", value)
    if isinstance(value, CompositeTensor) or nest.is_composite(value):
        spec = value._type_spec
        leaves.add_components(value, spec)
        return ("composite", spec)
    if isinstance(value, Mapping):
        return _describe_mapping(value, leaves)
    children = nest.children(value)
    if children is not None and nest.is_custom(value):
        # What is no component is Python's, and the trace holds it.
        metadata = describe(value.__tf_flatten__()[0], Leaves())
        return (type(value), *[describe(child, leaves) for child in children], metadata)
    if children is not None:
        return (type(value), *[describe(child, leaves) for child in children])
    if isinstance(value, functools.partial):
        inner = [describe(part, leaves) for part in (value.args, value.keywords)]
        return ("partial", _Same(value.func), *inner)
    if isinstance(value, (*_BY_VALUE, frozenset)):
        return _describe_plain(value)
    _require_hash(value)
    return _Same(value)


def _require_hash(value: Any) -> None:
    """Raises TypeError for an object without a hash: a trace found by its identity would serve later calls with its old content."""
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"Could not generate a generic TraceType for {value!r}. Please verify that it is immutable and hashable, or "
            "give its class the method __tf_tracing_type__."
        ) from None


def _component(value: Any) -> Any:
    """The tensor that a leaf of a composite object is: of a variable, its handle."""
    if not isinstance(value, Variable):
        return value
    variable_accessed(value)
    return value.handle


class _Same:
    """A weak reference to a Python object: equal to that of an equal object that is alive."""

    __slots__ = ("_reference", "_hash")

    def __init__(self, value: Any) -> None:
        try:
            self._reference: Callable[[], Any] = weakref.ref(value)
        except TypeError:
            self._reference = lambda: value
        try:
            self._hash = hash(value)
        except TypeError:
            self._hash = id(value)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, _Same):
            return False
        mine, theirs = self._reference(), other._reference()
        if mine is None or theirs is None:
            return False
        return mine is theirs or (type(mine) is type(theirs) and _equal(mine, theirs))


def _equal(a: Any, b: Any) -> bool:
    if hasattr(a, "handle"):
        return False
    result = a == b
    return result if isinstance(result, bool) else False


def substitute(value: Any, tensors: Iterator[Any]) -> Any:
    """Returns an argument like `value` with the next of `tensors` for each of its tensors; variables remain."""
    kind = type(value)
    if isinstance(value, Tensor | np.ndarray | np.generic | TensorSpec):
        return next(tensors)
    if kind in _BY_VALUE or hasattr(value, "handle") and hasattr(value, "assign"):
        return value
    if kind in (list, tuple):
        return kind([substitute(item, tensors) for item in value])
    if hasattr(value, "__tf_tracing_type__") and not isinstance(value, type | TypeSpec):
        trace_type = value.__tf_tracing_type__(CONTEXT)
        if trace_type.flatten():
            return trace_type.from_tensors(tensors)
        return trace_type.placeholder_value(None)
    if isinstance(value, TypeSpec):
        return value.from_tensors(tensors)
    if isinstance(value, CompositeTensor) or nest.is_composite(value):
        leaves = nest.flatten(value, expand_composites=True)
        parts = [_like_component(leaf, next(tensors)) for leaf in leaves]
        return nest.pack_sequence_as(value, parts, expand_composites=True)
    if isinstance(value, Mapping):
        trace_type = {key: substitute(value[key], tensors) for key in nest.sorted_keys(value)}
        return nest.rebuild(value, [trace_type[key] for key in nest.sorted_keys(value)])
    children = nest.children(value)
    if children is not None:
        return nest.rebuild(value, [substitute(child, tensors) for child in children])
    if isinstance(value, functools.partial):
        args = substitute(value.args, tensors)
        return functools.partial(value.func, *args, **substitute(value.keywords, tensors))
    return value


def _like_component(leaf: Any, tensor: Any) -> Any:
    """Returns the replacement of a leaf of a composite object: for a variable, one with the handle `tensor`."""
    if not isinstance(leaf, Variable):
        return tensor
    return variable_of_handle(tensor, VariableSpec.from_value(leaf))


def declared(described: Any, spec: Any) -> Any:
    """Returns the description of an argument as an input signature declares it: for composite objects, their types."""
    if spec is None or not isinstance(described, tuple):
        return described
    if described[0] == "composite":
        is_type = isinstance(spec, TypeSpec) and not isinstance(spec, TensorSpec)
        return ("composite", spec) if is_type else described
    if isinstance(spec, Mapping):
        return (described[0], *[(key, declared(part, spec[key])) for key, part in described[1:]])
    children = nest.children(spec)
    if children is None or len(children) != len(described) - 1:
        return described
    return (described[0], *map(declared, described[1:], children))


def generalize(value: Any, described: Any) -> Any:
    """Returns an argument with composite values replaced by the specs of a more general description."""
    if isinstance(value, TypeSpec) or not isinstance(described, tuple):
        return value
    if described[0] == "composite":
        return described[1]
    if type(value) in (list, tuple):
        return type(value)(map(generalize, value, described[1:]))
    if type(value) is dict:
        return {key: generalize(value[key], inner) for key, inner in described[1:]}
    return value


def leaf_names(value: Any, name: str, seen: set[int] | None = None) -> list[str]:
    """Returns a name for each tensor of an argument, from that of the parameter.

    `seen` are the variables, by their handles' ids or the numbers in their specs, that already have a name; those of `value` are added.
    """
    if isinstance(value, TensorSpec):
        return [value.name or name]
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return [name]
    if has_own_handle(value) or isinstance(value, VariableSpec):
        return _name_of_variable(value, name, set() if seen is None else seen)
    if isinstance(value, CompositeTensor) or nest.is_composite(value):
        parts = (
            nest.flatten(value, expand_composites=True)
            if not isinstance(value, TypeSpec)
            else value.flatten()
        )
        return [name if i == 0 else f"{name}_{i}" for i in range(len(parts))]
    seen = set() if seen is None else seen
    if isinstance(value, Mapping):
        keys = nest.sorted_keys(value)
        return [n for key in keys for n in leaf_names(value[key], f"{name}_{key}", seen)]
    children = None if isinstance(value, _BY_VALUE) else nest.children(value)
    if children is not None:
        parts = enumerate(children)
        return [n for i, child in parts for n in leaf_names(child, f"{name}_{i}", seen)]
    leaves = Leaves()
    describe(value, leaves)
    return [name if i == 0 else f"{name}_{i}" for i in range(len(leaves))]


def _name_of_variable(value: Any, name: str, seen: set[int]) -> list[str]:
    """The name, unless the variable has one."""
    key = value.alias_id if isinstance(value, VariableSpec) else value.handle._id
    if key in seen:
        return []
    if key is not None:
        seen.add(key)
    return [name]


def argument_names(
    parameters: Sequence[tuple[str, Any]], signature: inspect.Signature | None
) -> list[str]:
    """Returns a name for each tensor of the arguments; those of `**kwargs` have their own names."""
    known = {} if signature is None else signature.parameters
    names: list[str] = []
    seen: set[int] = set()
    for name, value in parameters:
        if name in known and known[name].kind is inspect.Parameter.VAR_KEYWORD:
            keys = nest.sorted_keys(value)  # the order of the tensors
            names += [n for key in keys for n in leaf_names(value[key], key, seen)]
        else:
            names += leaf_names(value, name, seen)
    return names


def input_names(
    parameters: Sequence[tuple[str, Any]], signature: inspect.Signature | None
) -> list[str]:
    """Returns for each tensor of the arguments the name of the argument that has it; graphs number those that have several."""
    known = {} if signature is None else signature.parameters
    names: list[str] = []
    seen: set[int] = set()
    for name, value in parameters:
        kind = known[name].kind if name in known else None
        parts = [(name, value)]
        if kind is inspect.Parameter.VAR_KEYWORD:
            parts = [(key, value[key]) for key in nest.sorted_keys(value)]  # as the tensors
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            parts = [(f"{name}_{i}", part) for i, part in enumerate(value)]
        names += [own for own, part in parts for _ in leaf_names(part, own, seen)]
    return names


def spec_of(leaf: Any) -> TensorSpec:
    """Returns the spec of a tensor."""
    return leaf if isinstance(leaf, TensorSpec) else TensorSpec(leaf.shape, leaf.dtype)


def parameters_of(function: Callable[..., Any]) -> inspect.Signature | None:
    """Returns the signature of a callable, or None if it has none."""
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None
