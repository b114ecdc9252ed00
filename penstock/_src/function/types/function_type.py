"""FunctionType: the parameters of a function with the types of their arguments, its captures, and its result's type."""

import collections
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from penstock._src.api.extending import types
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.function.types.trace_types import (
    TypeContext,
    aliases,
    from_value,
    to_structure,
)
from penstock._src.util import nest
from penstock._src.util.process import forks


class _CapturedDefault:
    """Shown in place of a default value: the type does not hold the value."""

    def __repr__(self) -> str:
        return "<captured_default_value>"


CAPTURED_DEFAULT_VALUE = _CapturedDefault()
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Parameter(inspect.Parameter):
    """A parameter, with the type that its arguments must have, if any.

    Args:
      name: its name.
      kind: as of `inspect.Parameter`.
      optional: whether it has a default value.
      type_constraint: a TraceType or None.
    """

    def __init__(self, name: str, kind: Any, optional: bool, type_constraint: Any) -> None:
        if optional and kind in (*_VARIADIC, inspect.Parameter.POSITIONAL_ONLY):
            raise ValueError(
                f"Parameter {name} is optional and its kind must be one of {{POSITIONAL_OR_KEYWORD, "
                f"KEYWORD_ONLY}}. Got: {kind}"
            )
        if type_constraint is not None and kind in _VARIADIC:
            raise TypeError("Variable args/kwargs can not have Type Constraints.")
        if not isinstance(type_constraint, types.TraceType | None):
            raise TypeError(
                f"Type constraints can only be an instance of a TraceType but got type_constraint="
                f"{type_constraint} for Parameter {name}"
            )
        super().__init__(
            name,
            kind,
            default=CAPTURED_DEFAULT_VALUE if optional else inspect.Parameter.empty,
            annotation=inspect.Parameter.empty if type_constraint is None else type_constraint,
        )

    @property
    def optional(self) -> bool:
        """True if the parameter has a default value."""
        return self.default is CAPTURED_DEFAULT_VALUE

    @property
    def type_constraint(self) -> Any:
        """The type of its arguments, or None."""
        return None if self.annotation is inspect.Parameter.empty else self.annotation

    def _is_like(self, other: "Parameter") -> bool:
        return (self.name, self.kind, self.optional) == (other.name, other.kind, other.optional)

    def is_subtype_of(self, other: "Parameter") -> bool:
        """True if `other` accepts all values that this parameter accepts."""
        if not self.type_constraint or not other.type_constraint:
            raise TypeError("Can not determine relationship between partially specified types.")
        return self._is_like(other) and self.type_constraint.is_subtype_of(other.type_constraint)

    def most_specific_common_supertype(self, others: Sequence["Parameter"]) -> "Parameter | None":
        """Returns the parameter that accepts the arguments of this one and of `others`, or None."""
        if not self.type_constraint or any(not other.type_constraint for other in others):
            raise TypeError("Can not determine relationship between partially specified types.")
        if not all(self._is_like(other) for other in others):
            return None
        constraint = self.type_constraint.most_specific_common_supertype(
            [other.type_constraint for other in others]
        )
        return constraint and Parameter(self.name, self.kind, self.optional, constraint)

    def __repr__(self) -> str:
        return (
            f"Parameter(name={self.name}, kind={self.kind.name}, optional={self.optional!r}, "
            f"type_constraint={self.type_constraint!r})"
        )


