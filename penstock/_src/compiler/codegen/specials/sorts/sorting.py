"""Common parts of sorts of lines: keys with the order of values, a stable sort of them, and writing elements in sorted order."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory
from penstock._src.compiler.codegen.scalars.registers import register_type
from penstock._src.ir.node import Node
from penstock._src.native import Module
from penstock._src.native.language.types import BITS, I64, PTR, vec
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

FEWEST = 512  # elements that are sorted by digits
COMPARED = 64  # elements for each lane of a register up to which all are compared with all
BYTES, DIGITS = 8, 256  # bytes of a key, and values of a byte
PIECE = 1 << 18  # elements that are merged between looks for an interrupt
# Words of a thread's scratch for each sorted element: two arrays of keys and two of indices.
WORDS = 4


def is_place(node: Node, index: int) -> bool:
    """True if an argument of a sort is the index of each element in its line, which kernels know without reading it."""
    if node.kind != "sort" or index < node.attrs["num_keys"]:
        return False
    arg = node.args[index]
    return arg.kind == "iota" and arg.attrs["axis"] == node.attrs["axis"]


def arguments(node: Node) -> list[Node | int]:
    """The arguments that kernels of a sort read; 0 for those that number elements."""
    return [0 if is_place(node, i) else a for i, a in enumerate(node.args)]


def forms(node: Node) -> tuple[tuple[Any, bool], ...]:
    """The types of a sort's arguments, and for each True if it is the element index."""
    return tuple([(a.dtype, is_place(node, i)) for i, a in enumerate(node.args)])


def moved(f: Any, source: Val, at: Val, place: Val, form: tuple[Any, bool]) -> Any:
    """The register of an element of an argument at an index of its line."""
    dtype, numbers = form
    if numbers:
        return f.convert(place, register_type(dtype), signed=True)
    return memory.load(f, memory.Elements(source, at), dtype)


def sortable(f: Any, x: Val, dtype: Any, descending: bool, word: str = I64) -> Val:
    """A value as an integer that orders as the values do when compared unsigned; NaN comes last either way.

    Args:
      f: a function.
      x: the value.
      dtype: its type, no wider than the word.
      descending: the order.
      word: I64 or I32.
    """
    top = -(1 << (BITS[word] - 1))
    if dtype.is_floating:
        wide = "double" if word == I64 else "float"
        number = f.convert(x, wide)
        number = f.select(number.eq(0.0), f.const(0.0, wide), number)  # -0 and 0 are equal
        bits = f.bits(number, word)
        # Larger numbers have larger bits if positive, and smaller ones if negative: those are flipped, the others get
        # the top bit.
        key = f.select(bits < 0, ~bits, bits | top)
        key = ~key if descending else key
        return f.select(f.compare("uno", x, x), -1, key)
    key = f.convert(x, word, signed=not dtype.is_unsigned and not dtype.is_bool)
    if not dtype.is_unsigned and not dtype.is_bool:
        # With the sign bit flipped, signed numbers order as unsigned ones.
        key = key ^ top
    return ~key if descending else key


def first_of(line: Val, n: Val, inner: Val) -> Val:
    """The number of the first element of a line of an array (outer, n, inner)."""
    return line // inner * (n * inner) + line % inner


def write_lines(
    f: Any,
    forms: Sequence[tuple[Any, bool]],
    inputs: Sequence[Val],
    outputs: Sequence[Val],
    places: Val,
    extents: tuple[Val, Val, Val],
) -> None:
    """Writes the elements of the task's line at the indices `places`; `extents` are n, inner, and the number of results."""
    n, inner, wanted = extents
    base, to = first_of(f.task, n, inner), first_of(f.task, wanted, inner)

    def write(i: Val) -> None:
        place = f.load(places, i, I64)
        for x, y, form in zip(inputs, outputs, forms, strict=True):
            value = moved(f, x, base + place * inner, place, form)
            memory.store(f, memory.Elements(y, to + i * inner), form[0], value)

    unless_dropped(f, lambda: f.loop(0, wanted, 1, write))


