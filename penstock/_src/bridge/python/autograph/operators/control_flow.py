"""Statements as functions of their state: `tensorflow.python.autograph.operators.control_flow`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.function.autograph import loops, operators, values

State = tuple[Any, ...]


def if_stmt(
    cond: Any,
    body: Callable[[], None],
    orelse: Callable[[], None],
    get_state: Callable[[], State],
    set_state: Callable[[State], None],
    symbol_names: tuple[str, ...],
    nouts: int,
) -> None:
    """`if cond: body() else: orelse()`; the first `nouts` variables are used later."""
    others = get_state()[nouts:]
    operators.if_(cond, body, orelse, get_state, set_state, symbol_names, nouts)
    if others and values.is_symbolic(cond):  # these keep their values there
        set_state((*get_state()[:nouts], *others))


def while_stmt(
    test: Callable[[], Any],
    body: Callable[[], None],
    get_state: Callable[[], State],
    set_state: Callable[[State], None],
    symbol_names: tuple[str, ...],
    opts: dict[str, Any],
) -> None:
    """`while test(): body()`."""
    loops.while_(test, body, get_state, set_state, symbol_names, len(symbol_names), opts)


def for_stmt(
    iter_: Any,
    extra_test: Callable[[], Any] | None,
    body: Callable[[Any], None],
    get_state: Callable[[], State],
    set_state: Callable[[State], None],
    symbol_names: tuple[str, ...],
    opts: dict[str, Any],
) -> None:
    """`for item in iter_: body(item)`, ended early when `extra_test()` is false."""
    loops.for_(iter_, extra_test, body, get_state, set_state, symbol_names, len(symbol_names), opts)
