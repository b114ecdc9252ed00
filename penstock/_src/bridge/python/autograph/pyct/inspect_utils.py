"""Facts about functions and classes: `tensorflow.python.autograph.pyct.inspect_utils`."""

from __future__ import annotations
import __future__

import builtins
import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

SPECIAL_BUILTINS = {name: getattr(builtins, name) for name in "dict enumerate float int len list map print range super tuple type zip".split()}  # fmt: skip


def getfutureimports(entity: Any) -> tuple[str, ...]:
    """Returns the names that a function's module imports from `__future__`, as far as the flags of its code show."""
    code = inspect.unwrap(getattr(entity, "__func__", entity)).__code__
    names = __future__.all_feature_names
    flags = {name: getattr(__future__, name).compiler_flag for name in names}
    return tuple(name for name, flag in flags.items() if flag & code.co_flags)


def islambda(f: Any) -> bool:
    """True if a function was written as a lambda, whatever its name is now."""
    return isinstance(f, types.FunctionType) and f.__code__.co_name == "<lambda>"


def isnamedtuple(f: Any) -> bool:
    """True if a class looks like a named tuple."""
    return inspect.isclass(f) and issubclass(f, tuple) and hasattr(f, "_fields")


def isbuiltin(f: Any) -> bool:
    """True if a function or class is built into Python."""
    named = getattr(builtins, getattr(f, "__name__", ""), None)
    return named is f or isinstance(f, types.BuiltinFunctionType) or f in (eval, exec)


def isconstructor(cls: Any) -> bool:
    """True if a call of a class makes an instance: no metaclass but that of abstract classes says otherwise."""
    if not inspect.isclass(cls):
        return False
    call = inspect.getattr_static(type(cls), "__call__")
    return issubclass(cls, type) or call is type.__call__


def getimmediatesource(obj: Any) -> str:
    """Returns the source of a function itself, not of one that it wraps."""
    lines, start = inspect.findsource(obj.__code__ if hasattr(obj, "__code__") else obj)
    return "".join(inspect.getblock(lines[start:]))


def getnamespace(f: Callable[..., Any]) -> dict[str, Any]:
    """Returns the namespace of a function: its module's globals, and the variables that it closes over."""
    function: Any = getattr(f, "__func__", f)
    namespace = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            namespace[name] = cell.cell_contents
        except ValueError:  # a variable that has no value yet
            continue
    return namespace


def getqualifiedname(
    namespace: Mapping[str, Any],
    object_: Any,
    max_depth: int = 5,
    visited: set[int] | None = None,
) -> str | None:
    """Returns the name of an object, maybe in a module that has a name, or None.

    Args:
      namespace: what names mean.
      object_: the object.
      max_depth: how many modules deep it may be.
      visited: the modules that are not looked into again.
    """
    visited = set() if visited is None else visited
    # A namespace may grow while modules that load lazily are looked into.
    named = dict(namespace)
    for name, value in named.items():
        if value is object_:
            return name
    modules = {n: v for n, v in named.items() if inspect.ismodule(v) and id(v) not in visited}
    visited.update(map(id, modules.values()))
    for name, module in modules.items() if max_depth else ():
        inner = getqualifiedname(vars(module), object_, max_depth - 1, visited)
        if inner is not None:
            return f"{name}.{inner}"
    return None


def getdefiningclass(m: Any, owner_class: type) -> type:
    """Returns the class among a class's bases that defines a method."""
    for base in owner_class.__mro__:
        if m.__name__ in vars(base):
            return base
    return owner_class


def getmethodclass(m: Any) -> type | None:
    """Returns the class of a method, found by its qualified name where it is not bound; None of other functions."""
    if not inspect.isroutine(m) and callable(m) and not isinstance(m, type):
        return type(m)
    holder = getattr(m, "__self__", None)
    if holder is not None and not inspect.ismodule(holder):
        return holder if isinstance(holder, type) else type(holder)
    return _class_of_unbound(m)


def _class_of_unbound(m: Any) -> type | None:
    owner = getattr(m, "__qualname__", "").rpartition(".")[0]
    if not owner or owner.endswith("<locals>"):
        return None
    local = owner.rpartition("<locals>.")[2]
    class_ = _looked_up(getattr(m, "__globals__", {}), local)
    if class_ is not None:
        return class_
    frame = inspect.currentframe()
    while frame is not None:  # a class that is local to a function that runs
        class_ = _looked_up(frame.f_locals, local)
        if class_ is not None and class_.__qualname__ == owner:
            return class_
        frame = frame.f_back
    return None


def _looked_up(namespace: Mapping[str, Any], path: str) -> type | None:
    first, *rest = path.split(".")
    value = namespace.get(first)
    for name in rest:
        value = getattr(value, name, None)
    return value if isinstance(value, type) else None
