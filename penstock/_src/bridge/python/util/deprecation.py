"""Decorators that warn when something deprecated is used: `tensorflow.python.util.deprecation`."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from penstock._src.api.config import settings
from penstock._src.bridge.python.platform import tf_logging as logging
from penstock._src.v1.names.arguments import either

from . import decorator_utils, tf_decorator, tf_inspect

Decorator = Callable[[Any], Any]
deprecated_argument_lookup = either

_warned_of: set[Any] = set()
_is_silent = False
# Programs set it to False to silence all warnings of deprecated names.
_PRINT_DEPRECATION_WARNINGS = True


class DeprecatedNamesAlreadySetError(Exception):
    """The deprecated names of a symbol are set twice."""


class _Notice(NamedTuple):
    """The removal date of something deprecated, and the remedy."""

    date: str | None
    instructions: str
    warn_once: bool

    def check(self) -> None:
        """Raises a ValueError if the date or the instructions are missing."""
        if self.date is not None and not re.fullmatch(r"20\d\d-[01]\d-[0123]\d", self.date):
            raise ValueError(f"Date must be in format YYYY-MM-DD. Received: {self.date}")
        if not self.instructions:
            raise ValueError("A deprecation needs instructions for those who update their code.")

    @property
    def when(self) -> str:
        """When it is removed, in words."""
        return "in a future version" if self.date is None else f"after {self.date}"

    def document(self, doc: str | None, subject: str, missing: str, suffix: str) -> str:
        """Returns documentation with the notice; `missing` is its first line if there is none."""
        lines = [f"{subject} will be removed {self.when}.", "Instructions for updating:"]
        return decorator_utils.add_notice_to_docstring(
            doc, self.instructions, missing, suffix, lines, notice_type="Deprecated"
        )

    def warn(self, key: Any, text: str, *values: Any) -> None:
        """Warns, naming the caller, unless of this key already."""
        if not _is_printed() or (self.warn_once and key in _warned_of):
            return
        _warned_of.add(key)
        text = f"{text} is deprecated and will be removed %s.\nInstructions for updating:\n%s"
        _log("From %s: " + text, _location(), *values, self.when, self.instructions)


def _is_printed() -> bool:
    """True if warnings are wanted."""
    return _PRINT_DEPRECATION_WARNINGS and not _is_silent


def _log(text: str, *values: Any) -> None:
    if settings.strict_mode():
        raise RuntimeError("Strict mode refuses deprecated behavior. " + text % values)
    logging.warning(text, *values)


def _location() -> str:
    """Returns the file and line that use something deprecated."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return "UNKNOWN" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Decorator:
    """Returns a decorator of functions and classes whose use is warned of.

    Args:
      date: when it is removed, as YYYY-MM-DD, or None: in a future version.
      instructions: how code is updated.
      warn_once: whether one warning is enough.
    """
    notice = _Notice(date, instructions, warn_once)
    notice.check()
    subject = "THIS FUNCTION IS DEPRECATED. It"

    def decorate(definition: Any) -> Any:
        decorator_utils.validate_callable(definition, "deprecated")
        name = decorator_utils.get_qualified_name(definition)

        def warn() -> None:
            notice.warn(definition, "%s (from %s)", name, definition.__module__)

        if isinstance(definition, type):
            doc = notice.document(definition.__doc__, subject, "DEPRECATED CLASS", "(deprecated)")
            return _with_warning(definition, warn, doc)

        def warning(*args: Any, **kwargs: Any) -> Any:
            warn()
            return definition(*args, **kwargs)

        doc = notice.document(definition.__doc__, subject, "DEPRECATED FUNCTION", "(deprecated)")
        return _documented(definition, warning, "deprecated", doc)

    return decorate


def _documented(function: Any, wrapper: Any, name: str, doc: str) -> Any:
    decorated = tf_decorator.make_decorator(function, wrapper, name, doc)
    decorated.__doc__ = doc
    return decorated


