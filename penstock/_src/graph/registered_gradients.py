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
          KeyError: one is registered, or an operation of this name has its own gradient.
        """
        check_unregistered(self._op_type)
        self.functions[self._op_type] = f
        return f


# The names registered by `tf.no_gradient`.
WITHOUT_GRADIENT: set[str] = set()
# {op type: f(op, *gradients), or None for none} that overrides the gradients of ops. Set by programs that replace entries of TensorFlow's
# gradient registry, as model explainers do; methods of op classes are not entries of a registry.
REPLACED: dict[str, Callable[..., Any] | None] = {}


def substitute(op: Op) -> Callable[..., Any] | None:
    """Returns the function that overrides an op's own gradient, or None."""
    if REPLACED and op.op_type in REPLACED:
        return REPLACED[op.op_type] or _no_gradients
    return None if op.has_gradient else RegisterGradient.functions.get(op.op_type)


def _no_gradients(op: Any, *_gradients: Any) -> list[None]:
    return [None] * len(op.inputs)


class NamedGradient:
    """The gradient of a node from a file, by the name that the node has for it: looked up when it is wanted."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, node: Any, *gradients: Any) -> Any:
        """Returns the gradients by the registered function.

        Raises:
          LookupError: none has this name. The op's own gradient may be another one than the program's that wrote the file.
        """
        function = RegisterGradient.functions.get(self.name)
        if function is None:
            raise LookupError(
                f"{undefined(node)} The operation comes from a file and has the gradient {self.name!r}, "
                "which was not saved with it."
            )
        return function(node, *gradients)


def undefined(node: Any) -> str:
    """The message for an operation without a gradient."""
    return (
        f"No gradient defined for operation'{node.name}' (op type: {node.type}). In general every operation must have "
        "an associated `@tf.RegisterGradient` for correct autodiff, which this op is lacking. If you want to pretend "
        "this operation is a constant in your program, you may insert `tf.stop_gradient`."
    )


def check_unregistered(name: str) -> None:
    """Raises KeyError if a gradient is registered under a name, or the operation of that name has its own."""
    own = name in registry.index() and registry.find(name).has_gradient
    if own or name in RegisterGradient.functions or name in WITHOUT_GRADIENT:
        raise KeyError(f"Registering two gradient with name '{name}'!")
