"""Dispatch of public functions by argument type.

A function that `@dispatchable("math.top_k", ...)` exports tries, in this order: the targets registered by
`dispatch_for_api` and its elementwise variants; the function itself; and, if that raises TypeError or ValueError, the
arguments' own `__tf_dispatch__` and the fallbacks (`register_fallback`: ragged and sparse tensors).
"""

import collections.abc
import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.calls.refusals import ACCIDENTS, refusal_of_call
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.convert import READERS, convert_to_tensor, is_holder
from penstock._src.core.dispatch import STATE
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util import nest
from penstock._src.util.export import export

from .direct_calls import DirectCalls, Places
from .matching import Match, check_annotation, match_call
from .scopes import NameScope, name_scope_of

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

NOT_SUPPORTED = object()
"""A dispatcher returns this value if it does not handle the call."""

EVERY_CALL: list[dict[str, Any]] = [{}]
"""The signatures of a target that takes all calls that no other takes."""

UNARY: list[Callable[..., Any]] = []
BINARY: list[Callable[..., Any]] = []
BINARY_ASSERTS: list[Callable[..., Any]] = []

_DISPATCHABLES: list[Callable[..., Any]] = []
_FALLBACKS: list[Callable[..., Any]] = []
GLOBAL_DISPATCHERS: list[Any] = []
"""The registered dispatchers for every function."""
_UNARY_HANDLERS: list[tuple[Any, Callable[..., Any]]] = []
_BINARY_HANDLERS: list[tuple[Any, Any, Callable[..., Any]]] = []
_BINARY_ASSERT_HANDLERS: list[tuple[Any, Any, Callable[..., Any]]] = []


