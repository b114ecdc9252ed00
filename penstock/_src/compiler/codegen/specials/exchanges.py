"""Exchanges with other processes: launches that begin, continue and await them. The engine does the work (native/process/exchanges.py).

Addresses of the engine and of its session are words of the contexts, so one cached code serves all processes.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.specials.special import SessionWord, SpecialLaunch
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I64, PTR


def launch(node: Node, _outputs: Sequence[Node], _target: Target, _threads: int) -> SpecialLaunch:
    """The launch that begins an operation of the session."""
    x, number = node.args[0], node.attrs["number"]
    return SpecialLaunch(
        ("exchange_start",), emit_start, 1,
        (SessionWord.START, SessionWord.SESSION, number, x, node), f"{node.attrs['unit'].kind}_start[{int(x.size)}]",
    )  # fmt: skip


def launch_look(
    node: Node, _outputs: Sequence[Node], _target: Target, _threads: int
) -> SpecialLaunch:
    """The launch that waits for a unit for a short while; its last words are the status and an error's code."""
    return SpecialLaunch(
        ("exchange_look",), emit_look, 1,
        (SessionWord.LOOK, SessionWord.SESSION, SessionWord.ERROR, node.attrs["last"]), f"{node.attrs['unit'].kind}_wait",
    )  # fmt: skip


ADVANCE = SpecialLaunch(
    ("exchange_advance",),
    lambda target: emit_advance(target),
    1,
    (SessionWord.ADVANCE, SessionWord.SESSION),
    "exchange_advance",
)


def emit_start(target: Any) -> Code:
    """Context: the function, the session, the number of the operation, the array that is sent, the address of the result."""
    m = Module(target)
    with m.task("task") as f:
        start, session = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR)
        arrays = f.load(f.ctx, 3, PTR), f.load(f.ctx, 4, PTR)
        f.call(start, session, f.load(f.ctx, 2, I64), *arrays)
    return Code.of(m)


def emit_advance(target: Any) -> Code:
    """Context: the function, the session."""
    m = Module(target)
    with m.task("task") as f:
        f.call(f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR))
    return Code.of(m)


def emit_look(target: Any) -> Code:
    """Waits for a short while. Context: the function, the session, its error word, the unit's last operation, status, code."""
    m = Module(target)
    with m.task("task") as f:
        look, session, error = (f.load(f.ctx, i, PTR) for i in range(3))
        f.call(look, session, f.load(f.ctx, 3, I64), ret=I64)
        status, code = f.load(f.ctx, 4, PTR), f.load(f.ctx, 5, I64)
        # The session is shared by all programs; a failure becomes the error of the call that waits.
        failed = f.load(error, 0, I64).ne(0)
        f.when(failed, lambda: f.store(code, status))
    return Code.of(m)
