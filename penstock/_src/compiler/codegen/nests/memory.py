"""Loads and stores of register values at offsets that advance with the lanes."""

from typing import Any

from penstock._src.compiler.codegen.scalars.registers import (
    Pair,
    from_memory,
    memory_type,
    spread,
    to_memory,
    width,
)
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, SIZE, lanes, vec
from penstock._src.native.language.value import Val
from penstock._src.util.dataclass import dataclass

_NEAR, _NEAR_BYTES = (-1, 2, 3, 4), 16  # steps, in elements and at most in bytes


@dataclass(frozen=True)
class Elements:
    """Elements at pointer + base + lane * step + offsets[lane]."""

    pointer: Val
    base: Any
    step: Any = 0
    offsets: Val | None = None
    lanes: int = 1

    @property
    def is_one(self) -> bool:
        """All lanes at one element."""
        return self.offsets is None and isinstance(self.step, int) and self.step == 0

    @property
    def is_row(self) -> bool:
        """Lanes at neighboring elements."""
        return self.offsets is None and isinstance(self.step, int) and self.step == 1

    def are_near(self, ty: str) -> bool:
        """True if elements are so near to each other that rows of all between cost less than one load for each lane."""
        is_known = self.offsets is None and self.lanes >= 4 and type(self.step) is int
        return is_known and self.step in _NEAR and abs(self.step) * SIZE[ty] <= _NEAR_BYTES

    def numbers(self, f: Fn) -> Val:
        """Element numbers relative to pointer + base, a vector."""
        total = self.offsets
        if not (isinstance(self.step, int) and self.step == 0):
            steps = f.lane_numbers(self.lanes, I64) * self.step
            total = steps if total is None else total + steps
        return spread(f, f.const(0, I64), self.lanes) if total is None else total


def _both(a: Val | None, b: Val | None) -> Val | None:
    if a is None or b is None:
        return a if b is None else b
    return a & b


def load(
    f: Fn, place: Elements, dtype: Any, mask: Val | None = None, guard: Val | None = None
) -> Any:
    """Loads the element at an offset; nothing is loaded where `guard` or `mask` is false."""
    ty = memory_type(dtype)
    if dtype.is_complex:
        return _load_pair(f, place, ty, mask, guard)
    if place.is_one and (guard is None or width(guard) == 1):
        (x,) = f.load_where(guard, place.pointer, [place.base], ty)
        return from_memory(f, x, dtype)
    if mask is None and place.are_near(ty) and (guard is None or width(guard) == 1):
        return from_memory(f, _load_near(f, place, ty, guard), dtype)
    if guard is not None:
        mask = _both(spread(f, guard, place.lanes), mask)
    if place.is_row:
        return from_memory(f, f.load(place.pointer, place.base, vec(ty, place.lanes), mask), dtype)
    # The base alone may lie outside of the array, where the mask is false or offsets are added.
    start = f.at_any(place.pointer, place.base, ty)
    return from_memory(f, f.gather(start, place.numbers(f), vec(ty, place.lanes), mask), dtype)


def _load_near(f: Fn, place: Elements, ty: str, guard: Val | None) -> Val:
    """Loads elements a few apart; zeros where the guard, one for all lanes, does not hold."""
    row = vec(ty, place.lanes)

    def loaded() -> tuple[Val]:
        return (_load_spread(f, f.at_any(place.pointer, place.base, ty), place.step, row),)

    (x,) = loaded() if guard is None else f.when(guard, loaded, lambda: (f.const(0, row),))
    return x


def _load_spread(f: Fn, start: Val, step: int, ty: str) -> Val:
    """Loads every `step`-th element by rows that lie between the first element and the last, so that none is read beyond them."""
    count = lanes(ty)
    low, high = sorted((0, step * (count - 1)))
    result: Val | None = None
    for begin in range(low, high + 1, count):
        # The last row is moved back to end at the last element; lanes that are there already are picked again.
        begin = min(begin, high + 1 - count)
        row = f.load(start, begin, ty)
        places = [step * lane - begin for lane in range(count)]
        if result is None:
            result = f.shuffle(row, None, [p if 0 <= p < count else None for p in places])
        else:
            numbered = enumerate(places)
            picked = [count + p if 0 <= p < count else lane for lane, p in numbered]
            result = f.shuffle(result, row, picked)
    assert result is not None
    return result


def store(f: Fn, place: Elements, dtype: Any, x: Any, mask: Val | None = None) -> None:
    """Stores a register value; lanes outside `mask` leave memory as it is."""
    if dtype.is_complex:
        _store_pair(f, place, memory_type(dtype), x, mask)
        return
    if place.is_one:
        if width(x) > 1:
            x = f.extract(x, 0)
        f.store(to_memory(f, x, dtype), place.pointer, place.base)
        return
    x = to_memory(f, spread(f, x, place.lanes), dtype)
    if place.is_row:
        f.store(x, place.pointer, place.base, mask)
    else:
        f.scatter(
            x, f.at_any(place.pointer, place.base, memory_type(dtype)), place.numbers(f), mask
        )


def _twice(x: Any) -> Any:
    return x * 2


def _load_pair(f: Fn, place: Elements, ty: str, mask: Val | None, guard: Val | None) -> Pair:
    if place.is_one and (guard is None or width(guard) == 1):
        base = _twice(f.i64(place.base))
        return Pair(*f.load_where(guard, place.pointer, [base, base + 1], ty))
    if guard is not None:
        mask = _both(spread(f, guard, place.lanes), mask)
    start = f.at_any(place.pointer, _twice(f.i64(place.base)), ty)
    # Real and imaginary parts alternate in memory: two vectors are loaded as one and taken apart.
    if place.is_row and mask is None:
        both = f.load(start, 0, vec(ty, 2 * place.lanes))
        even = list(range(0, 2 * place.lanes, 2))
        return Pair(f.shuffle(both, None, even), f.shuffle(both, None, [i + 1 for i in even]))
    numbers = place.numbers(f) * 2
    of = vec(ty, place.lanes)
    return Pair(f.gather(start, numbers, of, mask), f.gather(start, numbers + 1, of, mask))


def _store_pair(f: Fn, place: Elements, ty: str, x: Pair, mask: Val | None) -> None:
    start = f.at_any(place.pointer, _twice(f.i64(place.base)), ty)
    if place.is_one:
        re, im = (f.extract(v, 0) if width(v) > 1 else v for v in (x.re, x.im))
        f.store(re, start)
        f.store(im, start, 1)
        return
    x = spread(f, x, place.lanes)
    if place.is_row and mask is None:
        n = place.lanes
        f.store(f.shuffle(x.re, x.im, [i // 2 + n * (i % 2) for i in range(2 * n)]), start)
        return
    numbers = place.numbers(f) * 2
    f.scatter(x.re, start, numbers, mask)
    f.scatter(x.im, start, numbers + 1, mask)
