"""Signatures of functions as `inspect` shows them, and functions made of them."""

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def native(function: Function) -> Function:
    """Decorator of what is native code in TensorFlow: `inspect.signature` shows no arguments there.

    Tools that wrap by signature then treat it as they treat TensorFlow's.
    """
    function.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    return function


def taking(
    parameters: str, name: str, call: Callable[[tuple[Any, ...]], Any], scope: Mapping[str, Any]
) -> Callable[..., Any]:
    """Returns the function `name(parameters)`, which hands the tuple of its arguments on.

    Python binds the arguments as it binds those of any function. `scope` has what defaults name.
    """
    shape = ast.parse(f"def {name}({parameters}): pass").body[0]
    assert isinstance(shape, ast.FunctionDef)
    found = shape.args
    given = [*found.args, *found.kwonlyargs, *filter(None, [found.vararg, found.kwarg])]
    values = "".join(f"{argument.arg}, " for argument in given)
    text = f"def {name}({parameters}):\n    return _call(({values}))\n"
    held = {**scope, "_call": call}
    # Under this file's name, so that locations in messages and tracebacks pass over it as library code.
    exec(compile(text, __file__, "exec"), held)
    return held[name]
