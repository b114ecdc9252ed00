"""Converts functions, caches converted ones, and decides which calls are not converted."""

import ast
import functools
import inspect
import logging
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any

from penstock._src.function.autograph import operators, parser, scopes, undefined
from penstock._src.function.autograph.builtins import OVERLOADS
from penstock._src.function.autograph.if_while_for import StatementConverter
from penstock._src.function.autograph.loops import for_, while_
from penstock._src.function.autograph.parser import InaccessibleSourceCodeError
from penstock._src.function.autograph.templates import Namer
from penstock._src.util.process import forks

logger = logging.getLogger("penstock.autograph")

# Functions of these modules are not converted: they handle tensors already, or inspect their frames.
MODULES_LEFT_ALONE = frozenset(
    """penstock tensorflow tf_keras keras numpy scipy pandas PIL matplotlib tensorflow_probability
    tensorflow_datasets collections copy cProfile inspect ipdb linecache mock pathlib pdb posixpath
    pstats re threading urllib logging absl contextlib functools itertools typing abc enum dataclasses
    ml_dtypes optree pytest _pytest unittest numbers random math os warnings weakref""".split()
)
_MARK = "_penstock_autograph"  # on a function: "converted", or "never"
_codes: dict[types.CodeType, types.CodeType] = {}
_lock = forks.freed_in_child(threading.RLock())
_warned: weakref.WeakSet = weakref.WeakSet()


class _Runtime(types.SimpleNamespace):
    """The namespace `ag__` of converted code."""


def _runtime(recursive: bool) -> _Runtime:
    return _Runtime(
        if_=operators.if_,
        if_exp=operators.if_exp,
        and_=operators.and_,
        or_=operators.or_,
        not_=operators.not_,
        as_bool=operators.as_bool,
        compare_chain=operators.compare_chain,
        assert_=operators.assert_,
        while_=while_,
        for_=for_,
        Undefined=undefined.Undefined,
        UndefinedReturnValue=undefined.UndefinedReturnValue,
        is_undefined=undefined.is_undefined,
        ld=undefined.ld,
        ldu=undefined.ldu,
        returned=undefined.returned,
        call=converted_call if recursive else _call_unconverted,
        converted=mark_converted,
    )


def mark_converted(function: Any) -> Any:
    """Marks `function` as converted code."""
    if isinstance(function, types.FunctionType):
        setattr(function, _MARK, "converted")
    return function


def do_not_convert(func: Any = None) -> Any:
    """Returns a function that AutoGraph leaves as it is.

    Args:
      func: the function; without it, a decorator is returned.

    Returns:
      The function.

    >>> @tf.autograph.experimental.do_not_convert
    ... def plain(x):
    ...     return x if isinstance(x, int) else x + 1
    >>> plain(3)
    3
    """
    if func is None:
        return do_not_convert
    if isinstance(func, types.FunctionType | functools.partial) or inspect.ismethod(func):

        @functools.wraps(func)
        def plain(*args: Any, **kwargs: Any) -> Any:
            return func(*args, **kwargs)

        setattr(plain, _MARK, "never")
        return plain
    return func


def _call_unconverted(function: Callable, /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def converted_callable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A callable that converts another than a plain function when it is called."""
    if getattr(function, _MARK, None) == "never":
        return function
    return lambda *args, **kwargs: converted_call(function, *args, **kwargs)


def converted_call(function: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Calls `function`, converted first if it is user code."""
    try:
        overload = OVERLOADS.get(function)
    except TypeError:  # unhashable, hence not a built-in
        overload = None
    if overload is not None:
        return overload(*args, **kwargs)
    kind = type(function)
    if kind is types.FunctionType or kind is types.MethodType:
        return (converted(function) or function)(*args, **kwargs)
    if kind is functools.partial:
        return converted_call(
            function.func, *function.args, *args, **{**function.keywords, **kwargs}
        )
    method = getattr(kind, "__call__", None)  # noqa: B004  (the method itself is wanted)
    if type(method) is types.FunctionType and not isinstance(function, type):
        body = converted(method)
        if body is not None:
            return body(function, *args, **kwargs)
    return function(*args, **kwargs)


def converted(function: Any, requested: bool = False) -> Callable | None:
    """Returns the converted form of a function or method, or None if it is not to be converted.

    Args:
      function: what is called.
      requested: whether it was passed to tf.function itself; then library code is converted too.
    """
    if inspect.ismethod(function):
        body = converted(function.__func__, requested)
        return body and types.MethodType(body, function.__self__)
    if not isinstance(function, types.FunctionType) or not _is_user_code(function, requested):
        return None
    try:
        return convert_function(function)
    except InaccessibleSourceCodeError as error:
        _warn(function, error)
        return None


def is_converted(code: types.CodeType) -> bool:
    """True if code belongs to a converted function."""
    return code in _codes.values()


def _warn(function: types.FunctionType, error: Exception) -> None:
    if function not in _warned:
        _warned.add(function)
        logger.warning(
            "AutoGraph could not transform %s and will run it as-is.\nCause: %s\nTo silence this warning, "
            "decorate the function with @tf.autograph.experimental.do_not_convert",
            function,
            error,
        )


def is_user_module(name: str | None) -> bool:
    """True if functions of the module are converted."""
    return (name or "").partition(".")[0] not in MODULES_LEFT_ALONE


def _is_user_code(function: types.FunctionType, requested: bool) -> bool:
    if getattr(function, _MARK, None) is not None or _has_other_runtime(function):
        return False
    module = getattr(function, "__module__", None)
    is_own = (module or "").partition(".")[0] in ("penstock", "tensorflow")
    if is_own or not (requested or is_user_module(module)):
        return False
    flags = function.__code__.co_flags
    if requested and flags & inspect.CO_GENERATOR:
        raise NotImplementedError("generators are not supported by AutoGraph")
    return not flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR)


