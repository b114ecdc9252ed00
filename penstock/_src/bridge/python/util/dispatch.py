"""Functions that take over public functions for their own types: `tensorflow.python.util.dispatch`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from penstock._src.api.extending import dispatch, matching
from penstock._src.util import nest

from . import tf_export

Function = Callable[..., Any]

_GLOBAL_DISPATCHERS = dispatch.GLOBAL_DISPATCHERS


def dispatch_for_types(op: Function, *types: type) -> Callable[[Function], Function]:
    """Returns a decorator that registers the implementation of `op` for arguments of these types.

    The implementation may lack parameters of `op` that have defaults; they are not to be given then.
    """

    has_list = hasattr(op, "_tf_fallback_dispatchers")
    # Public functions of ours that handle other types by themselves have no list of others that do.
    if not has_list and not op.__module__.startswith("penstock"):
        raise AssertionError(f"Dispatching not enabled for {op}")

    def decorate(function: Function) -> Function:
        missing = _missing(op, function)

        def handle(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            values = nest.flatten((args, list(kwargs.values())))
            if not any(isinstance(value, types) for value in values):
                return dispatch.NOT_SUPPORTED
            if missing:
                return function(**_without(inspect.signature(op), args, kwargs, missing))
            return function(*args, **kwargs)

        if has_list:
            dispatch.add_fallback(op, handle)
        else:
            dispatch.register_fallback(
                lambda api, args, kwargs: (
                    handle(args, kwargs) if api is op else dispatch.NOT_SUPPORTED
                )
            )
        return function

    return decorate


def _missing(op: Function, function: Function) -> list[str]:
    """Returns the parameters of `op` that `function` lacks.

    Raises:
      AssertionError: the parameters without default differ.
    """
    wanted, offered = inspect.signature(op).parameters, inspect.signature(function).parameters
    if any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in offered.values()):
        return []
    required = [
        [(name, one.kind) for name, one in parameters.items() if one.default is one.empty]
        for parameters in (wanted, offered)
    ]
    if required[0] != required[1]:
        raise AssertionError(
            "The decorated function's non-default arguments must be identical to that of the overridden op. "
            f"Expected {required[0]}, got {required[1]}."
        )
    return [name for name in wanted if name not in offered]


def _without(
    signature: inspect.Signature, args: Any, kwargs: Any, missing: list[str]
) -> dict[str, Any]:
    """Returns the arguments of a call by name, without those that a function lacks."""
    bound = signature.bind(*args, **kwargs).arguments
    for name in missing:
        if (
            bound.pop(name, signature.parameters[name].default)
            != signature.parameters[name].default
        ):
            raise AssertionError(
                f"Dispatched op is called with argument `{name}` set to a non-default value, which is not "
                "supported by the decorated function"
            )
    return bound


def apis_with_type_based_dispatch() -> list[Function]:
    """Returns the functions that others can take over, by name."""
    return sorted(dispatch._DISPATCHABLES, key=lambda api: f"{api.__module__}.{api.__name__}")


def unary_elementwise_apis() -> tuple[Function, ...]:
    """Returns the elementwise functions of one tensor."""
    return tuple(dispatch.UNARY)


def binary_elementwise_apis() -> tuple[Function, ...]:
    """Returns the elementwise functions of two tensors."""
    return tuple(dispatch.BINARY)


def register_unary_elementwise_api(func: Function) -> Function:
    """Adds a function to the elementwise functions of one tensor."""
    dispatch.UNARY.append(func)
    for annotation, handler in dispatch._UNARY_HANDLERS:
        dispatch._add_unary(func, annotation, handler)
    return func


def register_binary_elementwise_api(func: Function) -> Function:
    """Adds a function to the elementwise functions of two tensors."""
    dispatch.BINARY.append(func)
    for x_type, y_type, handler in dispatch._BINARY_HANDLERS:
        dispatch._add_binary(func, x_type, y_type, handler)
    return func


def register_dispatchable_type(cls: type) -> type:
    """Lets functions be taken over for a class that is not a composite tensor, and returns it.

    Raises:
      ValueError: it is registered already.
    """
    matching.register_dispatchable_type(cls)
    return cls


def add_type_based_api_dispatcher(target: Function) -> Function:
    """Makes a function dispatch on other types.

    Raises:
      ValueError: it does already.
    """
    if hasattr(target, "_dispatch_targets"):
        raise ValueError(f"{target} already has a type-based API dispatcher.")
    return dispatch.add_dispatch_support(target)


def type_based_dispatch_signatures_for(cls: type) -> dict[Function, list[dict[str, Any]]]:
    """Returns the signatures with a class for which functions were taken over, by function."""
    api_signatures: dict[Function, list[dict[str, Any]]] = {}
    for api in dispatch._DISPATCHABLES:
        for signatures, _ in api._dispatch_targets:  # type: ignore[attr-defined]
            for signature in signatures:
                if any(_mentions(annotation, cls) for annotation in signature.values()):
                    api_signatures.setdefault(api, []).append(signature)
    return api_signatures


def _mentions(annotation: Any, cls: type) -> bool:
    arguments = getattr(annotation, "__args__", ())
    return annotation is cls or any(_mentions(argument, cls) for argument in arguments)


class TypeChecker:
    """Compares values with a type annotation; there is one for equal annotations."""

    def __init__(self, annotation: Any) -> None:
        matching.check_annotation(annotation)
        self._annotation = annotation

    def Check(self, value: Any) -> matching.Match:
        """Returns how a value matches: not at all, as a plain value, or as one that functions dispatch on."""
        return matching.match(value, self._annotation)


make_type_checker = functools.lru_cache(maxsize=None)(TypeChecker)


def _lines_of(apis: Iterable[Function]) -> list[str]:
    """Lines with the public names and parameters of functions."""
    texts = []
    for api in apis:
        name = tf_export.get_canonical_name_for_symbol(api)
        if name is not None:
            parameters = ", ".join(inspect.signature(api).parameters)
            texts.append(f"* `tf.{name}({parameters})`")
    return sorted(texts)


def update_docstrings_with_api_lists() -> None:
    """Appends the functions that can be taken over to the documentation of the decorators that do so."""
    for decorator, text, apis in (
        (
            dispatch.dispatch_for_api,
            "The TensorFlow APIs that may be overridden by `@dispatch_for_api` are:",
            dispatch._DISPATCHABLES,
        ),
        (
            dispatch.dispatch_for_unary_elementwise_apis,
            "The unary elementwise APIs are:",
            dispatch.UNARY,
        ),
        (
            dispatch.dispatch_for_binary_elementwise_apis,
            "The binary elementwise APIs are:",
            dispatch.BINARY,
        ),
    ):
        before = inspect.cleandoc(decorator.__doc__ or "").partition(text)[0].rstrip()
        decorator.__doc__ = "\n".join([before, "", text, "", *_lines_of(apis), ""])
