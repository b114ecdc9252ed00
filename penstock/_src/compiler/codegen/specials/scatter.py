"""Scatter: updates combined into an array at index vectors, in the order of the updates.

Tasks divide the columns of the updated slices, so every element is updated by one task and results do not depend on
threads; single elements with unique indices are divided by update.
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests import memory, reductions
from penstock._src.compiler.codegen.scalars.registers import memory_type, register_type, rounded
from penstock._src.compiler.codegen.specials.special import TASK, Bounds, SpecialLaunch
from penstock._src.core.dtypes import DType
from penstock._src.core.typesets import NARROW
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I64, PTR
from penstock._src.native.language.value import Val

COMBINE = {"add": "sum", "mul": "prod", "max": "max", "min": "min"}


def launch(node: Node, _outputs: Sequence[Node], target: Target, threads: int) -> SpecialLaunch:
    """The launch of a scatter into the initial value of its result."""
    x, indices, updates = node.args
    depth = int(indices.shape[-1])
    extents = tuple(map(dims.settled, x.shape[:depth]))
    vectors = dims.settled(dims.product(indices.shape[:-1]))
    size = dims.settled(dims.product(x.shape[depth:]))
    single = dims.is_one(size)
    # With unique indices no two updates meet, so that tasks may divide the updates themselves.
    spread = single and bool(node.attrs.get("unique"))
    form = node.op, node.dtype, indices.dtype, depth, single, spread
    n = 1 if single else lanes_of(node.dtype, target)
    shared = vectors if spread else size
    # Every task reads all index vectors: few, large tasks unless the updates are worth more.
    most = dims.minimum(dims.ceil_divide(shared, n), vectors * size // TASK + 1)
    most = dims.maximum(1, dims.minimum(most, 4 * threads))
    # Whole vectors for each task, so that only the last one has a masked rest.
    per = dims.maximum(1, dims.ceil_divide(dims.ceil_divide(shared, most), n) * n)
    works = vectors and size and 0 not in extents
    return SpecialLaunch(
        ("scatter", *form), lambda target: emit_scatter(*form, target),
        -(-shared // per) if works else 0,
        (node, indices, updates, vectors, size, per, *extents), f"scatter[{vectors}, {size}]",
        Bounds(indices, extents) if node.attrs["mode"] == "error" else None,
    )  # fmt: skip


def lanes_of(dtype: Any, target: Any) -> int:
    """Lanes of the vectors that go along a slice."""
    return target.lanes(register_type(dtype)) if not dtype.is_bool else target.lanes("i8")


def emit_scatter(
    op: str, dtype: Any, index_dtype: Any, depth: int, single: bool, spread: bool, target: Any
) -> Code:
    """Context: output, indices, updates, index vectors, elements of a slice, columns a task, then `depth` extents.

    `single`: slices are single elements. `spread`: their indices are unique as well, so that tasks divide index vectors
    instead of columns.
    """
    m = Module(target)
    n = 1 if single else lanes_of(dtype, target)
    with m.task("task") as f:
        output, indices, updates = (f.load(f.ctx, i, PTR) for i in range(3))
        vectors, size, per = (f.load(f.ctx, i, I64) for i in range(3, 6))
        extents = [f.load(f.ctx, 6 + i, I64) for i in range(depth)]
        low = f.task * per
        high = f.min(low + per, vectors if spread else size)

        def vector(number):
            row, inside = row_of_vector(f, indices, number, extents, index_dtype)

            def apply():
                def some(column, mask=None):
                    places = row * size + column, number * size + column
                    update(f, op, dtype, output, updates, *places, n, 0 if single else 1, mask)

                if single:
                    some(f.i64(0) if spread else low)
                else:
                    whole = low + (high - low) // n * n
                    f.loop(low, whole, n, some)
                    f.once(whole, high, lambda column: some(column, f.mask(n, high - column)))

            # Where an index out of range is an error, a check has raised it before this kernel.
            f.when(inside, apply)

        first, last = (low, high) if spread else (0, vectors)
        f.loop(first, last, 1, vector)
    return Code.of(m)


def row_of_vector(
    f: Fn, indices: Val, number: Val, extents: Sequence[Val], index_dtype: DType
) -> tuple[Val, Val]:
    """(the number of the slice that an index vector selects, True if it exists)"""
    row, inside, ty = f.i64(0), f.const(1, "i1"), memory_type(index_dtype)
    for i, extent in enumerate(extents):
        x = f.load(indices, number * len(extents) + i, ty)
        x = f.convert(x, I64, not index_dtype.is_unsigned)
        inside &= (x >= 0) & (x < extent)
        row = row * extent + x
    return row, inside


def update(
    f: Fn, op: str, dtype: DType, output: Val, updates: Val, at: Val, source: Val, n: int, step: int, mask: Val | None = None
) -> None:  # fmt: skip
    """Combines `n` elements, `step` apart, of the updates starting at `source` into those of the output starting at `at`."""
    place = memory.Elements(output, at, step, None, n)
    new = memory.load(f, memory.Elements(updates, source, step, None, n), dtype, mask)
    if op != "set":
        old = memory.load(f, place, dtype, mask)
        new = reductions.combine(f, COMBINE[op], dtype, old, new)
        if dtype in NARROW:
            new = rounded(f, new, dtype)
    memory.store(f, place, dtype, new, mask)
