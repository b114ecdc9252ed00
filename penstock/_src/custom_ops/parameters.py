"""Parameters of an op's Python function: positional ones are inputs, keyword-only ones attributes."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dtypes import DType
from penstock._src.util import nest
from penstock._src.util.dataclass import dataclass

EMPTY = inspect.Parameter.empty
KINDS = (bool, int, float, str, bytes, DType)
# Other types accepted for an attribute of a kind.
ACCEPTED: dict[Any, tuple[type, ...]] = {
    bool: (np.bool_,),
    int: (np.integer,),
    float: (int, np.integer, np.floating),
    str: (),
    bytes: (),
    DType: (str, type, np.dtype),
}


@dataclass(frozen=True)
class Parameters:
    """Parameters of an op.

    Args:
      op: its name, for messages.
      signature: the Python signature of a call.
      inputs: the names of the tensors.
      attributes: the names of the other arguments.
    """

    op: str
    signature: inspect.Signature
    inputs: tuple[str, ...]
    attributes: tuple[str, ...]

    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Returns the inputs in order and the attributes by name, defaults included.

        Raises:
          TypeError: an argument is missing, or there are too many.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.op}: {error}") from None
        bound.apply_defaults()
        arguments = bound.arguments
        return [arguments[name] for name in self.inputs], {n: arguments[n] for n in self.attributes}

    def tensors(self, inputs: Sequence[Any], composites: bool = False) -> list[Any]:
        """Returns the inputs as tensors; Python numbers take the dtype of the first tensor where they fit it.

        Args:
          inputs: in order.
          composites: whether ragged tensors, sparse ones and structures of tensors are taken as they are.

        Raises:
          TypeError or ValueError: one cannot be converted; the message names it.
        """
        hint = next(
            (x.dtype for x in inputs if is_tensor_like(x) and not nest.is_composite(x)), None
        )
        converted = []
        for name, value in zip(self.inputs, inputs, strict=True):
            if composites and _is_structure(value):
                converted.append(value)
                continue
            if nest.is_composite(value):
                raise TypeError(
                    f"{self.op}: argument '{name}': expected a tensor. Received {type(value).__name__}."
                )
            try:
                converted.append(convert_to_tensor(value, dtype_hint=hint))
            except (TypeError, ValueError) as error:
                raise type(error)(f"{self.op}: argument '{name}': {error}") from error
        return converted


def _is_structure(value: Any) -> bool:
    """True if a value is a composite tensor, or holds tensors rather than numbers."""
    if nest.is_composite(value):
        return True
    leaves = nest.flatten(value) if isinstance(value, dict | list | tuple) else []
    return any(is_tensor_like(leaf) or nest.is_composite(leaf) for leaf in leaves)


def parameters_of(op: str, function: Callable[..., Any], skipped: int = 0) -> Parameters:
    """Returns the inputs and attributes of the op of a function.

    Args:
      op: its name.
      function: of the inputs; what stands behind a `*` are attributes.
      skipped: number of leading parameters that are not inputs.

    Raises:
      TypeError: the function takes any number of arguments.
    """
    signature = inspect.signature(function, eval_str=True)
    declared = list(signature.parameters.values())[skipped:]
    for parameter in declared:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(
                f"{op}: an op takes a fixed number of tensors and attributes; its function has *{parameter.name}."
            )
    attributes = tuple(p.name for p in declared if p.kind is p.KEYWORD_ONLY)
    inputs = tuple(p.name for p in declared if p.kind is not p.KEYWORD_ONLY)
    return Parameters(op, signature.replace(parameters=declared), inputs, attributes)


def attribute_types(parameters: Parameters) -> dict[str, Any]:
    """Returns the type of each attribute, of its annotation or its default: bool, int, float, str, bytes, DType or list[...].

    Raises:
      TypeError: an attribute has neither, or is of another type.
    """
    types = {}
    for name in parameters.attributes:
        parameter = parameters.signature.parameters[name]
        kind = _kind(parameter.annotation, parameter.default)
        if kind is None:
            raise TypeError(
                f"{parameters.op}: attribute '{name}' must be annotated with bool, int, float, str, bytes, tf.DType or a "
                f"list[...] of one, since a saved op keeps its value. Received {parameter.annotation!r}."
            )
        types[name] = kind
    return types


def _kind(annotation: Any, default: Any) -> Any:
    if annotation is EMPTY:
        if isinstance(default, list | tuple) and default:
            element = _kind(EMPTY, default[0])
            return list.__class_getitem__(element) if element else None
        return next((kind for kind in KINDS if type(default) is kind), None)
    if typing.get_origin(annotation) is list and typing.get_args(annotation)[0] in KINDS:
        return annotation
    return annotation if annotation in KINDS else None


def check_attribute(op: str, name: str, kind: Any, value: Any) -> None:
    """Refuses a value of another type than an attribute's.

    Raises:
      TypeError: it is of another type; the message names op and attribute.
    """
    element = typing.get_args(kind)[0] if typing.get_origin(kind) is list else kind
    values = value if element is not kind and isinstance(value, list | tuple) else [value]
    is_list = element is kind or isinstance(value, list | tuple)
    fits = all(isinstance(v, (element, *ACCEPTED[element])) for v in values)
    if not is_list or not fits or element is not bool and any(isinstance(v, bool) for v in values):
        shown = getattr(kind, "__name__", kind) if element is kind else kind
        raise TypeError(f"{op}: attribute '{name}': expected {shown}. Received {value!r}.")
