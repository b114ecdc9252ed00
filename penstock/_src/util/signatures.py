"""Function signatures for `inspect`, functions generated from signatures, and docstrings that share sections."""

import ast
import inspect
import operator
import types
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def parameters_of(function: Callable[..., Any]) -> list[str]:
    """Returns the names of a function's parameters, as `inspect.signature` does in ten times the time.

    >>> from penstock._src.util.signatures import parameters_of
    >>> parameters_of(lambda x, *rest, name=None: x)
    ['x', 'rest', 'name']
    """
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return list(inspect.signature(function).parameters)
    names = code.co_varnames
    named = code.co_argcount + code.co_kwonlyargcount
    rest = list(names[named : named + bool(code.co_flags & inspect.CO_VARARGS)])
    at = named + len(rest)
    others = names[at : at + bool(code.co_flags & inspect.CO_VARKEYWORDS)]
    first = code.co_argcount
    return [*names[:first], *rest, *names[first:named], *others]


def native(function: Function) -> Function:
    """Decorator for functions that are native code in TensorFlow, for which `inspect.signature` shows no arguments.

    Tools that wrap by signature then treat them like TensorFlow's.
    """
    function.__signature__ = inspect.Signature()  # type: ignore[attr-defined]
    return function


def hiding(name: str) -> Callable[[Function], Function]:
    """Decorator for functions with a parameter that TensorFlow's lack: `inspect.signature`, which tools compare, shows TensorFlow's."""

    def hide(function: Function) -> Function:
        shown = inspect.signature(function)
        kept = [parameter for parameter in shown.parameters.values() if parameter.name != name]
        function.__signature__ = shown.replace(parameters=kept)  # type: ignore[attr-defined]
        return function

    return hide


def taking(
    parameters: str, name: str, call: Callable[[tuple[Any, ...]], Any], scope: Mapping[str, Any]
) -> Callable[..., Any]:
    """Returns the function `name(parameters)`, which passes the tuple of its arguments to `call`.

    Python binds the arguments. `scope` holds the names used in default values.
    """
    shape = ast.parse(f"def {name}({parameters}): pass").body[0]
    assert isinstance(shape, ast.FunctionDef)
    declared = shape.args
    nodes = [*declared.args, *declared.kwonlyargs, *filter(None, [declared.vararg, declared.kwarg])]
    values = "".join(f"{argument.arg}, " for argument in nodes)
    text = f"def {name}({parameters}):\n    return _call(({values}))\n"
    namespace = {**scope, "_call": call}
    # Below this file's name, so that messages and tracebacks treat the frame as library code.
    exec(compile(text, f"{__file__}:generated", "exec"), namespace)
    return namespace[name]


def spread(
    function: Callable[..., Any],
    parameter: str,
    over: Mapping[str, Any],
    last: Mapping[str, Any] = types.MappingProxyType({}),
    kind: type[dict[str, Any]] = dict,
) -> Callable[..., Any]:
    """Returns the function with one parameter replaced by several, whose values it gets by name.

    Args:
      function: of keyword parameters, the one to replace among them.
      parameter: its name.
      over: the parameters in its place, with their defaults.
      last: more of them, at the end.
      kind: of the dict that the one gets.
    """
    defaults: dict[str, Any] = {}
    for name, own in inspect.signature(function).parameters.items():
        defaults |= over if name == parameter else {name: own.default}
    defaults |= last

    def call(values: tuple[Any, ...]) -> Any:
        arguments = dict(zip(defaults, values, strict=True))
        gathered = kind({name: arguments.pop(name) for name in (*over, *last)})
        return function(**arguments, **{parameter: gathered})

    required = [n for n, default in defaults.items() if default is inspect.Parameter.empty]
    words = [name if name in required else f"{name}=_{name}" for name in defaults]
    scope = {f"_{name}": default for name, default in defaults.items()}
    function_taking = taking(", ".join(words), function.__name__, call, scope)
    function_taking.__module__, function_taking.__qualname__ = (
        function.__module__,
        function.__qualname__,
    )
    function_taking.__doc__ = function.__doc__
    return function_taking


def read_only(path: str, documentation: str) -> Any:
    """Returns the property that reads the attribute at a path: `_matrix`, or `_parent.name`, the attribute `name` of `_parent`."""
    return property(operator.attrgetter(path), doc=documentation)


def read_write(name: str, documentation: str) -> Any:
    """Returns the property that shows and sets an attribute."""

    def assign(owner: Any, value: Any) -> None:
        setattr(owner, name, value)

    return property(operator.attrgetter(name), assign, doc=documentation)


def named(function: Function, name: str, documentation: str) -> Function:
    """Returns a function that was made by another one, with a name and a docstring of its own."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = documentation
    return function


def with_sections(sections: str) -> Callable[[Function], Function]:
    """Returns a decorator that adds sections to a docstring, before its example.

    Args:
      sections: parts such as "Args:" and "Returns:", without indentation.
    """

    def document(function: Function) -> Function:
        if function.__doc__ is not None:
            lead, mark, example = inspect.cleandoc(function.__doc__).partition("\n\n>>> ")
            function.__doc__ = f"{lead}\n\n{sections.strip()}{mark}{example}"
        return function

    return document
