"""Module: LLVM IR functions for one target."""

from penstock._src.native.target import Target, host

from .function import Fn
from .text import ModuleText
from .types import VOID


class Module(ModuleText):
    """LLVM IR under construction.

    m = Module()
    with m.fn("scale", x=PTR, n=I64) as f:
        V = f.target.vector(F32)
        def body(i):
            f.store(f.load(f.x, i, V) * 2.0, f.x, i)
        f.loop(0, f.n, lanes(V), body)
    code = m.code()
    """

    def __init__(self, target: Target | None = None):
        super().__init__(target or host())

    def fn(
        self, name: str, ret: str = VOID, internal: bool = False, noalias: bool = True, **args: str
    ) -> Fn:
        """Opens a function; `internal` ones are for this module only.  Arguments are name=type."""
        return Fn(self, name, args, ret, internal, noalias)

    def task(self, name: str) -> Fn:
        """Opens a launch's task function: (context, task index, thread index)."""
        return self.fn(name, ctx="ptr", task="i64", tid="i64")