class FunctionType(types.FunctionType):
    """The type of a function.

    Args:
      parameters: `Parameter`s.
      captures: ordered {what stands for a captured object: its type}.
      **kwargs: `return_annotation`, the type of the result.
    """

    def __init__(
        self, parameters: Sequence[inspect.Parameter], captures: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(parameters, **kwargs)
        self._captures = captures if captures else collections.OrderedDict()

    @property
    def parameters(self) -> Any:
        """Ordered {name: Parameter}."""
        return collections.OrderedDict(super().parameters)

    @property
    def captures(self) -> Any:
        """Ordered {what stands for a captured object: its type}."""
        return self._captures

    @classmethod
    def from_callable(  # type: ignore[override]
        cls, obj: Callable[..., Any], *, follow_wrapped: bool = True
    ) -> "FunctionType":
        """Returns the parameters of a callable, without types."""
        signature = inspect.signature(obj, follow_wrapped=follow_wrapped)
        empty = inspect.Parameter.empty
        return cls(
            [Parameter(p.name, p.kind, p.default is not empty, None)
             for p in signature.parameters.values()]
        )  # fmt: skip

    @classmethod
    def get_default_values(
        cls, obj: Callable[..., Any], *, follow_wrapped: bool = True
    ) -> dict[str, Any]:
        """Returns {parameter: default value} of a callable."""
        parameters = inspect.signature(obj, follow_wrapped=follow_wrapped).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}

    def bind_with_defaults(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], default_values: Mapping[str, Any]
    ) -> inspect.BoundArguments:
        """Returns the arguments by parameter, default values included."""
        bound = self.bind(*args, **kwargs)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            if value is CAPTURED_DEFAULT_VALUE:
                bound.arguments[name] = default_values[name]
        return bound

    def is_supertype_of(self, other: "FunctionType") -> bool:
        """True if a function of this type takes all arguments and captures of one of type `other`."""
        if len(self.parameters) != len(other.parameters):
            return False
        pairs = zip(self.parameters.values(), other.parameters.values())
        return all(theirs.is_subtype_of(mine) for mine, theirs in pairs) and all(
            name in other.captures and other.captures[name].is_subtype_of(own)
            for name, own in self.captures.items()
        )

    def placeholder_arguments(self, placeholder_context: Any) -> inspect.BoundArguments:
        """Returns placeholders as the arguments of a call."""
        arguments = collections.OrderedDict()
        for parameter in self.parameters.values():
            if parameter.kind in _VARIADIC:
                raise ValueError(
                    "Can not generate placeholder values for variable length function type."
                )
            if not parameter.type_constraint:
                raise ValueError(
                    "Can not generate placeholder value for partially defined function type."
                )
            constraint = parameter.type_constraint
            arguments[parameter.name] = constraint.placeholder_value(placeholder_context)
        return inspect.BoundArguments(self, arguments)

    @property
    def flat_inputs(self) -> list[Any]:
        """The specs of the arguments' tensors."""
        constraints = [p.type_constraint for p in self.parameters.values()]
        return [
            spec
            for constraint in constraints
            if constraint is not None
            for spec in constraint.flatten()
        ]

    @property
    def flat_captures(self) -> list[Any]:
        """The specs of the captured tensors."""
        return [spec for capture in self.captures.values() for spec in capture.flatten()]

    @forks.cached_property
    def flat_outputs(self) -> list[Any]:
        """The specs of the result's tensors."""
        return [] if self.output is None else self.output.flatten()

    def unpack_inputs(self, bound_parameters: inspect.BoundArguments) -> list[Any]:
        """Returns the tensors of arguments; of a variable that is there more than once, the first handle."""
        tensors = [
            tensor
            for parameter in self.parameters.values()
            for tensor in parameter.type_constraint.to_tensors(
                bound_parameters.arguments[parameter.name]
            )
        ]
        repeated = self._repeated
        return [tensor for at, tensor in enumerate(tensors) if at not in repeated]

    @forks.cached_property
    def _repeated(self) -> set[int]:
        """The positions in `flat_inputs` of variables that occur at an earlier one, too."""
        seen: set[int] = set()
        positions: set[int] = set()
        alias_ids = [
            alias for p in self.parameters.values() for alias in aliases(p.type_constraint)
        ]
        for at, alias in enumerate(alias_ids):
            if alias in seen:
                positions.add(at)
            elif alias is not None:
                seen.add(alias)
        return positions

    def unpack_captures(self, captures: Sequence[Any]) -> list[Any]:
        """Returns the tensors of captured objects."""
        pairs = zip(self.captures.values(), captures, strict=True)
        return [
            tensor for capture_type, value in pairs for tensor in capture_type.to_tensors(value)
        ]

    def pack_output(self, flat_values: Sequence[Any]) -> Any:
        """Returns the result that these tensors make up."""
        if self.output is None:
            raise ValueError("Can not pack outputs for undefined output type.")
        return self.output.from_tensors(iter(flat_values))

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, FunctionType):
            return NotImplemented
        mine, theirs = list(self.parameters.values()), list(other.parameters.values())
        return (mine, self.captures) == (theirs, other.captures)

    def __hash__(self) -> int:
        return hash((tuple(self.parameters.items()), tuple(self.captures.items())))

    def __repr__(self) -> str:
        shown = [
            f"  {p.name} ({p.kind.name}): {p.type_constraint!r}" for p in self.parameters.values()
        ]
        captures = [f"  {name}: {capture!r}" for name, capture in self.captures.items()] or [
            "  None"
        ]
        lines = ["Input Parameters:", *(shown or ["  None"]), "Output Type:", f"  {self.output!r}"]
        return "\n".join([*lines, "Captures:", *captures])


def sanitized_name(name: str) -> str:
    """Returns the name that a parameter has for an argument of any name.

    >>> from penstock._src.function.types.function_type import sanitized_name
    >>> sanitized_name("1./-")
    'arg_1___'
    """
    legal = "".join(c if c.isalnum() else "_" for c in name)
    return legal if legal[0].isalpha() else f"arg_{legal}"


