"""Input signatures: checks, and conversion of arguments."""

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.types.function_spec import check_specs
from penstock._src.function.types.trace_types import from_value
from penstock._src.util import nest


def plain_arity(signature: inspect.Signature | None) -> int:
    """The number of parameters if all are positional, which allows a fast path for calls; else -1."""
    if signature is None:
        return -1
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = signature.parameters.values()
    return len(parameters) if all(p.kind in plain for p in parameters) else -1


def checked_signature(specs: Any, signature: inspect.Signature | None) -> dict[str, Any] | None:
    """Returns {parameter: specs} of an input signature."""
    if specs is None:
        return None
    check_specs(specs)
    table: dict[str, Any] = {}
    remaining = list(specs)
    for at, parameter in enumerate([] if signature is None else signature.parameters.values()):
        if at == 0 and parameter.name == "self":
            continue  # `self` of an unbound method
        if parameter.kind is parameter.VAR_POSITIONAL:
            table[parameter.name] = tuple(remaining)
            remaining = []
        elif parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                raise TypeError(
                    f"Since input_signature is defined, keyword-only parameter `{parameter.name}` must have "
                    "a default value"
                )
        elif parameter.kind is not parameter.VAR_KEYWORD and remaining:
            table[parameter.name] = remaining.pop(0)
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            if parameter.default is parameter.empty:
                raise TypeError(
                    f"input_signature missing type constraint for {parameter.name}. The signature of the "
                    f"function is {signature}."
                )
    if remaining:
        raise TypeError(
            f"input_signature contains {len(remaining)} extra type constraints: it has {len(specs)} entries, "
            f"more than the function {signature} has parameters."
        )
    return table


Declared = tuple[tuple[Any, tuple[int | None, ...] | None], ...]  # (type, dimensions) of each


def declared_types(
    table: dict[str, Any] | None, signature: inspect.Signature | None
) -> Declared | None:
    """The types of positional arguments if a checked input signature fully determines them: each is a tensor; None for other signatures."""
    if table is None or signature is None:
        return None
    specs: list[Any] = []
    for parameter in signature.parameters.values():
        if parameter.name not in table or parameter.kind is parameter.KEYWORD_ONLY:
            return None
        declared = table[parameter.name]
        specs += declared if parameter.kind is parameter.VAR_POSITIONAL else [declared]
    if not all(type(spec) is TensorSpec for spec in specs):
        return None
    return tuple([(spec.dtype, spec.shape._dims) for spec in specs])


def are_declared(args: Sequence[Any], declared: Declared | None) -> bool:
    """True if the arguments are eager tensors of the declared types, of as many parameters."""
    if declared is None or len(args) != len(declared):
        return False
    for arg, (dtype, wanted) in zip(args, declared):
        if type(arg) is not EagerTensor or arg._dtype is not dtype:
            return False
        value = arg._value
        if wanted is None:
            continue
        shape = value.shape if type(value) is np.ndarray else ()
        if shape != wanted:
            if len(shape) != len(wanted):
                return False
            for size, known in zip(shape, wanted):
                if known is not None and size != known:
                    return False
    return True


def check_default(value: Any, default: Any) -> None:
    """Raises ValueError or TypeError if an argument that the input signature omits has another type than its default."""
    if value is not default:
        from_value(default).cast(value, None)


def cast_to(value: Any, spec: Any) -> Any:
    """Returns `value` converted to a structure of specs.

    Raises:
      TypeError: it does not fit.
    """
    if isinstance(spec, TensorSpec):
        if isinstance(value, TensorSpec):
            converted: Any = value
        elif isinstance(value, Tensor):
            converted = value
        else:
            converted = convert_to_tensor(value, dtype_hint=spec.dtype)
        if converted.dtype is spec.dtype and converted.shape.is_subtype_of(spec.shape):
            return converted
        if (
            converted.dtype is spec.dtype
            and isinstance(converted, Tensor)
            and spec.shape.is_subtype_of(converted.shape)
        ):
            # A symbolic tensor of a less specific type: the caller asserts the rest.
            converted.set_shape(spec.shape)
            return converted
        raise TypeError(
            f"Can not cast {TensorSpec(converted.shape, converted.dtype, spec.name)!r} to {spec!r}"
        )
    if isinstance(spec, TypeSpec):
        if isinstance(value, TypeSpec):
            return value
        if nest.is_composite(value) and len(value._type_spec.flatten()) != len(spec.flatten()):
            raise ValueError(f"Can not cast {value!r} to {spec!r}: it has other components.")
        if not spec.is_compatible_with(value):
            raise TypeError(f"Can not cast {value!r} to {spec!r}")
        return value
    if isinstance(spec, dict):
        if set(value) != set(spec):
            raise TypeError(f"Can not cast {value!r} to {spec!r}")
        return nest.rebuild(value, [cast_to(value[k], spec[k]) for k in nest.sorted_keys(spec)])
    children = nest.children(spec)
    if children is None:
        return value
    parts = nest.children(value)
    if parts is None or len(parts) != len(children):
        raise TypeError(f"Can not cast {value!r} to {spec!r}")
    return nest.rebuild(spec, [cast_to(a, b) for a, b in zip(parts, children, strict=True)])


def flat_specs(spec: Any) -> list[TensorSpec]:
    if isinstance(spec, TypeSpec):
        return spec.flatten()
    return [s for part in nest.flatten(spec) for s in part.flatten()]
