"""Functions and classes with TensorFlow's signatures that only raise."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from penstock._src.core.errors import UnimplementedError
from penstock._src.util.dataclass import dataclass
from penstock._src.util.signatures import taking


@dataclass(frozen=True)
class MissingFunction:
    """A function that raises when it is called.

    Args:
      name: its public name, below `tf`.
      parameters: the parameter list in Python syntax.
      meaning: what it would do.
      reason: why it is not implemented.
      error: the class of the error.
      scope: names used in defaults.
      check: validates the arguments first, with TensorFlow's errors.
    """

    name: str
    parameters: str
    meaning: str
    reason: str
    error: type[Exception] = UnimplementedError
    check: Callable[..., None] | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)

    def make(self, module: str, attribute: str) -> Callable[..., Any]:
        """Returns the function, as the `attribute` of a module."""

        def call(values: tuple[Any, ...]) -> None:
            if self.check is not None:
                self.check(*values)
            raise self.error(f"tf.{self.name}: {self.reason}.")

        function = taking(self.parameters, self.name.rpartition(".")[2], call, self.scope)
        function.__module__, function.__qualname__ = module, attribute
        raised = f"Raises:\n  {self.error.__name__}: {self.reason}."
        function.__doc__ = f"{self.meaning}\n\n{raised}"
        return function


@dataclass(frozen=True)
class MissingClass:
    """A class with a constructor and methods that raise.

    Args:
      name, parameters, meaning, reason, error, check, scope: see MissingFunction; `parameters` are the constructor's, or
      None for a class without one, whose methods are static.
      members: {name: (parameters, meaning)}; without parameters a property; "static name" needs no object.
    """

    name: str
    parameters: str | None
    meaning: str
    reason: str
    members: Mapping[str, tuple[str | None, str]]
    error: type[Exception] = UnimplementedError
    check: Callable[..., None] | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)

    def make(self, module: str, attribute: str) -> type:
        """Returns the class, as the `attribute` of a module."""
        body: dict[str, Any] = {"__doc__": self.meaning, "__module__": module}
        if self.parameters is not None:
            body["__init__"] = self._raising("__init__", self.parameters, self.meaning, module)
        for line, (parameters, meaning) in self.members.items():
            name = line.removeprefix("static ")
            is_static = self.parameters is None or name != line
            body[name] = self._raising(name, parameters or "", meaning, module, is_static)
            if parameters is None:
                body[name] = property(body[name], doc=meaning)
        body["__qualname__"] = attribute
        return type(self.name.rpartition(".")[2], (), body)

    def _raising(
        self, member: str, parameters: str, meaning: str, module: str, is_static: bool = False
    ) -> Any:
        name = self.name if member == "__init__" else f"{self.name}.{member}"
        check = self.check if member == "__init__" or is_static else None
        names = parameters if is_static else ", ".join(filter(None, ["self", parameters]))
        checks = check if is_static or check is None else lambda _, *values: check(*values)
        function = MissingFunction(
            name, names, meaning, self.reason, self.error, checks, self.scope
        )
        member_function = function.make(module, f"{self.name.rpartition('.')[2]}.{member}")
        member_function.__name__ = member
        return staticmethod(member_function) if is_static else member_function