def _with_warning(definition: Any, warn: Callable[[], None], doc: str) -> Any:
    """Returns the class, whose constructor warns first."""
    place = "__init__" if definition.__new__ is object.__new__ else "__new__"
    construct = getattr(definition, place)

    @functools.wraps(construct)
    def warning(*args: Any, **kwargs: Any) -> Any:
        warn()
        return construct(*args, **kwargs)

    # `inspect.signature` of a class reads its constructor, and does not look through wrappers.
    warning.__signature__ = inspect.signature(construct)  # type: ignore[attr-defined]
    setattr(definition, place, warning)
    definition.__doc__ = doc
    return definition


def deprecated_alias(
    deprecated_name: str, name: str, func_or_class: Any, warn_once: bool = True
) -> Any:
    """Returns a function or class that warns, when it is used, that its name is `name` now."""

    def warn() -> None:
        if not _is_printed() or (warn_once and warn in _warned_of):
            return
        _warned_of.add(warn)
        text = "From %s: The name %s is deprecated. Please use %s instead.\n"
        _log(text, _location(), deprecated_name, name)

    if isinstance(func_or_class, type):
        members = {"__doc__": f"{func_or_class.__doc__ or ''}\n\nDeprecated: use {name} instead."}
        alias = type(func_or_class.__name__, (func_or_class,), members)
        alias.__module__ = func_or_class.__module__
        return _with_warning(alias, warn, members["__doc__"])
    decorator_utils.validate_callable(func_or_class, "deprecated")

    def warning(*args: Any, **kwargs: Any) -> Any:
        warn()
        return func_or_class(*args, **kwargs)

    return tf_decorator.make_decorator(func_or_class, warning, "deprecated", f"Use {name} instead.")