def of_trace(
    arguments: Sequence[tuple[str, Any]],
    signature: inspect.Signature | None,
    outputs: Any,
    captures: Sequence[Any],
    keeps_names: bool = False,
) -> FunctionType:
    """Returns the type of a traced function.

    Args:
      arguments: (name of a parameter, argument with specs for tensors), in order.
      signature: the parameters of the Python function, if it says them.
      outputs: the structured result.
      captures: the captured tensors.
      keeps_names: whether the specs of arguments keep their names, as in a SavedModel.
    """
    context = TypeContext()
    known = {} if signature is None else dict(signature.parameters)
    variadic = any(
        known[name].kind is inspect.Parameter.VAR_POSITIONAL and value
        for name, value in arguments
        if name in known
    )
    parameters = []
    for name, value in arguments:
        kind = known[name].kind if name in known else inspect.Parameter.POSITIONAL_OR_KEYWORD
        parts = [(name, value)]
        if kind is inspect.Parameter.VAR_POSITIONAL:
            parts = [(f"{name}_{number}", part) for number, part in enumerate(value)]
            kind = inspect.Parameter.POSITIONAL_ONLY
        elif kind is inspect.Parameter.VAR_KEYWORD:
            parts, kind = list(value.items()), inspect.Parameter.KEYWORD_ONLY
        elif variadic and kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            kind = inspect.Parameter.POSITIONAL_ONLY
        parameters += [
            Parameter(
                part_name if part_name.isidentifier() else sanitized_name(part_name),
                kind,
                False,
                from_value(part if keeps_names else unnamed(part), context),
            )
            for part_name, part in parts
        ]
    captured = collections.OrderedDict((tensor._id, from_value(tensor)) for tensor in captures)
    return FunctionType(parameters, captured, return_annotation=from_value(outputs, context))


def unnamed(value: Any) -> Any:
    """Return an argument with its TensorSpecs unnamed."""
    return nest.map_structure(
        lambda leaf: TensorSpec(leaf.shape, leaf.dtype) if isinstance(leaf, TensorSpec) else leaf,
        value,
    )


def add_type_constraints(
    function_type: FunctionType, input_signature: Any, default_values: Mapping[str, Any]
) -> FunctionType:
    """Returns the type with the specs of an input signature, and the types of defaults for parameters beyond it.

    Raises:
      TypeError: the signature does not fit the parameters.
    """
    context = TypeContext(is_legacy_signature=True)
    left = collections.deque(from_value(spec, context) for spec in input_signature)
    parameters: list[Parameter] = []
    for parameter in function_type.parameters.values():
        parameters.extend(_constrained(parameter, left, default_values, context))
    if left:
        raise TypeError(f"input_signature contains {len(left)} extra type constraints.")
    if any(p.kind is p.POSITIONAL_ONLY for p in parameters):
        # those before the entries of `*args` are passed by position, too
        parameters = [
            Parameter(p.name, p.POSITIONAL_ONLY, False, p.type_constraint)
            if p.kind is p.POSITIONAL_OR_KEYWORD
            else p
            for p in parameters
        ]
    return FunctionType(parameters)


def _constrained(
    parameter: Parameter, left: Any, defaults: Mapping[str, Any], context: Any
) -> Iterator[Parameter]:
    name, kind = parameter.name, parameter.kind
    if name == "self":
        yield parameter
    elif kind is parameter.VAR_POSITIONAL:
        for number in range(len(left)):
            yield Parameter(f"{name}_{number}", parameter.POSITIONAL_ONLY, False, left.popleft())
    elif kind is parameter.KEYWORD_ONLY:
        if name not in defaults:
            raise TypeError(
                f"Since input_signature is defined, keyword-only parameter `{name}` must have a default "
                "value."
            )
        yield Parameter(name, kind, parameter.optional, from_value(defaults[name]))
    elif kind is not parameter.VAR_KEYWORD:
        if left:
            yield Parameter(name, kind, parameter.optional, left.popleft())
        elif name in defaults:
            constraint = from_value(defaults[name], context)
            yield Parameter(name, kind, parameter.optional, constraint)
        else:
            raise TypeError(f"input_signature missing type constraint for {name}")


def to_input_signature(function_type: FunctionType) -> tuple[Any, ...] | None:
    """Returns the specs of the positional parameters as an input signature; None if there are none."""
    structures = []
    for parameter in function_type.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind not in (
            parameter.POSITIONAL_OR_KEYWORD,
            parameter.POSITIONAL_ONLY,
        ):
            continue
        if parameter.type_constraint is None:
            return None
        structure = to_structure(parameter.type_constraint)
        leaves = nest.flatten([structure])
        if not all(isinstance(leaf, TypeSpec) for leaf in leaves):
            break
        structures.append(structure)
    return tuple(structures)
