"""Running sums, products, maxima and minima along lines of an array seen as (outer, n, inner).

All extents are run-time numbers, so there is one kernel for each type and operation.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory, reductions
from penstock._src.compiler.codegen.scalars.registers import (
    constant,
    joined,
    memory_type,
    parts,
    rounded,
    spread,
)
from penstock._src.compiler.codegen.specials.special import TASK, SpecialLaunch, line_extents
from penstock._src.core.typesets import NARROW
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I64, PTR

SCAN_WIDTH = 2  # registers of a vector of lines
PIECE = 1 << 16  # elements of a line between looks for an interrupt


def launch(node: Node, _outputs: Sequence[Node], target: Target, _threads: int) -> SpecialLaunch:
    """The launch of a scan: tasks share out the lines, or vectors of neighboring lines."""
    (x,) = node.args
    outer, n, inner = line_extents(x.shape, node.attrs["axis"])
    single = inner == 1
    form = node.op, node.dtype, node.attrs["exclusive"], node.attrs["reverse"], single
    lanes = 1 if single else scan_lanes(node.dtype, target)
    groups = outer * -(-inner // lanes)
    per = dims.maximum(1, TASK // dims.maximum(n * lanes, 1))
    return SpecialLaunch(
        ("scan", *form), lambda target: emit_scan(*form, target), -(-groups // per) if n else 0,
        (x, node, n, inner, groups, per), f"scan[{outer}, {n}, {inner}]",
    )  # fmt: skip


def emit_scan(
    op: str, dtype: Any, exclusive: bool, reverse: bool, single: bool, target: Any
) -> Code:
    """Running results. Context: input, output, n, inner, lines' groups in all, groups a task.

    `single`: inner is 1, and a group is one line; else a group is a vector of neighboring lines.
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
                x = memory.load(f, place, dtype, mask)
                before = joined(carried)
                after = reductions.combine(f, op, dtype, before, x)
                # The carried result keeps float32; only what is stored is rounded.
                result = before if exclusive else after
                if dtype in NARROW:
                    result = rounded(f, result, dtype)
                memory.store(f, target_place, dtype, result, mask)
                return parts(after)

            _in_pieces(f, n, step, parts(start))

        f.loop(low, f.min(low + per, total), 1, group)
    return Code.of(m)


def _in_pieces(f: Any, n: Any, step: Any, carried: Any) -> None:
    """A loop over the elements of a line, which ends early after an interrupt: long lines look for one between pieces."""

    def piece(first: Any, *carried: Any) -> Any:
        def dropped() -> tuple[Any]:
            return (f.call("penstock_task_is_dropped", f.tid, ret=I64),)

        (ends,) = f.when(n > PIECE, dropped, lambda: (f.i64(0),))
        last = f.select(ends.eq(0), f.min(first + PIECE, n), first)
        return f.loop(first, last, 1, step, *carried)

    f.loop(0, n, PIECE, piece, *carried)


def scan_lanes(dtype: Any, target: Any) -> int:
    """The number of lines in a group of a scan, if it is not single."""
    return SCAN_WIDTH * target.lanes(memory_type(dtype))
