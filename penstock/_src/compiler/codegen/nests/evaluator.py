"""Translates values of a kernel to registers within the open loops; shared by loop nests and epilogues."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.scalars import operations
from penstock._src.compiler.codegen.scalars.recurrences import iterated
from penstock._src.compiler.codegen.scalars.registers import constant, spread, width
from penstock._src.compiler.kernels.index import Atom, Dynamic, Index, Var, never_negative
from penstock._src.compiler.kernels.values import Value
from penstock._src.core import dtypes
from penstock._src.ir.extents.dims import Dim
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64
from penstock._src.native.language.value import Val

# Values that evaluate their own arguments.
_LEAVES = frozenset({"const", "load", "index", "inside", "reduce", "arg_reduce"})


class Evaluator:
    """Writes values at first use.

    frames     known values of each open loop, innermost last
    open, env  the loop variables that have a value now, and the values (of the vector variable: lane 0's)
    pointers   addresses of the arrays that loads name by number
    vector     the vectorized variable, with `lanes` lanes and a `mask` of existing ones
    """

    def __init__(self, f: Fn, pointers: Sequence[Any]) -> None:
        self.f, self.pointers = f, pointers
        self.frames: list[dict[Any, Any]] = [{}]
        self.open: set[Var] = set()
        self.env: dict[Var, Any] = {}
        self.vector: Var | None = None
        self.lanes: int = 1
        self.mask: Val | None = None

    def dim(self, x: Dim) -> Val:
        """A Dim's value now."""
        raise NotImplementedError

    def reduction(self, v: Value) -> Any:
        """The register of a reduction."""
        raise NotImplementedError

    # -- known values
    def _find(self, key: Any) -> Any:
        for frame in reversed(self.frames):
            value = frame.get(key)
            if value is not None:
                return value
        return None

    def get(self, value: Value) -> Any:
        """The register that holds a value."""
        known = self._find(value.number)
        if known is not None:
            return known
        pending = [value]  # expressions are deeper than Python's stack
        while pending:
            value = pending[-1]
            missing: list[Value] = []
            if value.kind not in _LEAVES:
                missing = [a for a in value.args if self._find(a.number) is None]
            if missing:
                # The first argument on top, so that code is written in the order of arguments.
                pending += reversed(missing)
                continue
            known = self._find(value.number)
            if known is None:
                known = self.frames[-1][value.number] = self._compute(value)
            pending.pop()
        return known

    def _compute(self, v: Value) -> Any:
        f = self.f
        if v.kind == "const":
            return constant(f, v.attrs[0], v.dtype)
        if v.kind == "load":
            return self._load(v)
        if v.kind == "index":
            return self._number(v.attrs[0], v.dtype)
        if v.kind == "inside":
            return self._inside(*v.attrs)
        if v.kind in ("reduce", "arg_reduce"):
            return self.reduction(v)
        args = [self._find(a.number) for a in v.args]
        if v.kind == "iterate":
            return self._carried(v, args)
        return self._applied(v, args)

    def _applied(self, v: Value, args: Sequence[Any]) -> Any:
        """The result of an operation."""
        return operations.apply(self.f, v.kind, v.dtype, [a.dtype for a in v.args], args)

    def _carried(self, v: Value, args: Sequence[Any]) -> Any:
        """A carried value of a recurrence; its other values are cached for later requests."""
        recurrence, index = v.attrs
        key = ("iterate", recurrence, tuple([a.number for a in v.args]))
        known = self._find(key)
        if known is None:
            lanes = max(map(width, args))
            exists = self.mask if self.mask is not None and width(self.mask) == lanes else None
            known = iterated(self.f, recurrence, args, exists)
            self.frames[-1][key] = known
        return known[index]

    # -- indices
    def extent(self, x: int) -> Any:
        """An extent as a number of the code: an int, or the argument that a Dim is."""
        if type(x) is not Dim:
            return int(x)
        return self.dim(x)

    def _divisor(self, extent: int) -> Any:
        x = self.extent(extent)
        # A hoisted division runs even if the loop around it is empty.
        return self.f.max(x, 1) if isinstance(x, Val) else max(x, 1)

    def _partial(self, index: Index) -> None:
        """Adds up the terms of an address that are known by now."""
        key = ("partial", index.key)
        done, base = self._find(key) or (frozenset(), None)
        terms = [
            (a, c) for a, c in index.terms
            # Terms of an address are added where their loops are open: invariant ones leave them.
            if a.number not in done and a.vars <= self.open and self.vector not in a.vars
        ]  # fmt: skip
        if not terms and base is not None:
            return
        base = self.extent(index.const) if base is None else base
        for a, c in terms:
            base = self._times(self._atom(a), c) + base
        self.frames[-1][key] = (done | {a.number for a, _ in terms}, base)

    def _times(self, x: Any, c: int) -> Any:
        c = self.extent(c)
        return x * c if isinstance(x, Val) or not isinstance(c, Val) else c * x

    def parts(self, index: Index) -> tuple[Any, Any, Val | None]:
        """(base, step, offsets): lane i's number is base + i * step + offsets[i]; base and step are scalars."""
        done, base = self._find(("partial", index.key)) or (frozenset(), self.extent(index.const))
        step: Any = 0
        offsets = None
        for atom, c in index.terms:
            if atom.number in done:
                continue
            if atom is self.vector:
                step = self.extent(c)
                # env has lane 0's number; the other lanes follow by `step`.
                base = self._times(self.env[atom], c) + base
                continue
            x = self._atom(atom)
            x = self._times(x, c)
            if isinstance(x, Val) and width(x) > 1:
                offsets = x if offsets is None else offsets + x
            else:
                base = x + base
        # Equal in all lanes: it stays a scalar.
        return base, step, offsets

    def _atom(self, atom: Atom) -> Any:
        """The i64 (or vector of them, or int) that an atom is."""
        if isinstance(atom, Var):
            return self.env[atom]
        if isinstance(atom, Dynamic):
            return self.f.convert(self.get(atom.value), I64, signed=True)
        key = ("atom", atom.number)
        known = self._find(key)
        if known is None:
            known = self.frames[-1][key] = self._division(atom)
        return known

    def _division(self, atom: Any) -> Any:
        x, divisor = self.index(atom.index), self._divisor(atom.divisor)
        if isinstance(x, int) and isinstance(divisor, int):
            return x // divisor if atom.quotient else x % divisor
        x = self.f.i64(x)
        low, high = atom.index.range()
        if low is None or not never_negative(low):
            # Numbers that are never negative are divided as unsigned ones, which LLVM replaces by multiplications or
            # shifts.
            return self._rounded_down(x, divisor, atom.quotient)
        op = "udiv" if atom.quotient else "urem"
        fits = high is not None and type(high) is not Dim and high < 1 << 31
        # Vectors have no high half of a 64-bit product, by which a division by a constant is replaced; one of 32 bits
        # has.
        if width(x) > 1 and fits and isinstance(divisor, int):
            small = self.f.binary(op, self.f.convert(x, "i32"), divisor)
            return self.f.convert(small, I64)
        return self.f.binary(op, x, divisor)

    def _rounded_down(self, x: Val, divisor: Any, quotient: bool) -> Val:
        """x // divisor or x % divisor of an x that may be negative."""
        f = self.f
        rest = f.binary("srem", x, divisor)
        below = f.binary("ashr", rest, 63)  # all ones where the rest is negative
        if quotient:
            return f.binary("sdiv", x, divisor) + below
        return rest + f.binary("and", below, divisor)

    def index(self, index: Index) -> Any:
        """An index as an i64, or a vector of them where lanes differ, or an int."""
        base, step, offsets = self.parts(index)
        f = self.f
        if offsets is None and isinstance(step, int) and step == 0:
            return base
        total = spread(f, f.i64(base), self.lanes)
        if not (isinstance(step, int) and step == 0):
            numbers = f.lane_numbers(self.lanes, I64)
            total = total + (numbers if isinstance(step, int) and step == 1 else numbers * step)
        return total if offsets is None else total + offsets

    def _number(self, index: Index, dtype: Any) -> Any:
        x = self.index(index)
        x = self.f.i64(x) if isinstance(x, int) else x
        return operations.apply(self.f, "cast", dtype, [dtypes.int64], [x])

    def _inside(self, index: Index, low: int, limit: int) -> Val:
        x = self.f.i64(self.index(index))
        return (x >= self.extent(low)) & (x < self.extent(limit))

    # -- memory
    def _load(self, v: Value) -> Any:
        slot, index = v.attrs
        base, step, offsets = self.parts(index)
        guard = self.get(v.args[0]) if v.args else None
        place = memory.Elements(self.pointers[slot], base, step, offsets, self.lanes)
        return memory.load(self.f, place, v.dtype, self.mask, guard)
