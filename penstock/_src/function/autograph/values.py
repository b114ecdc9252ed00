"""Converts user variables to tensors for branches and loops."""

from typing import Any

from penstock._src.core import dispatch
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.tensor import Tensor
from penstock._src.util import nest


def is_symbolic(value: Any) -> bool:
    """True if `value` is a tensor or variable with ops that are added to a graph."""
    if isinstance(value, bool | int | float | str | list | tuple | dict | range) or value is None:
        return False
    return (isinstance(value, Tensor) or is_variable(value)) and not dispatch.executing_eagerly()


def is_variable(value: Any) -> bool:
    return hasattr(value, "handle") and hasattr(value, "read_value") and hasattr(value, "assign")


def flatten(structure: Any) -> list:
    return nest.flatten(structure, expand_composites=True)


def as_tensors(value: Any, name: str, where: str) -> Any:
    """Returns `value` with every leaf a tensor; None stays None."""

    def convert(leaf: Any) -> Any:
        if leaf is None or isinstance(leaf, Tensor | CompositeTensor) or hasattr(leaf, "flow"):
            return leaf
        try:
            return convert_to_tensor(leaf)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"'{name}' must be a tensor, a number or a structure of them at the end of {where}. "
                "To be compatible with tf.function, Python functions must return zero or more Tensors "
                f"or ExtensionTypes or None values; found value of type {type(leaf).__name__}, which "
                "is not a Tensor or ExtensionType."
            ) from error

    return nest.map_structure(convert, value)


def check_structure(first: Any, second: Any, message: str) -> None:
    """Raises TypeError beginning with `message` if the two are nested differently."""
    try:
        nest.assert_same_structure(first, second, expand_composites=True)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{message}\n\n{error}") from None
