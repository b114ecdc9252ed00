"""Triangular systems of equations: a task for some columns of right-hand sides."""

from collections.abc import Sequence

from penstock._src.compiler.codegen.scalars.registers import memory_type
from penstock._src.compiler.codegen.specials.matrices.blocks import (
    BLOCK,
    copy_rows,
    panel_stride,
    write_block_functions,
)
from penstock._src.compiler.codegen.specials.special import Scratch, SpecialLaunch
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.types import I64, PTR, SIZE
from penstock._src.native.language.value import Val
from penstock._src.native.process.interrupts import unless_dropped

COLUMNS = 128  # of a task: with the rows of a block they fit into the first cache


def launch(node: Node, _outputs: Sequence[Node], target: Target, threads: int) -> SpecialLaunch:
    """The launch that solves systems."""
    b, a = node.args
    batch, n, columns = b.shape
    ty = memory_type(b.dtype)
    form = ty, bool(node.attrs["lower"]), bool(node.attrs["unit"])
    parts = dims.ceil_divide(columns, COLUMNS)
    tasks = batch * parts if n else 0
    size = BLOCK * panel_stride(COLUMNS, target, ty) * SIZE[ty]
    return SpecialLaunch(
        ("triangular systems", *form), lambda target: emit(*form, target), tasks,
        (n, columns, Scratch(size * dims.minimum(tasks, threads)), parts, a, b, node),
        f"triangular solve[{batch}, {n}, {columns}]",
    )  # fmt: skip


def emit(ty: str, lower: bool, unit: bool, target: Target) -> Code:
    """Context: n, columns, scratch for each thread, tasks of a matrix, matrices, right-hand sides, solutions."""
    m = Module(target)
    write_block_functions(m, ty)
    room = panel_stride(COLUMNS, target, ty)
    with m.task("task") as f:
        n, columns, parts = (f.load(f.ctx, i, I64) for i in (0, 1, 3))
        a, b, x = (f.load(f.ctx, 4 + i, PTR) for i in range(3))
        panel = f.at(f.load(f.ctx, 2, PTR), f.tid * (BLOCK * room), ty)
        number, first = f.task // parts, f.task % parts * COLUMNS
        width = f.min(columns - first, COLUMNS)
        matrix = f.at(a, number * n * n, ty)
        b, x = (f.at(each, number * n * columns + first, ty) for each in (b, x))
        copy_rows(f, x, columns, b, columns, (n, width), ty)

        def block(step: Val) -> None:
            size = f.min(n - step, BLOCK)
            begin = step if lower else n - step - size
            own = f.at(x, begin * columns, ty)
            copy_rows(f, panel, f.i64(room), own, columns, (size, width), ty)
            corner = f.at(matrix, begin * n + begin, ty)
            f.call("substitute", corner, n, size, panel, room, width, int(lower), int(unit))
            copy_rows(f, own, columns, panel, f.i64(room), (size, width), ty)
            rest = begin + size if lower else f.i64(0)
            rows = n - rest if lower else begin
            factors = f.at(matrix, rest * n + begin, ty)
            to = f.at(x, rest * columns, ty)
            f.call("subtract", to, columns, factors, n, 1, panel, room, rows, width, size)

        f.loop(f.i64(0), n, BLOCK, lambda step: unless_dropped(f, lambda: block(step)))
    return Code.of(m)