def write_stable_sort(m: Module) -> None:
    """Writes the function stable_sort(keys, places, other_keys, other_places, n, tid): by merging, few elements by counting, many by digits."""
    rooms = dict(keys=PTR, places=PTR, other_keys=PTR, other_places=PTR)
    # On microcontrollers counts of digits take more of the stack than there is, and each lane is code of its own.
    is_small = m.target.is_microcontroller
    more = [] if is_small else [("rank_sort", _rank_sort), ("radix_sort", _radix_sort)]
    for name, write in (("merge_sort", _merge_sort), *more):
        with m.fn(name, internal=True, noalias=False, **rooms, n=I64, tid=I64) as f:
            write(f)
    with m.fn("stable_sort", internal=True, noalias=False, **rooms, n=I64, tid=I64) as f:
        arguments = f.keys, f.places, f.other_keys, f.other_places, f.n, f.tid

        def by(name: str) -> Callable[[], None]:
            return lambda: f.call(name, *arguments)

        def by_size() -> None:
            f.when(f.n < FEWEST, by("merge_sort"), by("radix_sort"))

        if is_small:
            by("merge_sort")()
        else:
            # Comparing all with all has no branches to predict: for few elements nothing is faster.
            f.when(f.n <= COMPARED * m.target.lanes(I64), by("rank_sort"), by_size)


def _rank_sort(f: Any) -> None:
    """Counts for each key those that come before it, several keys at once (Knuth, TAOCP volume 3, 5.2, algorithm C)."""
    lanes = 2 * f.target.lanes(I64)
    ranks = f.other_keys

    def block(first: Val) -> None:
        mask = f.mask(lanes, f.n - first)
        own = f.load(f.keys, first, vec(I64, lanes), mask)
        numbers = f.lane_numbers(lanes, I64) + first

        def others(low: Any, high: Any, before: Callable[[Val, Val], Val], count: Val) -> Val:
            def one(j: Val, count: Val) -> tuple[Val, ...]:
                key = f.splat(f.load(f.keys, j, I64), lanes)
                return (count + f.convert(before(key, j), I64, signed=False),)

            return f.loop(low, high, 1, one, count)[0]

        end = f.min(first + lanes, f.n)
        count = f.splat(f.i64(0), lanes)
        # Equal keys before a key come first, which keeps the sort stable.
        count = others(0, first, lambda key, _: f.compare("ule", key, own), count)
        count = others(
            first,
            end,
            lambda key, j: (
                f.compare("ult", key, own) | (key.eq(own) & (f.splat(j, lanes) < numbers))
            ),
            count,
        )
        count = others(end, f.n, lambda key, _: f.compare("ult", key, own), count)
        f.store(count, ranks, first, mask)

    f.loop(f.i64(0), f.n, lanes, block)
    # The indices have been moved, so that their array can take the keys.
    for source, target in ((f.places, f.other_places), (f.keys, f.places)):

        def move(i: Val, source: Val = source, target: Val = target) -> None:
            f.store(f.load(source, i, I64), target, f.load(ranks, i, I64))

        f.loop(0, f.n, 1, move)
    f.memcpy(f.keys, f.places, f.n * 8)
    f.memcpy(f.places, f.other_places, f.n * 8)


def _radix_sort(f: Any) -> None:
    radix_sort(f, _arrays(f))


def _arrays(f: Any) -> list[tuple[Val, Val]]:
    return [(f.keys, f.other_keys), (f.places, f.other_places)]


def radix_sort(f: Any, arrays: Sequence[tuple[Val, Val]], first_bit: int = 0) -> None:
    """Radix sort by bytes, the lowest first; bytes that are equal in all keys are skipped (Knuth, TAOCP volume 3, 5.2.5).

    Args:
      f: a function with the arguments n and tid.
      arrays: of words that are moved together, each with an array of the same size for the moves. The first has the keys. The result
        is in the first of each two.
      first_bit: of keys; the bits below do not matter.
    """
    count_of_digits = BYTES - first_bit // 8
    counts = f.alloca(I64, count_of_digits * DIGITS)
    f.memset(counts, 0, 8 * count_of_digits * DIGITS)
    keys = arrays[0][0]

    def digit(key: Val, number: int) -> Val:
        return f.binary("lshr", key, first_bit + 8 * number) & (DIGITS - 1)

    def count(i: Val) -> None:
        key = f.load(keys, i, I64)
        for number in range(count_of_digits):
            at = digit(key, number) + number * DIGITS
            f.store(f.load(counts, at, I64) + 1, counts, at)

    _in_pieces(f, count)
    flipped = f.i64(0)
    for number in range(count_of_digits):
        here = f.at(counts, number * DIGITS, I64)
        flipped = _sort_by_digit(f, arrays, here, flipped, functools.partial(digit, number=number))
    f.when(flipped.ne(0), lambda: _copy_back(f, arrays))


