"""Warns about Python side effects in a traced function, which later calls do not repeat.

The function's own source is searched when a trace is first reused:

    losses.append(loss)      a list, dict or set from outside is changed
    count += 1               a name declared `global` or `nonlocal`, or an attribute of an object from outside
    print(x)                 of anything but constants
"""

import ast
import collections
import inspect
import logging
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock._src.core.tensor import Tensor
from penstock._src.function.autograph.parser import InaccessibleSourceCodeError, parse
from penstock._src.util.lazy import ByName

logger = logging.getLogger("penstock")

# Imported by name: functions of files have no Python that could have side effects.
_IS_USER_MODULE = ByName("penstock._src.function.autograph.convert", "is_user_module")

CONTAINERS = (list, dict, set, collections.deque)
CHANGES = frozenset(
    "append appendleft extend insert add update pop popleft remove clear setdefault discard".split()
)
KEPT = (int, float, complex, str, bytes, *CONTAINERS)
_UNKNOWN = object()
# Installed packages are not checked.
_INSTALLED = {"site-packages", "dist-packages"}


_ABOUT_PRINT = "To print in every call, use tf.print."


def warn(function: Any, prints_values: bool = False) -> None:
    """Warn about side effects of a Python function when its trace is reused; `print` may be part of the trace."""
    plain = getattr(inspect.unwrap(function), "__func__", inspect.unwrap(function))
    if not isinstance(plain, types.FunctionType) or not _IS_USER_MODULE(plain.__module__):
        return
    if not _INSTALLED.isdisjoint(Path(plain.__code__.co_filename).parts):
        return
    for line, text, advice in find(plain, getattr(function, "__self__", None)):
        if prints_values and advice == _ABOUT_PRINT:
            continue
        logger.warning(
            "%s (File %r, line %d): `%s` runs only while the function is traced, not in this and later "
            "calls, because it is Python and not part of the graph. %s",
            plain.__name__,
            plain.__code__.co_filename,
            line,
            text,
            advice,
        )


def find(function: types.FunctionType, instance: Any = None) -> Iterator[tuple[int, str, str]]:
    """Yields (line, source text, advice) for every definite side effect."""
    try:
        source = parse(function)
    except InaccessibleSourceCodeError:
        return
    if not isinstance(source.node, ast.FunctionDef):
        return
    statements = [node for statement in source.node.body for node in _own_nodes(statement)]
    outside = {n for s in statements if isinstance(s, ast.Global | ast.Nonlocal) for n in s.names}
    known = {**function.__globals__, **_closure(function)}
    for name in function.__code__.co_varnames + function.__code__.co_cellvars:
        if name not in outside:
            known.pop(name, None)
    if instance is not None and function.__code__.co_varnames:
        known[function.__code__.co_varnames[0]] = instance
    for node in statements:
        advice = _effect(node, known, outside)
        if advice:
            yield node.lineno, ast.unparse(node).splitlines()[0], advice


def _own_nodes(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements under a node, excluding nested functions and classes."""
    if isinstance(node, ast.stmt):
        yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for child in ast.iter_child_nodes(node):
            yield from _own_nodes(child)


def _closure(function: types.FunctionType) -> dict[str, Any]:
    cells = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            cells[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return cells


def _effect(node: ast.stmt, known: dict[str, Any], outside: set[str]) -> str:
    """Advice about a statement that has a side effect, or an empty text."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return _of_call(node.value, known)
    if isinstance(node, ast.AugAssign):
        return _of_assignment(node.target, known, outside, (*KEPT, Tensor))
    if isinstance(node, ast.Assign):
        for target in node.targets:
            kinds = (*KEPT, Tensor) if isinstance(target, ast.Name) else (Tensor,)
            advice = _of_assignment(target, known, outside, kinds)
            if advice:
                return advice
    return ""


def _of_call(call: ast.Call, known: dict[str, Any]) -> str:
    function = call.func
    if (
        isinstance(function, ast.Name)
        and function.id == "print"
        and known.get("print", print) is print
    ):
        shows = not all(isinstance(arg, ast.Constant) for arg in call.args)
        return _ABOUT_PRINT if shows else ""
    if isinstance(function, ast.Attribute) and function.attr in CHANGES:
        if isinstance(_value(function.value, known), CONTAINERS):
            return (
                "Return the value instead and collect it outside, or keep it in a tf.Variable or "
                "tf.TensorArray."
            )
    return ""


def _of_assignment(
    target: ast.expr, known: dict[str, Any], outside: set[str], kinds: tuple[Any, ...]
) -> str:
    """Advice if the target is defined outside and holds a plain value or a tensor of the trace."""
    if isinstance(target, ast.Subscript):
        target_value = _value(target.value, known)
        is_effect = isinstance(target_value, CONTAINERS)
    else:
        target_value = _value(target, known)
        lives_outside = isinstance(target, ast.Attribute) or (
            isinstance(target, ast.Name) and target.id in outside
        )
        is_variable = hasattr(target_value, "assign")
        is_effect = lives_outside and isinstance(target_value, kinds) and not is_variable
    if not is_effect:
        return ""
    return (
        "To keep a value from call to call, use a tf.Variable and its assign, or return the value."
    )


def _value(node: ast.expr, known: dict[str, Any]) -> Any:
    """The current value of a name or attribute path, found without running user code."""
    if isinstance(node, ast.Name):
        return known.get(node.id, _UNKNOWN)
    if isinstance(node, ast.Attribute):
        holder = _value(node.value, known)
        if holder is _UNKNOWN:
            return _UNKNOWN
        try:
            return inspect.getattr_static(holder, node.attr)
        except AttributeError:
            return _UNKNOWN
    return _UNKNOWN
