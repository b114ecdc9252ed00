"""tf.RegisterGradient: gradient functions by name, which `Graph.gradient_override_map` gives to operations."""

from typing import Any

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
        """Registers the function `f(op, *gradients)`."""
        if self._op_type in self.functions:
            raise KeyError(f"Registering two gradient with name '{self._op_type}'!")
        self.functions[self._op_type] = f
        return f
