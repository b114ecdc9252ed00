"""What the constructors of all operators take: four hints and a name.

    @with_hints(is_square=True)
    def __init__(self, spectrum, hints): ...

is `__init__(self, spectrum, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=True, name=<the class>)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from penstock._src.util.signatures import taking

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
    """Returns the decorator that puts the hints in the place of the parameter `hints`, and `name` at the end."""

    def decorate(constructor: Callable[..., None]) -> Callable[..., None]:
        operator = constructor.__qualname__.split(".")[-2]
        given = dict.fromkeys(HINTS) | {"name": operator} | defaults
        held: dict[str, Any] = {}
        for parameter in inspect.signature(constructor).parameters.values():
            if parameter.name == "hints":
                held |= {hint: given[hint] for hint in HINTS}
            else:
                held[parameter.name] = parameter.default
        held["name"] = given["name"]
        required = [name for name, value in held.items() if value is inspect.Parameter.empty]
        words = [name if name in required else f"{name}=_{name}" for name in held]
        own = [name for name in held if name not in given]

        def call(values: tuple[Any, ...]) -> None:
            named = dict(zip(held, values, strict=True))
            hints = Hints({name: named[name] for name in given})
            constructor(**{name: named[name] for name in own}, hints=hints)

        scope = {f"_{name}": value for name, value in held.items()}
        made = taking(", ".join(words), "__init__", call, scope)
        made.__module__, made.__qualname__ = constructor.__module__, constructor.__qualname__
        made.__doc__ = constructor.__doc__
        return made

    return decorate
