"""Fn: a function under construction, with loops and conditions as Python calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .arithmetic import ArithmeticInstructions
from .memory import MemoryInstructions
from .text import ModuleText
from .types import I64, PTR, VOID
from .value import Val


class Fn(ArithmeticInstructions, MemoryInstructions):
    """A function of a Module.  Arguments are attributes: `f.ctx`.

    Used as a context manager: at the end of the `with` block the text is added to the module. All control flow is
    structured and in SSA form: loop-carried values are passed to and returned by the body.
    """

    def __init__(
        self,
        module: ModuleText,
        name: str,
        args: dict[str, str],
        ret: str,
        internal: bool,
        noalias: bool,
    ):
        super().__init__()
        module.define(name, internal)
        self.module, self.name, self.ret, self.internal = module, name, ret, internal
        self.target = module.target
        self.args, self.noalias = args, noalias
        for arg, ty in args.items():
            if hasattr(self, arg):
                raise ValueError(
                    f"native.Fn: an argument may not have the name of a method. Received {arg!r}."
                )
            setattr(self, arg, Val(self, ty, "%" + arg))

    if TYPE_CHECKING:

        def __getattr__(self, argument: str) -> Val: ...

    def __enter__(self) -> Fn:
        if self.target.checked:
            for arg, ty in self.args.items():
                if ty == PTR:
                    self.find_bounds(getattr(self, arg))
        return self

    def __exit__(self, kind, *_):
        # After an exception the text is incomplete, and is not used.
        if kind:
            return
        if self.ret == VOID:
            self.lines.append("ret void")
        alias = "noalias " if self.noalias else ""
        args = ", ".join(f"{t} {alias if t == PTR else ''}%{a}" for a, t in self.args.items())
        link = "internal " if self.internal else ""
        body = "\n  ".join(self.entry + self.lines)
        self.lines.clear()  # values, which emitters keep, hold the function
        self.module.parts.append(
            f"define {link}{self.ret} @{self.name}({args}) #0 {{\nentry:\n  {body}\n}}"
        )

    # -- memory
    def load_where(
        self, guard: Val | None, p: Val, offsets: Sequence[Any], ty: str
    ) -> tuple[Val, ...]:
        """Load values if the guard holds or is None; else unused values from the beginning, to avoid a branch."""
        if guard is not None:
            offsets = [self.select(guard, self.i64(offset), 0) for offset in offsets]
        return tuple([self.load(p, offset, ty) for offset in offsets])

    # -- calls
    def call(self, fn: str | Val, *args, ret: str = VOID) -> Any:
        """Calls a function by name (of this module, or linked in), or through a pointer; ints are i64."""
        types = [a.ty if isinstance(a, Val) else I64 for a in args]
        if isinstance(fn, str):
            self.module.declare(f"declare {ret} @{fn}({', '.join(types)})", fn)
            target = "@" + fn
        else:
            target = fn.s
        sig = ", ".join(f"{t} {self.text(a, t)}" for t, a in zip(types, args, strict=True))
        return self.emit(ret, f"call {ret} {target}({sig})")

    def give(self, value: Val) -> None:
        """Returns `value` from the function; must be the last instruction."""
        self.lines.append(f"ret {value.ty} {value.s}")

    # -- control
    def start(self, label: str) -> None:
        self.lines.append(f"\n{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        self.lines.append(f"br label %{label}")

    def branch(self, condition: Val, yes: str, no: str) -> None:
        self.lines.append(f"br i1 {condition.s}, label %{yes}, label %{no}")

    def phi(self, *arms: tuple[Val, str]) -> Val:
        ty = arms[0][0].ty
        return self.emit(ty, f"phi {ty} " + ", ".join(f"[ {v.s}, %{b} ]" for v, b in arms))

    def loop(self, low, high, step, body: Callable, *carry: Val) -> tuple[Val, ...]:
        """for i in range(low, high, step): carry = body(i, *carry).  Returns the last carry.

        If the bounds are Python ints and the loop runs at most once, no loop is emitted and `i` is an int.
        `step` is positive.
        """
        static = not any(isinstance(x, Val) for x in (low, high, step))
        if static:
            if low >= high:
                return carry
            if low + step >= high:
                return tuple(body(low, *carry) or ())
        head, done, before = self.fresh("loop"), self.fresh("done"), self.block
        if static:
            self.jump(head)
        else:
            self.branch(self.i64(low) < high, head, done)
        self.start(head)
        # Phis name values of the body's end, which are not known yet: they are put here afterwards.
        slot = len(self.lines)
        i = Val(self, I64, self.name_value())
        phis = [Val(self, c.ty, self.name_value()) for c in carry]
        new = tuple(body(i, *phis) or ())
        # The condition is at the end, as LLVM would turn it: it needs no pass to do so.
        following = i + step
        self.branch(following < high, head, done)
        latch = self.block
        lines = [
            f"{i.s} = phi i64 [ {self.text(low, I64)}, %{before} ], [ {following.s}, %{latch} ]"
        ]
        lines += [
            f"{p.s} = phi {p.ty} [ {c.s}, %{before} ], [ {n.s}, %{latch} ]"
            for p, c, n in zip(phis, carry, new, strict=True)
        ]
        self.lines[slot:slot] = lines
        self.start(done)
        if static:
            return new
        return tuple(self.phi((c, before), (n, latch)) for c, n in zip(carry, new, strict=True))

    def once(self, low, high, body: Callable, *carry: Val) -> tuple[Val, ...]:
        """if low < high: carry = body(low, *carry).  Returns the carry.

        For the rest of a loop: LLVM takes twice as long for a kernel with another loop, even one of a single round.
        """
        static = not any(isinstance(x, Val) for x in (low, high))
        condition = low < high if static else self.i64(low) < high
        return self.when(condition, lambda: body(low, *carry), lambda: carry)

    def loop_while(self, condition: Callable, body: Callable, *carry: Val) -> tuple[Val, ...]:
        """while condition(*carry): carry = body(*carry).  Returns the last carry."""
        head, inside, done, before = (
            self.fresh("while"),
            self.fresh("do"),
            self.fresh("done"),
            self.block,
        )
        self.jump(head)
        self.start(head)
        slot = len(self.lines)
        phis = [Val(self, c.ty, self.name_value()) for c in carry]
        self.branch(condition(*phis), inside, done)
        self.start(inside)
        new = tuple(body(*phis) or ())
        self.jump(head)
        latch = self.block
        self.lines[slot:slot] = [
            f"{p.s} = phi {p.ty} [ {c.s}, %{before} ], [ {n.s}, %{latch} ]"
            for p, c, n in zip(phis, carry, new, strict=True)
        ]
        self.start(done)
        return tuple(phis)

    def when(self, condition, yes: Callable, no: Callable = lambda: ()) -> tuple[Val, ...]:
        """if condition: yes() else no().  Both return values of the same types, which are merged (or nothing).
        If the condition is a Python bool, only that branch is emitted.
        """
        if not isinstance(condition, Val):
            return tuple((yes if condition else no)() or ())
        y, n, end = self.fresh("then"), self.fresh("else"), self.fresh("end")
        self.branch(condition, y, n)
        self.start(y)
        a = tuple(yes() or ())
        after_yes = self.block
        self.jump(end)
        self.start(n)
        b = tuple(no() or ())
        after_no = self.block
        self.jump(end)
        self.start(end)
        return tuple(self.phi((p, after_yes), (q, after_no)) for p, q in zip(a, b, strict=True))
