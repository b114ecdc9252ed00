"""tf.RegisterGradient: gradient functions by name, which `Graph.gradient_override_map` gives to operations."""

from collections.abc import Callable
from typing import Any

from penstock._src.core import registry
from penstock._src.core.op import Op
from penstock._src.util.export import export


@export("RegisterGradient")
class RegisterGradient:
    """A decorator that names a gradient function, for `Graph.gradient_override_map`.

    Args:
      op_type: the name.

    >>> @tf.RegisterGradient("NameOfAnOp")
    ... def gradient_of_an_op(op, dy):
    ...     return dy * op.inputs[0]
    """

    functions: dict[str, Any] = {}

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._op_type = op_type

    def __call__(self, f: Any) -> Any:
        """Registers the function `f(op, *gradients)`.

        Raises:
          KeyError: there is one, or an operation of this name has a gradient of its own.
        """
        check_unregistered(self._op_type)
        self.functions[self._op_type] = f
        return f


# The names that `tf.no_gradient` was told of.
WITHOUT_GRADIENT: set[str] = set()
# {op type: f(op, *gradients), or None for none} in place of the gradients that ops have themselves: by programs that replace
# them in the registry, as explainers of models do. Methods of classes have no place where a function could be set.
REPLACED: dict[str, Callable[..., Any] | None] = {}


def substitute(op: Op) -> Callable[..., Any] | None:
    """Returns the function that gives an op's gradients in place of its class, or None."""
    if REPLACED and op.op_type in REPLACED:
        return REPLACED[op.op_type] or _no_gradients
    return None if op.has_gradient else RegisterGradient.functions.get(op.op_type)


def _no_gradients(op: Any, *_gradients: Any) -> list[None]:
    return [None] * len(op.inputs)


def check_unregistered(name: str) -> None:
    """Raises KeyError if something is registered under a name, or an operation of it has a gradient of its own."""
    own = name in registry.index() and registry.find(name).has_gradient
    if own or name in RegisterGradient.functions or name in WITHOUT_GRADIENT:
        raise KeyError(f"Registering two gradient with name '{name}'!")
