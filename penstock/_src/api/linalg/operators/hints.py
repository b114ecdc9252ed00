"""The common parameters of all operators' constructors: four hints and a name.

    @with_hints(is_square=True)
    def __init__(self, spectrum, hints): ...

is `__init__(self, spectrum, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=True, name=<the class>)`.
"""

from collections.abc import Callable
from typing import Any

from penstock._src.util.signatures import spread

HINTS = ("is_non_singular", "is_self_adjoint", "is_positive_definite", "is_square")


class Hints(dict):
    """The hints and the name that a constructor was given, by their names."""

    def require(self, hint: str, value: bool, refusal: str) -> None:
        """Sets a hint that always has this value.

        Raises:
          ValueError: it was given as the other one.
        """
        if self[hint] is (not value):
            raise ValueError(refusal)
        self[hint] = value

    def promise(self, hint: str, holds: bool | None, fact: str) -> None:
        """Sets a hint if it is known to hold.

        Raises:
          ValueError: it does, and was denied.
        """
        if holds:
            self.require(hint, True, f"{fact}.")


def with_hints(**defaults: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Returns the decorator that replaces the parameter `hints` by the single hints, and adds `name` at the end."""

    def decorate(constructor: Callable[..., None]) -> Callable[..., None]:
        operator = constructor.__qualname__.split(".")[-2]
        values = dict.fromkeys(HINTS) | {"name": operator} | defaults
        over = {hint: values[hint] for hint in HINTS}
        return spread(constructor, "hints", over, last={"name": values["name"]}, kind=Hints)

    return decorate