def _has_other_runtime(function: types.FunctionType) -> bool:
    """True if a function is part of code generated by another converter, such as a lambda in it."""
    names = function.__code__.co_freevars
    if "ag__" not in names:
        return False
    cell = (function.__closure__ or ())[names.index("ag__")]
    return not isinstance(cell.cell_contents, _Runtime)


def convert_function(function: types.FunctionType, recursive: bool = True) -> types.FunctionType:
    """Returns `function` rewritten; same signature, globals, closure, file and lines.

    Raises:
      InaccessibleSourceCodeError: the source is missing or uses an unsupported feature.
    """
    with _lock:
        code = _codes.get(function.__code__)
        if code is None:
            code = _codes[function.__code__] = _convert_code(function)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cells["ag__"] = types.CellType(_RECURSIVE if recursive else _FLAT)
    closure = tuple(cells[name] for name in code.co_freevars)
    rewritten = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, closure
    )
    rewritten.__kwdefaults__ = function.__kwdefaults__
    rewritten.__qualname__, rewritten.__module__ = function.__qualname__, function.__module__
    rewritten.__doc__ = function.__doc__
    rewritten.__dict__.update(function.__dict__)
    rewritten.__dict__.pop("__wrapped__", None)
    return mark_converted(rewritten)


def convert_node(function: types.FunctionType) -> tuple[ast.FunctionDef, parser.Source, set[str]]:
    """Returns the rewritten tree of `function` as a def statement, its source, and the names that were added."""
    source = parser.parse(function)
    node = source.node
    if isinstance(node, ast.Lambda):
        body = ast.copy_location(ast.Return(node.body), node.body)
        definition = ast.FunctionDef("lambda_", node.args, [body], [], None, None)
        node = ast.copy_location(definition, node)
        # Required by the compiler from Python 3.12 on.
        node.type_params = []  # type: ignore[attr-defined]
    if parser.contains_yield(node):
        raise InaccessibleSourceCodeError("generators are not supported")
    node.decorator_list, node.returns = [], None
    args = node.args
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        if arg is not None:
            arg.annotation = None
    none = ast.copy_location(ast.Constant(None), node)
    args.defaults = [none for _ in args.defaults]
    args.kw_defaults = [item and none for item in args.kw_defaults]
    names = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)}
    names |= scopes.argument_names(args) | set(function.__code__.co_freevars)
    namer = Namer(names)
    StatementConverter(namer).function(node)
    return node, source, namer.made


def _convert_code(function: types.FunctionType) -> types.CodeType:
    node, source, added = convert_node(function)
    free = ["ag__", *function.__code__.co_freevars]
    if "__class__" not in free and any(
        isinstance(item, ast.Name) and item.id == "__class__" for item in ast.walk(node)
    ):
        free.append("__class__")
    lines = [f"{name} = None" for name in free]
    factory = ast.parse("def ag_factory__():\n    " + "\n    ".join(lines)).body[0]
    assert isinstance(factory, ast.FunctionDef)
    factory.body.append(node)
    module = ast.Module([factory], [])
    if source.class_name:  # so that private names (__x) are mangled as in the class
        module = ast.parse(f"class {source.class_name}:\n    pass")
        module.body[0].body = [factory]  # type: ignore[attr-defined]
    ast.fix_missing_locations(module)
    node.name = "ag_function__"  # renamed, since the function may call itself
    compiled = compile(module, source.filename, "exec", dont_inherit=True, flags=_future(function))
    code = _find_code(compiled, node.name, inside=False)
    code = code.replace(co_name=function.__code__.co_name, co_qualname=function.__qualname__)
    return _with_users_names(code, added)


def _with_users_names(code: types.CodeType, added: set[str]) -> types.CodeType:
    """The code with the functions that bodies of loops and branches became named as the user's function around them."""
    constants: list[Any] = []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if constant.co_name in added:
                constant = constant.replace(co_name=code.co_name, co_qualname=code.co_qualname)
            constant = _with_users_names(constant, added)
        constants.append(constant)
    return code.replace(co_consts=tuple(constants))


def _future(function: types.FunctionType) -> int:
    import_annotations = 0x1000000
    return function.__code__.co_flags & import_annotations


def _find_code(code: types.CodeType, name: str, inside: bool) -> types.CodeType:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if inside and constant.co_name == name:
                return constant
            if not inside:
                return _find_code(constant, name, inside=constant.co_name == "ag_factory__")
    raise AssertionError(f"code of {name} not found")


_RECURSIVE = _runtime(True)
_FLAT = _runtime(False)
