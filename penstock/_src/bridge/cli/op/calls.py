"""The raw ops that the code of a function names, by itself or through the functions of Penstock that it calls.

What operators (`x + y`) call, and what depends on the arguments, is not known without a call: an op that is found may be called, it need not be.
"""

from __future__ import annotations

import dis
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core import registry

# Packages with public functions; those below them run ops.
ROOMS = ("penstock._src.api.", "penstock._src.data.", "penstock._src.v1.")
NAMED = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"})
MEMBER = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


def ops_of(function: Callable[..., Any]) -> list[str]:
    """Returns the names of the raw ops that a function may call, in the order in which its code names them."""
    names: dict[str, None] = {}
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        further = []
        for ops in _named_by(current):
            op = _as_op(ops)
            if op is not None:
                names.setdefault(op)
            elif _is_followed(ops):
                further.append(ops)
        waiting += reversed(further)
    return list(names)


def _as_op(value: Any) -> str | None:
    if isinstance(value, types.FunctionType) and value.__module__ == registry.__name__:
        return value.__name__ if value.__name__ in registry.index() else None
    return None


def _is_followed(value: Any) -> bool:
    return isinstance(value, types.FunctionType | functools.partial) and (
        isinstance(value, functools.partial) or value.__module__.startswith(ROOMS)
    )


def _named_by(function: Any) -> Iterator[Any]:
    """The objects that a function's code names, those in what it wraps included."""
    if isinstance(function, functools.partial):
        yield function.func
        yield from function.args
        return
    inner = inspect.unwrap(function)
    if inner is not function:
        yield inner
        return
    yield from _named_in(function.__code__, function)


def _named_in(code: types.CodeType, function: types.FunctionType) -> Iterator[Any]:
    closed = dict(zip(code.co_freevars, function.__closure__ or (), strict=False))
    scope = function.__globals__
    instructions = list(dis.get_instructions(code))
    for at, instruction in enumerate(instructions):
        if instruction.opname not in NAMED:
            continue
        name = instruction.argval
        if name in closed:
            value = _content(closed[name])
        elif name in scope:
            value = scope[name]
        else:
            continue
        for member in instructions[at + 1 :]:  # raw.Softmax, products.matmul
            is_member = member.opname in MEMBER
            if not is_member or not isinstance(value, types.ModuleType | registry.RawOps):
                break
            value = getattr(value, member.argval, None)
        yield value
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _named_in(constant, function)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None
