"""Python's `inspect`, looking through the decorators that leave a TFDecorator."""

from __future__ import annotations

import collections
import functools
import inspect as _inspect
import sys
from collections.abc import Callable
from typing import Any

from .tf_decorator import unwrap

ArgSpec = collections.namedtuple("ArgSpec", ["args", "varargs", "keywords", "defaults"])
FullArgSpec, Parameter, Signature = _inspect.FullArgSpec, _inspect.Parameter, _inspect.Signature
getdoc, getframeinfo, getmembers = _inspect.getdoc, _inspect.getframeinfo, _inspect.getmembers
getmodule, getmro = _inspect.getmodule, _inspect.getmro


def _through(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of `inspect`, applied to the function that an object's decorators wrap."""

    @functools.wraps(function)
    def look(object: Any, *args: Any, **kwargs: Any) -> Any:
        return function(unwrap(object)[1], *args, **kwargs)

    return look


getsource, getsourcefile = _through(_inspect.getsource), _through(_inspect.getsourcefile)
getsourcelines, isbuiltin = _through(_inspect.getsourcelines), _through(_inspect.isbuiltin)
isclass, isfunction = _through(_inspect.isclass), _through(_inspect.isfunction)
isframe, isgenerator = _through(_inspect.isframe), _through(_inspect.isgenerator)
isgeneratorfunction = _through(_inspect.isgeneratorfunction)
ismethod, ismodule = _through(_inspect.ismethod), _through(_inspect.ismodule)
isroutine = _through(_inspect.isroutine)
signature = _through(_inspect.signature)


def currentframe() -> Any:
    """Returns the caller's frame."""
    return sys._getframe(1)


def stack(context: int = 1) -> Any:
    """Returns the caller's stack."""
    return _inspect.stack(context)[1:]


def getfile(object: Any) -> str:
    """Returns the file of a definition, or of the globals that a frame has."""
    target = unwrap(object)[1]
    names = getattr(target, "f_globals", {})
    return str(names["__file__"]) if "__file__" in names else _inspect.getfile(target)


def _declared(records: Any) -> Any:
    """The parameters that the outermost decorator that gives any declares."""
    declared = (record.decorator_argspec for record in records)
    return next((spec for spec in declared if spec is not None), None)


def getfullargspec(obj: Any) -> _inspect.FullArgSpec:
    """Returns the parameters of a callable, or those that a decorator declares."""
    records, target = unwrap(obj)
    spec = _declared(records)
    if spec is None:
        return _inspect.getfullargspec(target)
    if isinstance(spec, FullArgSpec):
        return spec
    return FullArgSpec(spec.args, spec.varargs, spec.keywords, spec.defaults, [], None, {})


def _plain(target: Any) -> ArgSpec:
    full = getfullargspec(target)
    defaults = (*(full.defaults or ()), *(full.kwonlydefaults or {}).values())
    return ArgSpec(full.args + full.kwonlyargs, full.varargs, full.varkw, defaults or None)


def getargspec(obj: Any) -> ArgSpec:
    """Returns the parameters of a callable as an ArgSpec; of a class, those of its constructor.

    Raises:
      ValueError: a `functools.partial` binds a parameter before one that stays without a default.
    """
    if isinstance(obj, functools.partial):
        return _of_partial(obj)
    records, target = unwrap(obj)
    declared = _declared(records)
    if declared is not None:
        return declared
    candidates = [target]
    if isinstance(target, type):
        candidates += [getattr(target, "__init__"), target.__new__]  # noqa: B009 - that of this very class
    for candidate in candidates:
        try:
            return _plain(candidate)
        except TypeError:  # functions written in C may have no signature
            continue
    return _plain(type(target).__call__)


def _of_partial(obj: Any) -> ArgSpec:
    spec = getargspec(obj.func)
    names = spec.args[len(obj.args) :]
    own_defaults = spec.defaults or ()
    values = dict(zip(spec.args[len(spec.args) - len(own_defaults) :], own_defaults))
    for name, value in (obj.keywords or {}).items():
        if name not in names and not spec.keywords:
            raise ValueError(
                f"{obj} does not have a **kwargs parameter, but contains an unknown partial keyword "
                f"{name}."
            )
        values[name] = value
    optional = [name in values for name in names]
    first = optional.index(True) if True in optional else len(names)
    missing = [name for name in names[first:] if name not in values]
    if missing:
        raise ValueError(
            f"{obj} has some keyword-only arguments, which are not supported: {missing}."
        )
    defaults = tuple(values[name] for name in names[first:])
    return ArgSpec(names, spec.varargs, spec.keywords, defaults or None)


def getcallargs(*func_and_positional: Any, **named: Any) -> dict[str, Any]:
    """Returns the arguments of a call by name, with defaults."""
    func, *positional = func_and_positional
    spec = getfullargspec(func)
    owner = getattr(func, "__self__", None)
    if owner is not None and ismethod(func):
        positional = [owner, *positional]
    bound = dict(named)
    bound.update(zip([name for name in spec.args if name not in named], positional))
    defaults = spec.defaults or ()
    for name, value in zip(spec.args[len(spec.args) - len(defaults) :], defaults):
        bound.setdefault(name, value)
    for name, value in (spec.kwonlydefaults or {}).items():
        bound.setdefault(name, value)
    return bound


def isanytargetmethod(object: Any) -> bool:
    """True if any of the functions that decorators wrap is a method, or a callable that is not a function."""
    records, target = unwrap(object)
    if any(_inspect.ismethod(record.decorated_target) for record in records):
        return True
    while isinstance(target, functools.partial):
        target = target.func
    return callable(target) and not _inspect.isfunction(target)
