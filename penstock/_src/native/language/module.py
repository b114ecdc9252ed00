"""Module: functions written for one target, and the text they make."""

from __future__ import annotations

from penstock._src.native.target import Target, host

from .function import Fn
from .types import VOID


class Module:
    """LLVM IR in the making.

    m = Module()
    with m.fn("scale", x=PTR, n=I64) as f:
        V = f.target.vector(F32)
        def body(i):
            f.store(f.load(f.x, i, V) * 2.0, f.x, i)
        f.loop(0, f.n, lanes(V), body)
    code = m.code()
    """

    def __init__(self, target: Target | None = None):
        self.target = target or host()
        self.parts: list[str] = []
        self.declarations: dict[str, tuple[str, str]] = {}
        self.names: set[str] = set()
        self.exports: list[str] = []

    def fn(
        self, name: str, ret: str = VOID, internal: bool = False, noalias: bool = True, **args: str
    ) -> Fn:
        """Opens a function; `internal` ones are for this module only.  Arguments are name=type."""
        if name in self.names:
            raise ValueError(
                f"native.Module: a function has one definition. Received {name!r} twice."
            )
        self.names.add(name)
        if not internal:
            self.exports.append(name)
        return Fn(self, name, args, ret, internal, noalias)

    def task(self, name: str) -> Fn:
        """Opens a task of a launch: (context, number of the task, number of the thread)."""
        return self.fn(name, ctx="ptr", task="i64", tid="i64")

    def declare(self, text: str, name: str | None = None) -> None:
        self.declarations.setdefault(name or text, (name or text, text))

    def raw(self, text: str, exports: tuple[str, ...] = ()) -> None:
        """Adds IR text as it stands."""
        self.parts.append(text)
        self.exports.extend(exports)
        self.names.update(exports)

    def __str__(self) -> str:
        declared = [text for name, text in self.declarations.values() if name not in self.names]
        return "\n".join([*declared, *self.parts, self.target.attributes])
