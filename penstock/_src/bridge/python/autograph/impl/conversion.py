"""Selects the functions that are converted: `tensorflow.python.autograph.impl.conversion`."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import unittest
from typing import Any

from penstock._src.bridge.python.autograph.core import config
from penstock._src.bridge.python.autograph.core.config_lib import Action
from penstock._src.bridge.python.autograph.pyct import cache, inspect_utils
from penstock._src.bridge.python.eager.polymorphic_function.tf_method_target import TfMethodTarget

_ALLOWLIST_CACHE = cache.UnboundInstanceCache()
# Modules of Python whose functions are called as they are.
_PLAIN_MODULES = ("collections", "pdb", "copy", "inspect", "re")


def is_unsupported(o: Any) -> bool:
    """True if AutoGraph never converts a thing: a class, a cached function, or a function of some modules of Python."""
    if isinstance(o, functools._lru_cache_wrapper) or inspect_utils.isconstructor(o):
        return True
    modules = [sys.modules[name] for name in _PLAIN_MODULES if name in sys.modules]
    return any(value is o for module in modules for value in list(vars(module).values()))


def _module_of(o: Any) -> Any:
    return functools if isinstance(o, functools.partial) else inspect.getmodule(o)


def _by_rules(o: Any) -> bool | None:
    """True if the rules leave the object's module unconverted, False if they convert it, None if there is no rule."""
    module = _module_of(o)
    for rule in config.CONVERSION_RULES if hasattr(module, "__name__") else ():
        action = rule.get_action(module)
        if action is not Action.NONE:
            return action is Action.DO_NOT_CONVERT
    return None


def is_allowlisted(
    o: Any, check_call_override: bool = True, allow_namedtuple_subclass: bool = False
) -> bool:
    """True if a function, class or callable object is used as it is, not converted.

    Args:
      o: the thing.
      check_call_override: whether an object is left alone if its `__call__` is.
      allow_namedtuple_subclass: whether classes derived from named tuples are converted.
    """
    by_rules = _by_rules(o)
    if by_rules is not None:
        return by_rules
    if hasattr(o, "__code__") and inspect.isgeneratorfunction(o):
        return True
    if check_call_override and not inspect.isclass(o) and hasattr(o, "__call__"):  # noqa: B004
        method = o.__call__
        if type(o) is not type(method) and is_allowlisted(method):
            return True
    if inspect.ismethod(o) and _owner_is_left_alone(o):
        return True
    if not inspect_utils.isnamedtuple(o):
        return False
    return not (
        allow_namedtuple_subclass and any(inspect_utils.isnamedtuple(base) for base in o.__bases__)
    )


def _owner_is_left_alone(method: types.MethodType) -> bool:
    """True if the class that defines a method is left alone."""
    owner = inspect_utils.getmethodclass(method)
    if owner is TfMethodTarget:
        owner = method.__self__.target_class  # type: ignore[attr-defined]
    if owner is None:
        return False
    if issubclass(owner, unittest.TestCase):
        return True
    defining = inspect_utils.getdefiningclass(method, owner)
    return is_allowlisted(defining, check_call_override=False, allow_namedtuple_subclass=True)


def is_in_allowlist_cache(entity: Any, options: Any) -> bool:
    """True if a thing was noted as left alone."""
    try:
        return _ALLOWLIST_CACHE.has(entity, options)
    except TypeError:  # it cannot be referred to weakly
        return False


def cache_allowlisted(entity: Any, options: Any) -> None:
    """Notes that a thing is left alone, if it can be referred to weakly."""
    try:
        _ALLOWLIST_CACHE[entity][options] = True
    except TypeError:  # it is asked for again
        return
