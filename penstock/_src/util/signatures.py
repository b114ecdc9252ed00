"""Function signatures for `inspect`, and functions generated from signatures."""

import ast
import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def native(function: Function) -> Function:
    """Decorator for functions that are native code in TensorFlow, for which `inspect.signature` shows no arguments.

    Tools that wrap by signature then treat them like TensorFlow's.
    """
    function.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    return function


def taking(
    parameters: str, name: str, call: Callable[[tuple[Any, ...]], Any], scope: Mapping[str, Any]
) -> Callable[..., Any]:
    """Returns the function `name(parameters)`, which passes the tuple of its arguments to `call`.

    Python binds the arguments. `scope` holds the names used in default values.
    """
    shape = ast.parse(f"def {name}({parameters}): pass").body[0]
    assert isinstance(shape, ast.FunctionDef)
    found = shape.args
    given = [*found.args, *found.kwonlyargs, *filter(None, [found.vararg, found.kwarg])]
    values = "".join(f"{argument.arg}, " for argument in given)
    text = f"def {name}({parameters}):\n    return _call(({values}))\n"
    held = {**scope, "_call": call}
    # Use this file's name, so that messages and tracebacks treat the frame as library code.
    exec(compile(text, __file__, "exec"), held)
    return held[name]


def read_only(path: str, documentation: str) -> Any:
    """Returns the property that shows the attribute at a path: `_matrix`, or `_parent.name` of what `_parent` holds."""
    return property(operator.attrgetter(path), doc=documentation)