def deprecate_moved_module(
    deprecated_name: str, new_module: types.ModuleType, deletion_version: str
) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module that was moved: it warns, once, and gives the names of the new one.

    Args:
      deprecated_name: the module's old name.
      new_module: where its names are now.
      deletion_version: the version that removes the old name.
    """

    def moved(name: str) -> Any:
        asked = not name.startswith("__")  # by a program, and not by Python
        if asked and _is_printed() and moved not in _warned_of:
            _warned_of.add(moved)
            text = "Please fix your imports. Module %s has been moved to %s. The old module will be deleted in version %s."
            _log(text, deprecated_name, new_module.__name__, deletion_version)
        return getattr(new_module, name)

    return moved


def deprecated_args(
    date: str | None,
    instructions: str,
    *deprecated_arg_names_or_tuples: Any,
    warn_once: bool = True,
) -> Decorator:
    """Returns a decorator of functions with deprecated arguments.

    Args:
      date: when they are removed, as YYYY-MM-DD, or None: in a future version.
      instructions: how code is updated.
      *deprecated_arg_names_or_tuples: their names; (name, value): a call with this value is fine.
      warn_once: whether one warning is enough.
    """
    notice = _Notice(date, instructions, warn_once)
    notice.check()
    if not deprecated_arg_names_or_tuples:
        raise ValueError("Specify which argument is deprecated.")
    fine: dict[str, tuple[Any, ...]] = {}
    for argument in deprecated_arg_names_or_tuples:
        named = argument if isinstance(argument, tuple | list) else (argument,)
        fine[named[0]] = tuple(named[1:2])

    def decorate(function: Any) -> Any:
        decorator_utils.validate_callable(function, "deprecated_args")
        _check_names(function, list(fine))

        def warn(bound: dict[str, Any]) -> None:
            for name, allowed in fine.items():
                if name in bound and not any(_is_same(bound[name], one) for one in allowed):
                    _warn_of_argument(notice, function, name, name)

        names = ", ".join(sorted(fine))
        return _watching(
            function,
            warn,
            "deprecated_args",
            notice.document(
                function.__doc__,
                f"SOME ARGUMENTS ARE DEPRECATED: `({names})`. They",
                "DEPRECATED FUNCTION ARGUMENTS",
                "(deprecated arguments)",
            ),
        )

    return decorate


def deprecated_arg_values(
    date: str | None, instructions: str, warn_once: bool = True, **deprecated_kwargs: Any
) -> Decorator:
    """Returns a decorator of functions with deprecated values of arguments.

    Args:
      date: when they are removed, as YYYY-MM-DD, or None: in a future version.
      instructions: how code is updated.
      warn_once: whether one warning is enough.
      **deprecated_kwargs: the values, by argument.
    """
    notice = _Notice(date, instructions, warn_once)
    notice.check()
    if not deprecated_kwargs:
        raise ValueError("Specify which argument values are deprecated.")

    def decorate(function: Any) -> Any:
        decorator_utils.validate_callable(function, "deprecated_arg_values")

        def warn(bound: dict[str, Any]) -> None:
            for name, value in deprecated_kwargs.items():
                if name in bound and _is_same(bound[name], value):
                    _warn_of_argument(notice, function, name, f"{name}={value}")

        values = ", ".join(f"{name}={value!r}" for name, value in sorted(deprecated_kwargs.items()))
        return _watching(
            function,
            warn,
            "deprecated",
            notice.document(
                function.__doc__,
                f"SOME ARGUMENT VALUES ARE DEPRECATED: `({values})`. They",
                "DEPRECATED FUNCTION ARGUMENT VALUES",
                "(deprecated argument values)",
            ),
            with_defaults=True,
        )

    return decorate


def _check_names(function: Any, names: list[str]) -> None:
    spec = tf_inspect.getfullargspec(function)
    known = [*spec.args, *spec.kwonlyargs, spec.varargs, spec.varkw]
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(
            f"These deprecated arguments are not present in the function's signature: {missing}. "
            f"It has: {known}."
        )


def _is_same(value: Any, other: Any) -> bool:
    """True if values are equal, where tensors and variables equal no other."""
    return value is other or (type(value) is type(other) and bool(value == other))


def _warn_of_argument(notice: _Notice, function: Any, name: str, text: str) -> None:
    qualified = decorator_utils.get_qualified_name(function)
    key = (function, name)
    notice.warn(key, "calling %s (from %s) with %s", qualified, function.__module__, text)


def _watching(
    function: Any,
    warn: Callable[[dict[str, Any]], None],
    name: str,
    doc: str,
    with_defaults: bool = False,
) -> Any:
    """Returns the function such that `warn` gets the arguments of each call, by name."""
    signature = inspect.signature(function)

    def watched(*args: Any, **kwargs: Any) -> Any:
        if _is_printed():
            bound = signature.bind_partial(*args, **kwargs)
            if with_defaults:
                bound.apply_defaults()
            warn(bound.arguments)
        return function(*args, **kwargs)

    return _documented(function, watched, name, doc)


def deprecated_endpoints(*args: str) -> Decorator:
    """Returns a decorator that notes which public names of a symbol are deprecated."""

    def decorate(function: Any) -> Any:
        if "_tf_deprecated_api_names" in getattr(function, "__dict__", {}):
            raise DeprecatedNamesAlreadySetError(
                f"Cannot set deprecated names of {function.__name__} to {args}: they are already "
                f"{function._tf_deprecated_api_names}."
            )
        function._tf_deprecated_api_names = args
        return function

    return decorate


def rewrite_argument_docstring(old_doc: str, old_argument: str, new_argument: str) -> str:
    """Returns documentation in which an argument has another name."""
    quoted = old_doc.replace(f"`{old_argument}`", f"`{new_argument}`")
    return quoted.replace(f"{old_argument}:", f"{new_argument}:")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """A context without deprecation warnings."""
    global _is_silent
    before, _is_silent = _is_silent, True
    try:
        yield
    finally:
        _is_silent = before
