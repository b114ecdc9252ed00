"""Kernels along lines of an array seen as (outer, n, inner): running sums, and sorting.

All extents are run-time numbers, so there is one kernel for each type and operation.
"""

from __future__ import annotations

from typing import Any

from penstock._src.compiler.codegen.nests import memory, reductions
from penstock._src.compiler.codegen.scalars.registers import (
    Pair,
    constant,
    memory_type,
    rounded,
    spread,
)
from penstock._src.core.typesets import NARROW
from penstock._src.native import Code, Module
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val

SCAN_WIDTH = 2  # registers of a vector of lines


def emit_scan(
    op: str, dtype: Any, exclusive: bool, reverse: bool, single: bool, target: Any
) -> Code:
    """Running results. Context: input, output, n, inner, lines' groups in all, groups a task.

    `single`: inner is 1, and a group is one line; else a group is a vector of neighbouring lines.
    """
    m = Module(target)
    n_lanes = 1 if single else SCAN_WIDTH * target.lanes(memory_type(dtype))
    with m.task("task") as f:
        source, output = f.load(f.ctx, 0, PTR), f.load(f.ctx, 1, PTR)
        n, inner, total, per = (f.load(f.ctx, i, I64) for i in range(2, 6))
        low = f.task * per
        start = spread(f, constant(f, reductions.identity(op, dtype), dtype), n_lanes)

        def group(number):
            if single:
                base, mask = number * n, None
            else:
                groups = (inner + (n_lanes - 1)) // n_lanes
                outer, column = number // groups, number % groups * n_lanes
                base, mask = outer * (n * inner) + column, f.mask(n_lanes, inner - column)

            def step(i, *carried):
                at = base + ((n - 1) - i if reverse else i) * inner
                place = memory.Elements(source, at, 0 if single else 1, None, n_lanes)
                target_place = memory.Elements(output, at, 0 if single else 1, None, n_lanes)
                x = memory.load(f, place, dtype, mask, None)
                before = Pair(*carried) if dtype.is_complex else carried[0]
                after = reductions.combine(f, op, dtype, before, x)
                result = before if exclusive else after
                if dtype in NARROW:
                    result = rounded(f, result, dtype)
                memory.store(f, target_place, dtype, result, mask)
                return (after.re, after.im) if isinstance(after, Pair) else (after,)

            f.loop(0, n, 1, step, *((start.re, start.im) if isinstance(start, Pair) else (start,)))

        f.loop(low, f.min(low + per, total), 1, group)
    return Code.of(m)


def scan_lanes(dtype: Any, target: Any) -> int:
    """How many lines a group of a scan has that is not single."""
    return SCAN_WIDTH * target.lanes(memory_type(dtype))


def sortable(f: Any, x: Val, dtype: Any, descending: bool) -> Val:
    """A value as an i64 that orders as the values do when compared unsigned; NaN comes last either way."""
    if dtype.is_floating:
        wide = f.convert(x, "double")
        wide = f.select(wide.eq(0.0), f.const(0.0, "double"), wide)  # -0 and 0 are equal
        bits = f.bits(wide, I64)
        key = f.select(bits < 0, ~bits, bits | -(1 << 63))
        key = ~key if descending else key
        return f.select(f.compare("uno", x, x), -1, key)
    key = f.convert(x, I64, signed=not dtype.is_unsigned and not dtype.is_bool)
    if not dtype.is_unsigned and not dtype.is_bool:
        key = key ^ -(1 << 63)
    return ~key if descending else key


def emit_sort(dtypes: tuple, keys: int, descending: bool, target: Any) -> Code:
    """Sorts lines by a stable merge sort, once for each key, the last key first.

    Context: n, inner, lines, scratch, bytes of scratch a thread, then inputs, then outputs.  A thread's scratch holds two
    arrays of keys and two of places, n words each.
    """
    m = Module(target)
    with m.fn(
        "merge_sort",
        internal=True,
        noalias=False,
        keys=PTR,
        places=PTR,
        other_keys=PTR,
        other_places=PTR,
        n=I64,
    ) as f:
        _merge_sort(f)
    with m.task("task") as f:
        n, inner, lines = (f.load(f.ctx, i, I64) for i in range(3))
        scratch = f.at(f.load(f.ctx, 3, PTR), f.tid * f.load(f.ctx, 4, I64), "i8")
        count = len(dtypes)
        inputs = [f.load(f.ctx, 5 + i, PTR) for i in range(count)]
        outputs = [f.load(f.ctx, 5 + count + i, PTR) for i in range(count)]
        rooms = [f.at(scratch, n * k, I64) for k in range(4)]
        base = f.task // inner * (n * inner) + f.task % inner
        f.loop(0, n, 1, lambda i: f.store(i, rooms[1], i))
        for k in range(keys - 1, -1, -1):

            def prepare(i, k=k):
                at = base + f.load(rooms[1], i, I64) * inner
                x = memory.load(
                    f, memory.Elements(inputs[k], at, 0, None, 1), dtypes[k], None, None
                )
                f.store(sortable(f, x, dtypes[k], descending), rooms[0], i)

            f.loop(0, n, 1, prepare)
            f.call("merge_sort", *rooms, n)

        def write(i):
            at = base + f.load(rooms[1], i, I64) * inner
            for x, y, dtype in zip(inputs, outputs, dtypes):
                value = memory.load(f, memory.Elements(x, at, 0, None, 1), dtype, None, None)
                memory.store(
                    f, memory.Elements(y, base + i * inner, 0, None, 1), dtype, value, None
                )

        f.loop(0, n, 1, write)
        del lines
    return Code.of(m)


def _merge_sort(f: Any) -> None:
    """Bottom-up: runs of 1, 2, 4 ... are merged into the other arrays; the result is copied back if it ends there."""
    rooms = (f.keys, f.places, f.other_keys, f.other_places)

    def merge(low, middle, high, source, target):
        def one(k, i, j):
            left, right = i < middle, j < high
            a = f.load(source[0], f.select(left, i, 0), I64)
            b = f.load(source[0], f.select(right, j, 0), I64)
            first = left & (~right | f.compare("ule", a, b))
            f.store(f.select(first, a, b), target[0], k)
            place = f.load(source[1], f.select(first, i, j), I64)
            f.store(place, target[1], k)
            step = f.convert(first, I64, signed=False)
            return i + step, j + (1 - step)

        f.loop(low, high, 1, one, low, middle)

    def pass_over(run, flipped):
        def go(source, target):
            def pair(low):
                middle = f.min(low + run, f.n)
                merge(low, middle, f.min(low + run * 2, f.n), source, target)

            f.loop(f.i64(0), f.n, run * 2, pair)

        f.when(flipped.ne(0), lambda: go(rooms[2:], rooms[:2]), lambda: go(rooms[:2], rooms[2:]))
        return run * 2, flipped ^ 1

    _, flipped = f.loop_while(lambda run, _: run < f.n, pass_over, f.i64(1), f.i64(0))

    def back():
        f.memcpy(f.keys, f.other_keys, f.n * 8)
        f.memcpy(f.places, f.other_places, f.n * 8)

    f.when(flipped.ne(0), back)


__all__ = ["emit_scan", "emit_sort", "scan_lanes"]