@export("__internal__.dispatch.GlobalOpDispatcher", v1=[])
class GlobalOpDispatcher:
    """A dispatcher for every dispatchable function, tried after all others."""

    NOT_SUPPORTED = NOT_SUPPORTED

    def handle(self, op: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Returns the result of `op(*args, **kwargs)`, or `NOT_SUPPORTED`."""
        raise NotImplementedError

    def register(self) -> None:
        """Registers this dispatcher."""
        GLOBAL_DISPATCHERS.append(self)


@export("__internal__.dispatch.OpDispatcher", v1=[])
class OpDispatcher:
    """A dispatcher for one dispatchable function, tried after all others."""

    NOT_SUPPORTED = NOT_SUPPORTED

    def handle(self, args: tuple, kwargs: dict) -> Any:
        """Returns the result of the function, or `NOT_SUPPORTED`."""
        raise NotImplementedError

    def register(self, op: Callable[..., Any]) -> None:
        """Registers this dispatcher for calls of `op`."""
        add_fallback(op, self.handle)


def add_fallback(op: Any, handler: Callable[[tuple, dict], Any]) -> None:
    """Adds `handler(args, kwargs)`, which is tried when the public function `op` rejects its arguments.

    Raises:
      AssertionError: the function does not dispatch.
    """
    if not hasattr(op, "_tf_fallback_dispatchers"):
        raise AssertionError(f"Dispatching not enabled for {op}")
    op._tf_fallback_dispatchers.append(handler)


def register_fallback(handler: Callable[[Callable[..., Any], tuple, dict], Any]) -> None:
    """Adds `handler(api, args, kwargs)`, which is tried when a public function rejects its arguments."""
    _FALLBACKS.append(handler)


@export("__internal__.dispatch.add_dispatch_support", v1=[])
def add_dispatch_support(
    target: Callable[..., Any] | None = None, iterable_parameters: Sequence[str] | None = None
) -> Any:
    """Makes a function dispatch on other types.

    Args:
      target: the function; without it, a decorator is returned.
      iterable_parameters: names of parameters that take iterables: each is read once, into a list.

    Returns:
      The function that dispatches, or the decorator.

    Raises:
      TypeError: `iterable_parameters` is not a sequence of strings.
    """
    if iterable_parameters is not None and (
        isinstance(iterable_parameters, str)
        or not all(isinstance(name, str) for name in iterable_parameters)
    ):
        raise TypeError(
            f"iterable_parameters should be a list or tuple of string; got {iterable_parameters!r}."
        )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return _dispatching(function, iterable_parameters or ())

    return decorate if target is None else decorate(target)


def _reading_once(call: Any, iterable_parameters: Sequence[str]) -> Any:
    """Returns a dispatching function that makes lists of the iterables it is given."""
    positions = {
        name: list(inspect.signature(call).parameters).index(name) for name in iterable_parameters
    }

    @functools.wraps(call)
    def read(*args: Any, **kwargs: Any) -> Any:
        for name, position in positions.items():
            if position < len(args):
                args = (*args[:position], _as_list(args[position]), *args[position + 1 :])
            elif name in kwargs:
                kwargs[name] = _as_list(kwargs[name])
        return call(*args, **kwargs)

    return read


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, collections.abc.Iterator) else value


def _dispatching(
    function: Callable[..., Any],
    iterables: Sequence[str],
    scope: NameScope | None = None,
    direct: bool | Callable[[], bool] = False,
) -> Callable[..., Any]:
    targets: list[tuple[Any, Callable[..., Any]]] = []
    in_graph = function if scope is None else scope.entered_by(function)
    condition = direct if callable(direct) else None
    calls = DirectCalls(function, condition is not None) if direct else None

    @functools.wraps(function)
    def call(*args, **kwargs):
        try:
            quick, is_known = None, False
            if targets:
                result = first_match(targets, api, args, kwargs)
                if result is not NOT_SUPPORTED:
                    return result
            elif calls is not None and (condition is None or condition()):
                quick, is_known = calls.quick, STATE.graph is None
                if quick is not None:
                    result = quick(args, kwargs)
                    if result is not None:
                        return result
            try:
                if is_known:
                    values, places = args, ()
                    if calls.left == 1 or calls.of_variables:
                        values, places = _values_of(args)
                    if places and places in calls.of_variables:
                        result = calls.of_variables[places](values, kwargs)
                        if result is not None:
                            return result
                    calls.left -= 1
                    if not calls.left:
                        return calls.learn(args, kwargs, values, places)
                return (function if STATE.graph is None else in_graph)(*args, **kwargs)
            except (TypeError, ValueError) as error:
                result = _fall_back(api, args, kwargs)
                if result is NOT_SUPPORTED:
                    refusal_of_call(function, error, args, kwargs)
                    raise
            except ACCIDENTS as error:
                result = _fall_back(api, args, kwargs)
                if result is NOT_SUPPORTED:
                    raise refusal_of_call(function, error, args, kwargs)  # noqa: B904 - or the error itself
            except MemoryError as error:
                raise refusal_of_call(function, error, args, kwargs)  # noqa: B904 - or the error itself
        except Exception as error:
            shorten(error)
            raise
        return result

    # what dispatchers are registered for
    api: Any = _reading_once(call, iterables) if iterables else call
    api._dispatch_targets = targets
    api._tf_fallback_dispatchers = []
    api.__original_wrapped__ = function
    _DISPATCHABLES.append(api)
    return api


def _values_of(args: tuple) -> tuple[tuple, Places]:
    """Returns the arguments with the values of variables in their place, and the positions of these."""
    values, places = list(args), []
    for at, one in enumerate(args):
        kind = type(one)
        if kind is EagerTensor:
            continue
        if kind in READERS:
            values[at] = READERS[kind](one)
        elif is_holder(kind):
            values[at] = convert_to_tensor(one)
        else:
            continue
        places.append(at)
    return (tuple(values), tuple(places)) if places else (args, ())


def dispatchable(
    *names: str,
    v1: Sequence[str] | None = None,
    scope: str | None = None,
    named: str | None = None,
    direct: bool | Callable[[], bool] = False,
) -> Decorator:
    """Exports a function, and makes it dispatch on other types.

    Args:
      *names: public names, see `export`.
      v1: those in `tf.compat.v1`, if others.
      scope: the name scope of the function's ops in graphs, see `scoped`.
      named: that scope, if it names the result too.
      direct: native code may make its calls, see `direct_calls.py`: the ops that it runs and their constants follow from its arguments alone.
        A function instead of True says at each call if they do.
    """
    entered = name_scope_of(scope, named)
    return lambda function: export(*names, v1=v1)(_dispatching(function, (), entered, direct))


def unary(*names: str, **options: Any) -> Decorator:
    """`dispatchable` for elementwise functions of one tensor."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        call = dispatchable(*names, **options)(function)
        UNARY.append(call)
        for annotation, handler in _UNARY_HANDLERS:
            _add_unary(call, annotation, handler)
        return call

    return register


def binary(*names: str, **options: Any) -> Decorator:
    """`dispatchable` for elementwise functions of two tensors."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        call = dispatchable(*names, **options)(function)
        BINARY.append(call)
        for x_type, y_type, handler in _BINARY_HANDLERS:
            _add_binary(call, x_type, y_type, handler)
        return call

    return register


def binary_assert(*names: str, **options: Any) -> Decorator:
    """`dispatchable` for assertions about two tensors."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        call = dispatchable(*names, **options)(function)
        BINARY_ASSERTS.append(call)
        for x_type, y_type, handler in _BINARY_ASSERT_HANDLERS:
            _add_binary_assert(call, x_type, y_type, handler)
        return call

    return register


def _fall_back(api, args, kwargs):
    for handler in api._tf_fallback_dispatchers:
        result = handler(args, kwargs)
        if result is not NOT_SUPPORTED:
            return result
    for value in nest.flatten((args, list(kwargs.values()))):
        method = getattr(value, "__tf_dispatch__", None)
        if method is not None:
            result = method(api, args, kwargs)
            if result is not NotImplemented:
                return result
    for handler in _FALLBACKS:
        result = handler(api, args, kwargs)
        if result is not NOT_SUPPORTED:
            return result
    for dispatcher in GLOBAL_DISPATCHERS:
        result = dispatcher.handle(api, args, kwargs)
        if result is not NOT_SUPPORTED:
            return result
    return NOT_SUPPORTED


def first_match(targets, api, args, kwargs):
    """Returns the result of the target registered for such arguments, else `NOT_SUPPORTED`.

    Raises:
      ValueError: several targets are.
    """
    try:
        call = inspect.signature(api).bind(*args, **kwargs)
    except TypeError:
        return NOT_SUPPORTED
    call.apply_defaults()
    matches = [target for signatures, target in targets if _takes(signatures, call.arguments)]
    if not matches:
        matches = [target for signatures, target in targets if signatures == EVERY_CALL]
    if not matches:
        return NOT_SUPPORTED
    if len(matches) > 1:
        shown = " and ".join(str(getattr(target, "_handler", target)) for target in matches[:2])
        raise ValueError(
            "Multiple dispatch targets that were registered with tf.dispatch_for "
            f"({shown}) match the arguments to {api.__name__}"
        )
    return matches[0](*args, **kwargs)


def _takes(signatures, arguments):
    return any(match_call(arguments, one) is Match.DISPATCHABLE for one in signatures)


def _check_api(api):
    if not hasattr(api, "_dispatch_targets"):
        raise ValueError(f"{api} does not support dispatch.")


def _checked_signature(api, signature):
    """Returns a signature by names of parameters, which may be given by position."""
    if not isinstance(signature, dict) or not all(isinstance(k, str | int) for k in signature):
        raise TypeError(
            "signatures must be dictionaries mapping parameter names to type annotations; "
            f"got: {signature!r}"
        )
    parameters = inspect.signature(api).parameters
    names = list(parameters)
    named = {}
    for key, annotation in signature.items():
        name = names[key] if isinstance(key, int) and 0 <= key < len(names) else key
        if name not in parameters:
            raise ValueError(f"signature includes annotation for unknown parameter {key!r}.")
        if parameters[name].kind is inspect.Parameter.KEYWORD_ONLY:
            raise ValueError(
                "Dispatch currently only supports type annotations for positional parameters; "
                f"{name!r} is given by keyword only."
            )
        check_annotation(annotation)
        named[name] = annotation
    return named


@export("experimental.dispatch_for_api", v1=[])
def dispatch_for_api(api, *signatures):
    """Decorator that runs the decorated function for calls of `api` with matching argument types.

    Args:
      api: the public function to take over, such as `tf.concat`.
      *signatures: dicts from parameter name to type annotation; empty: the decorated function's
        own annotations.

    Returns:
      A decorator.

    >>> class Box(tf.experimental.ExtensionType):
    ...     value: tf.Tensor
    >>> @tf.experimental.dispatch_for_api(tf.math.add)
    ... def add_boxes(x: Box, y: Box, name=None):
    ...     return Box(x.value + y.value)
    >>> tf.math.add(Box(1), Box(2)).value.numpy()
    np.int32(3)
    """
    _check_api(api)
    cleaned = [_checked_signature(api, signature) for signature in signatures]

    def decorator(target):
        if not callable(target):
            raise TypeError(f"Expected dispatch_target to be callable; got {target!r}")
        names = list(inspect.signature(api).parameters)
        parameters = inspect.signature(target).parameters
        kinds = [parameter.kind for parameter in parameters.values()]
        takes_any = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= set(kinds)
        has_no_name = [*parameters, "name"] == names
        if not (takes_any or has_no_name or list(parameters) == names):
            raise ValueError(
                f"Dispatch function's signature {inspect.signature(target)} does not match "
                f"API's signature {inspect.signature(api)}."
            )
        rules = cleaned or [_checked_signature(api, _annotations_of(target))]
        named = _with_name(target, len(parameters)) if has_no_name else target
        api._dispatch_targets.append((rules, named))
        return target

    return decorator


def _with_name(target, count):
    """Adds a parameter `name` to a function of `count` parameters: the name scope that it runs in."""

    @functools.wraps(target)
    def named(*args, **kwargs):
        name = args[count] if len(args) > count else kwargs.pop("name", None)
        if name is None:
            return target(*args[:count], **kwargs)
        with _scope(name):
            return target(*args[:count], **kwargs)

    named._handler = target
    return named


@contextlib.contextmanager
def _scope(name):
    """The name scope, in a graph."""
    graph = STATE.graph
    with graph.name_scope(name) if graph is not None else contextlib.nullcontext():
        yield


def _annotations_of(target):
    hints = typing.get_type_hints(target)
    hints.pop("return", None)
    if not hints:
        raise ValueError(
            "The dispatch_for_api decorator must be called with at least one signature, or applied to a "
            "function that has type annotations on its parameters."
        )
    return hints


def _add_unary(api, x_type, handler):
    name = next(iter(inspect.signature(api).parameters))
    target = _partial_of(api, handler, 1)
    api._dispatch_targets.append(([{name: x_type}], target))


def _add_binary(api, x_type, y_type, handler):
    first, second = list(inspect.signature(api).parameters)[:2]
    target = _partial_of(api, handler, 2)
    api._dispatch_targets.append(([{first: x_type, second: y_type}], target))


def _partial_of(api, handler, count):
    signature = inspect.signature(api)
    names = list(signature.parameters)[:count]

    def target(*args, **kwargs):
        rest = signature.bind(*args, **kwargs).arguments
        operands = [rest.pop(name) for name in names]
        scope = rest.pop("name", None)
        with contextlib.nullcontext() if scope is None else _scope(scope):
            return handler(lambda *xs: api(*xs, **rest), *operands)

    target._handler = handler
    return target


def _add_binary_assert(api, x_type, y_type, handler):
    first, second = list(inspect.signature(api).parameters)[:2]

    def target(*args, **kwargs):
        bound = inspect.signature(api).bind(*args, **kwargs).arguments
        x, y = bound.pop(first), bound.pop(second)
        return handler(lambda a, b: api(a, b, **bound), x, y)

    target._handler = handler
    api._dispatch_targets.append(([{first: x_type, second: y_type}], target))


def _check_new(kind, rows, annotations):
    for *registered, handler in rows:
        if tuple(registered) == annotations:
            shown = annotations[0] if len(annotations) == 1 else annotations
            raise ValueError(
                f"A {kind} dispatch handler ({handler}) has already been registered for {shown}."
            )


@export("experimental.dispatch_for_unary_elementwise_apis", v1=[])
def dispatch_for_unary_elementwise_apis(x_type):
    """Returns a decorator of what all elementwise functions of one tensor do for a type.

    Args:
      x_type: the type of the argument.

    Returns:
      A decorator of a function `(api, x)`, which gets the function and its argument.

    Raises:
      ValueError: the type already has one.

    >>> class Boxed(tf.experimental.ExtensionType):
    ...     value: tf.Tensor
    >>> @tf.experimental.dispatch_for_unary_elementwise_apis(Boxed)
    ... def apply(api, x):
    ...     return Boxed(api(x.value))
    >>> tf.abs(Boxed(-3)).value.numpy()
    np.int32(3)
    """

    def decorator(handler):
        _check_new("unary elementwise", _UNARY_HANDLERS, (x_type,))
        _UNARY_HANDLERS.append((x_type, handler))
        for api in UNARY:
            _add_unary(api, x_type, handler)
        return handler

    return decorator


@export("experimental.dispatch_for_binary_elementwise_apis", v1=[])
def dispatch_for_binary_elementwise_apis(x_type, y_type):
    """Returns a decorator of what all elementwise functions of two tensors do for types.

    Args:
      x_type: the type of the first argument.
      y_type: the type of the second argument.

    Returns:
      A decorator of a function `(api, x, y)`, which gets the function and its arguments.

    Raises:
      ValueError: the types already have one.

    >>> class Pack(tf.experimental.ExtensionType):
    ...     value: tf.Tensor
    >>> @tf.experimental.dispatch_for_binary_elementwise_apis(Pack, Pack)
    ... def apply(api, x, y):
    ...     return Pack(api(x.value, y.value))
    >>> tf.maximum(Pack(3), Pack(5)).value.numpy()
    np.int32(5)
    """

    def decorator(handler):
        _check_new("binary elementwise", _BINARY_HANDLERS, (x_type, y_type))
        _BINARY_HANDLERS.append((x_type, y_type, handler))
        for api in BINARY:
            _add_binary(api, x_type, y_type, handler)
        return handler

    return decorator


@export("experimental.dispatch_for_binary_elementwise_assert_apis", v1=[])
def dispatch_for_binary_elementwise_assert_apis(x_type, y_type):
    """Decorator: `handler(assert_function, x, y)` runs for the asserts that compare such types.

    Args:
      x_type, y_type: annotations: a class, or a `Union` of classes.

    Returns:
      A decorator, which returns the handler.
    """

    def decorator(handler):
        _check_new("binary elementwise assert", _BINARY_ASSERT_HANDLERS, (x_type, y_type))
        _BINARY_ASSERT_HANDLERS.append((x_type, y_type, handler))
        for api in BINARY_ASSERTS:
            _add_binary_assert(api, x_type, y_type, handler)
        return handler

    return decorator


@export("experimental.unregister_dispatch_for", v1=[])
def unregister_dispatch_for(dispatch_target):
    """Removes the registrations of a function.

    Args:
      dispatch_target: a function that was decorated by `dispatch_for_api` or one of its like.

    Raises:
      ValueError: the function is not registered.

    >>> class Crate(tf.experimental.ExtensionType):
    ...     value: tf.Tensor
    >>> @tf.experimental.dispatch_for_unary_elementwise_apis(Crate)
    ... def apply(api, x):
    ...     return Crate(api(x.value))
    >>> tf.experimental.unregister_dispatch_for(apply)
    """
    was_registered = False
    for api in _DISPATCHABLES:
        kept = [
            (s, t)
            for s, t in api._dispatch_targets
            if t is not dispatch_target and getattr(t, "_handler", None) is not dispatch_target
        ]
        was_registered |= len(kept) != len(api._dispatch_targets)
        api._dispatch_targets[:] = kept
    for table in (_UNARY_HANDLERS, _BINARY_HANDLERS, _BINARY_ASSERT_HANDLERS):
        table[:] = [row for row in table if row[-1] is not dispatch_target]
    if not was_registered:
        raise ValueError(
            f"Function {dispatch_target} was not registered using a `@dispatch_for_*` decorator."
        )
