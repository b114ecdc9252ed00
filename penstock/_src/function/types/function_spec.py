"""FunctionSpec: the facts about a tf.function's Python function that are known before a call."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from penstock._src.core.specs import TypeSpec
from penstock._src.function.types.function_type import (
    FunctionType,
    add_type_constraints,
    to_input_signature,
)
from penstock._src.util import nest


def make_function_type(
    python_function: Callable[..., Any], input_signature: Any
) -> tuple[FunctionType, dict[str, Any]]:
    """Returns the parameters of a function, typed by an input signature if there is one, and the default values.

    Raises:
      TypeError: the signature is not a list of specs, or does not fit the parameters.
    """
    check_specs(input_signature)
    function_type = FunctionType.from_callable(python_function)
    defaults = FunctionType.get_default_values(python_function)
    if input_signature is not None:
        function_type = add_type_constraints(function_type, tuple(input_signature), defaults)
    return function_type, defaults


def check_specs(signature: Any) -> None:
    """Raise TypeError if an input signature is not a list or tuple of structures of specs."""
    if signature is None:
        return
    if not isinstance(signature, list | tuple):
        raise TypeError(f"input_signature must be either a tuple or a list, got {type(signature)}.")
    wrong = [leaf for leaf in nest.flatten(list(signature)) if not isinstance(leaf, TypeSpec)]
    if wrong:
        raise TypeError(
            "input_signature must be a possibly nested sequence of TensorSpec objects, got invalid args "
            f"{wrong} with types {[type(leaf) for leaf in wrong]}."
        )


class FunctionSpec:
    """The type and default values of a function, and how it is traced.

    Args:
      function_type: its parameters.
      default_values: {parameter: default value}.
      is_pure: whether variables are passed to it as tensors.
      name: what it is called in graphs.
      jit_compile: as in `tf.function`.
    """

    def __init__(
        self,
        function_type: FunctionType,
        default_values: Mapping[str, Any],
        is_pure: bool = False,
        name: str | None = None,
        jit_compile: bool | None = None,
    ) -> None:
        self.function_type, self.default_values = function_type, dict(default_values)
        self.is_pure, self.jit_compile = is_pure, jit_compile
        self._name = name

    @classmethod
    def from_function_and_signature(
        cls,
        python_function: Callable[..., Any],
        input_signature: Any,
        is_pure: bool = False,
        jit_compile: bool | None = None,
    ) -> "FunctionSpec":
        """Returns the spec of a Python function with an input signature; None for none."""
        function_type, defaults = make_function_type(python_function, input_signature)
        while hasattr(python_function, "func"):
            python_function = python_function.func
        name = getattr(python_function, "__name__", "f")
        return cls(function_type, defaults, is_pure, name, jit_compile)

    @property
    def fullargspec(self) -> inspect.FullArgSpec:
        """The parameters in the form of `inspect.getfullargspec`."""
        kinds: dict[Any, list[str]] = {}
        for parameter in self.function_type.parameters.values():
            kinds.setdefault(parameter.kind, []).append(parameter.name)
        kind = inspect.Parameter
        args = kinds.get(kind.POSITIONAL_ONLY, []) + kinds.get(kind.POSITIONAL_OR_KEYWORD, [])
        keyword_only = kinds.get(kind.KEYWORD_ONLY, [])
        defaults = self.default_values
        return inspect.FullArgSpec(
            args=args,
            varargs=next(iter(kinds.get(kind.VAR_POSITIONAL, ())), None),
            varkw=next(iter(kinds.get(kind.VAR_KEYWORD, ())), None),
            defaults=tuple(defaults[name] for name in args if name in defaults) or None,
            kwonlyargs=keyword_only,
            kwonlydefaults={n: defaults[n] for n in keyword_only if n in defaults} or None,
            annotations={},
        )

    @property
    def input_signature(self) -> tuple[Any, ...] | None:
        """The specs of the positional parameters, or None."""
        return to_input_signature(self.function_type)

    @property
    def flat_input_signature(self) -> tuple[Any, ...]:
        """The specs in the input signature."""
        return tuple(nest.flatten(self.input_signature))

    @property
    def arg_names(self) -> list[str]:
        """The names of the positional parameters."""
        parameters = self.function_type.parameters.values()
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [p.name for p in parameters if p.kind in kinds]

    def signature_summary(self, default_values: bool = False) -> str:
        """Returns the parameters as text, with the default values if asked for."""
        summary = repr(self.function_type)
        if default_values:
            shown = [f"  {name}: {value!r}" for name, value in self.default_values.items()]
            summary += "\nDefaults:\n" + "\n".join(shown or ["  None"])
        return summary
