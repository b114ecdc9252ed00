"""Name scopes of functions that are made of several ops.

In a graph, the ops of `tf.norm` stand in the scope `norm`, or in that of the name that the caller gives. Eagerly nothing is named.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from penstock._src.core.calls.refusals import ACCIDENTS, refusal_of_call
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.dispatch import STATE
from penstock._src.graph.operation import flat_arguments, in_graph_of
from penstock._src.util.dataclass import dataclass
from penstock._src.util.signatures import parameters_of


@dataclass(frozen=True)
class NameScope:
    """The scope in which a function's ops stand.

    Attributes:
      name: of the scope, unless the caller gives another.
      of_result: whether the op that gives the result is named like the scope; else it is named within, like the others.
    """

    name: str
    of_result: bool

    def entered_by(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `function` as it runs while a graph is built."""
        parameters = parameters_of(function)
        if "name" not in parameters:
            return self._entered_without_name(function)
        position = parameters.index("name")

        @functools.wraps(function)
        def in_scope(*args: Any, **kwargs: Any) -> Any:
            name = kwargs.pop("name", None)
            if len(args) > position:
                name, *rest = args[position:]
                kwargs.update(zip(parameters[position + 1 :], rest, strict=False))
                args = args[:position]
            with _of_inputs(args, kwargs), STATE.graph.name_scope(name or self.name) as scope:
                return function(*args, name=scope if self.of_result else None, **kwargs)

        return in_scope

    def _entered_without_name(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def in_scope(*args: Any, **kwargs: Any) -> Any:
            with _of_inputs(args, kwargs), STATE.graph.name_scope(self.name):
                return function(*args, **kwargs)

        return in_scope


def _of_inputs(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> contextlib.AbstractContextManager[None]:
    return in_graph_of(flat_arguments((*args, *kwargs.values())))


def name_scope_of(scope: str | None, named: str | None) -> NameScope | None:
    """Returns the scope that a decorator's arguments ask for, if any."""
    if scope is None and named is None:
        return None
    return NameScope(scope or named or "", of_result=scope is None)


def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a public function raise TensorFlow's or Python's error where NumPy lacks memory or cannot represent a number."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            try:
                return function(*args, **kwargs)
            except (TypeError, MemoryError, *ACCIDENTS) as error:
                raise refusal_of_call(function, error, args, kwargs)  # noqa: B904 - or the error itself
        except Exception as error:
            shorten(error)
            raise

    return call


def scoped(scope: str | None = None, *, named: str | None = None) -> Callable[..., Any]:
    """Puts the ops of a function into a name scope, that of its parameter `name` if it has one.

    Errors are as with `refusing`.

    Args:
      scope: the scope's name by default; the op that gives the result is named within.
      named: instead of `scope`: the op that gives the result has the scope's name.
    """
    chosen = name_scope_of(scope, named)
    assert chosen is not None

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        in_scope = chosen.entered_by(function)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                try:
                    return (function if STATE.graph is None else in_scope)(*args, **kwargs)
                except (MemoryError, *ACCIDENTS) as error:
                    raise refusal_of_call(function, error, args, kwargs)  # noqa: B904 - or the error itself
            except Exception as error:
                shorten(error)
                raise

        return call

    return decorate
