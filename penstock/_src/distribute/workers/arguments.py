"""Checks of the arguments of public functions."""

import operator
from typing import TypeVar

Kind = TypeVar("Kind")


def whole_number(owner: str, name: str, value: object, minimum: int) -> int:
    """Returns an argument that counts something, as Python's integer.

    Args:
      owner: the function or class that was called, for the error.
      name: of the argument.
      value: an integer of Python or NumPy.
      minimum: the least allowed.

    Raises:
      TypeError: it is not an integer; booleans are none.
      ValueError: it is smaller.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{owner}: {name} must be an integer. Received: {value!r} of type {type(value).__name__}."
        )
    number = operator.index(value)
    if number < minimum:
        raise ValueError(f"{owner}: {name} must be >= {minimum}. Received: {number}.")
    return number


def instance_or(owner: str, name: str, value: object, kind: type[Kind], default: Kind) -> Kind:
    """Returns an argument that is an instance of a class, or a default in place of None.

    Args:
      owner: the function or class that was called, for the error.
      name: of the argument.
      value: given.
      kind: the class.
      default: what None means.

    Raises:
      TypeError: it is an instance of another class.
    """
    if value is None:
        return default
    if not isinstance(value, kind):
        raise TypeError(
            f"{owner}: {name} must be a {kind.__name__}. Received: {value!r} of type {type(value).__name__}."
        )
    return value
