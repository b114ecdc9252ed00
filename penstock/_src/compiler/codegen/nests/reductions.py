"""Running results of reductions: initial values, one step, and the final fold of lanes."""

from collections.abc import Callable
from typing import Any

from penstock._src.compiler.codegen.scalars import operations
from penstock._src.compiler.codegen.scalars.registers import (
    Pair,
    constant,
    joined,
    parts,
    register_type,
    rounded,
    spread,
    width,
)
from penstock._src.compiler.kernels.values import Value
from penstock._src.core import dtypes
from penstock._src.core.typesets import NARROW
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, vec
from penstock._src.native.language.value import Val

COMBINE = {
    "sum": "add",
    "prod": "mul",
    "max": "maximum",
    "min": "minimum",
    "any": "or",
    "all": "and",
}


def identity(op: str, dtype: Any) -> Any:
    """The neutral element of a reduction."""
    if op in ("sum", "any"):
        return 0
    if op in ("prod", "all"):
        return 1
    if dtype.is_floating:
        return float("-inf") if op == "max" else float("inf")
    if dtype.is_bool:
        return op == "min"
    return int(dtype.min if op == "max" else dtype.max)


def combine(f: Fn, op: str, dtype: Any, a: Any, b: Any) -> Any:
    """Two partial results as one; narrow floats stay in float."""
    # Rounded once, at the end: rounding each step would lose the bits below the total's last bit.
    wide = dtypes.float32 if dtype in NARROW else dtype
    return operations.apply(f, COMBINE[op], wide, [wide, wide], [a, b])


def select(f: Fn, mask: Val, a: Any, b: Any) -> Any:
    if isinstance(a, Pair):
        return Pair(f.select(mask, a.re, b.re), f.select(mask, a.im, b.im))
    return f.select(mask, a, b)


def halves(f: Fn, x: Any) -> tuple[Any, Any]:
    """The lower and the upper lanes of a vector."""
    if isinstance(x, Pair):
        (a, b), (c, d) = halves(f, x.re), halves(f, x.im)
        return Pair(a, c), Pair(b, d)
    n = width(x) // 2
    if n == 1:
        return f.extract(x, 0), f.extract(x, 1)
    return f.shuffle(x, None, list(range(n))), f.shuffle(x, None, list(range(n, 2 * n)))


def fold(f: Fn, x: Any, join: Callable[[Any, Any], Any]) -> Any:
    """All lanes combined, as a balanced tree."""
    while width(x) > 1:
        x = join(*halves(f, x))
    return x


class Running:
    """One reduction's carried values: the result so far, or the best so far and where it was."""

    def __init__(self, f: Fn, value: Value, lanes: int, by_vectors: bool):
        self.f, self.value, self.lanes, self.by_vectors = f, value, lanes, by_vectors
        self.op, self.dtype = value.attrs[0], value.args[0].dtype
        self.is_arg = value.kind == "arg_reduce"
        self.carried = 2 if self.is_arg or self.dtype.is_complex else 1

    def start(self) -> Any:
        """The neutral element in every lane."""
        return spread(
            self.f, constant(self.f, identity(self.op, self.dtype), self.dtype), self.lanes
        )

    def initial(self) -> list[Val]:
        start = self.start()
        if self.is_arg:
            if self.by_vectors and self.lanes > 1:  # each lane starts at the element it sees first
                return [start, self.f.lane_numbers(self.lanes, I64)]
            return [start, spread(self.f, self.f.i64(0), self.lanes)]
        return list(parts(start))

    def step(self, values: tuple, x: Any, where: Val | None, mask: Val | None) -> list[Val]:
        f = self.f
        if self.is_arg:
            best, place = values
            better = self._better(x, best)
            if mask is not None:
                better = better & mask
            return [f.select(better, x, best), f.select(better, where, place)]
        if mask is not None:
            # Lanes that do not exist hold the neutral element.
            x = select(f, mask, x, self.start())
        total = combine(f, self.op, self.dtype, joined(values), x)
        return list(parts(total))

    def combined(self, a: tuple, b: tuple) -> list[Val]:
        """Two partial results as one; of equal elements the first is where an arg-reduction's result is."""
        if self.is_arg:
            return self._first_best(a, b)
        total = combine(self.f, self.op, self.dtype, joined(a), joined(b))
        return list(parts(total))

    def initial_type(self) -> str:
        """LLVM's type of each carried value."""
        element = register_type(self.dtype)
        return vec(element, self.lanes) if self.lanes > 1 else element

    def _better(self, x: Val, best: Val) -> Val:
        """Emit the condition that x replaces the best so far: a NaN counts as best, as in NumPy."""
        f = self.f
        name = "gt" if self.op == "max" else "lt"
        better = operations.apply(f, name, dtypes.bool_, [self.dtype, self.dtype], [x, best])
        if self.dtype.is_floating:
            # The first NaN stays: another one does not replace it.
            better = better | (f.compare("uno", x, x) & f.compare("ord", best, best))
        return better

    def result(self, values: tuple) -> Any:
        f = self.f
        if self.is_arg:
            return self._place(values)
        total = joined(values)
        if self.by_vectors:
            total = fold(f, total, lambda a, b: combine(f, self.op, self.dtype, a, b))
        return rounded(f, total, self.dtype) if self.dtype in NARROW else total

    def _first_best(self, first: tuple, second: tuple) -> list[Val]:
        """The better of two elements with their indices; of equal ones, that with the lower index."""
        f = self.f
        (a, i), (b, j) = first, second
        tie = operations.apply(f, "eq", dtypes.bool_, [self.dtype, self.dtype], [a, b])
        if self.dtype.is_floating:
            # Two NaNs count as equal, so that the first one wins.
            tie = tie | (f.compare("uno", a, a) & f.compare("uno", b, b))
        chosen = self._better(b, a) | (tie & (j < i))
        return [f.select(chosen, b, a), f.select(chosen, j, i)]

    def _place(self, values: tuple) -> Val:
        f = self.f
        best, place = values
        while self.by_vectors and width(best) > 1:
            (a, b), (i, j) = halves(f, best), halves(f, place)
            best, place = self._first_best((a, i), (b, j))
        return operations.apply(f, "cast", self.value.dtype, [dtypes.int64], [place])