def _sort_by_digit(
    f: Any,
    arrays: Sequence[tuple[Val, Val]],
    counts: Val,
    flipped: Val,
    digit: Callable[[Val], Val],
) -> Val:
    """Moves words to the other arrays, unless all keys share the digit; returns 1 if the arrays are exchanged."""
    source = [f.select(flipped.ne(0), b, a) for a, b in arrays]
    target = [f.select(flipped.ne(0), a, b) for a, b in arrays]

    def move() -> tuple[Val, ...]:
        def begin(i: Val, before: Val) -> tuple[Val, ...]:
            number = f.load(counts, i, I64)
            f.store(before, counts, i)
            return (before + number,)

        f.loop(0, DIGITS, 1, begin, f.i64(0))

        def one(i: Val) -> None:
            key = f.load(source[0], i, I64)
            at = digit(key)
            place = f.load(counts, at, I64)
            f.store(place + 1, counts, at)
            f.store(key, target[0], place)
            for a, b in zip(source[1:], target[1:], strict=True):
                f.store(f.load(a, i, I64), b, place)

        _in_pieces(f, one)
        return (flipped ^ 1,)

    # Any key will do: all have this digit, or the first does not have all counts.
    shared = f.load(counts, digit(f.load(arrays[0][0], 0, I64)), I64).eq(f.n)
    return f.when(shared, lambda: (flipped,), move)[0]


def _in_pieces(f: Any, body: Callable[[Val], None]) -> None:
    """A loop over all elements, which looks for an interrupt now and then."""

    def piece(i: Val) -> None:
        unless_dropped(f, lambda: f.loop(i, f.min(i + PIECE, f.n), 1, body))

    f.loop(f.i64(0), f.n, PIECE, piece)


def _copy_back(f: Any, arrays: Sequence[tuple[Val, Val]]) -> None:
    for to, source in arrays:
        f.memcpy(to, source, f.n * 8)


def _merge_sort(f: Any) -> None:
    """Bottom-up: runs of 1, 2, 4 ... are merged into the other arrays; the result is copied back if it ends there.

    Between pieces of many elements it looks for an interrupt, after which it merges no more.
    """
    rooms = (f.keys, f.places, f.other_keys, f.other_places)

    def pass_over(run: Val, flipped: Val) -> tuple[Val, Val]:
        there = lambda: _merge_pass(f, run, rooms[2:], rooms[:2])
        f.when(flipped.ne(0), there, lambda: _merge_pass(f, run, rooms[:2], rooms[2:]))
        return run * 2, flipped ^ 1

    _, flipped = f.loop_while(lambda run, _: run < f.n, pass_over, f.i64(1), f.i64(0))
    f.when(flipped.ne(0), lambda: _copy_back(f, _arrays(f)))


def _merge_pass(f: Any, run: Val, source: Sequence[Val], target: Sequence[Val]) -> None:
    """Merges each two neighboring runs of `run` elements."""
    # Short runs are merged without looking for interrupts: their block has looked.
    is_large = run * 2 > PIECE

    def dropped() -> tuple[Val]:
        return (f.call("penstock_task_is_dropped", f.tid, ret=I64),)

    def pair(low: Val) -> None:
        middle, high = f.min(low + run, f.n), f.min(low + run * 2, f.n)

        def piece(k: Val, i: Val, j: Val) -> Sequence[Val]:
            (ends,) = f.when(is_large, dropped, lambda: (f.i64(0),))
            end = f.select(ends.eq(0), f.min(k + PIECE, high), k)
            return _merge(f, (k, end), (i, middle), (j, high), source, target)

        f.loop(low, high, PIECE, piece, low, middle)

    def block(at: Val) -> None:
        unless_dropped(f, lambda: f.loop(at, f.min(at + size, f.n), run * 2, pair))

    size = f.max(run * 2, PIECE)
    f.loop(f.i64(0), f.n, size, block)


def _merge(
    f: Any,
    out: tuple[Val, Val],
    left: tuple[Val, Val],
    right: tuple[Val, Val],
    source: Sequence[Val],
    target: Sequence[Val],
) -> Sequence[Val]:
    """Merges two sorted runs into a range of the target; each is (begin, end). Returns where both runs were left."""
    (i, left_end), (j, right_end) = left, right

    def one(k: Val, i: Val, j: Val) -> tuple[Val, Val]:
        has_left, has_right = i < left_end, j < right_end
        # An exhausted run reads its first element: the index stays valid.
        a = f.load(source[0], f.select(has_left, i, 0), I64)
        b = f.load(source[0], f.select(has_right, j, 0), I64)
        # Of equal keys the left one, which came first.
        first = has_left & (~has_right | f.compare("ule", a, b))
        f.store(f.select(first, a, b), target[0], k)
        place = f.load(source[1], f.select(first, i, j), I64)
        f.store(place, target[1], k)
        step = f.convert(first, I64, signed=False)
        return i + step, j + (1 - step)

    return f.loop(*out, 1, one, i, j)
