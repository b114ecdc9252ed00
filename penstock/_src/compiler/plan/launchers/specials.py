"""Launches of the kinds that have emitters of their own."""

from __future__ import annotations

import math
from typing import Any

from penstock._src.compiler.codegen.specials import checks, lines, random_bits, scatter
from penstock._src.compiler.kernels.kernel import BoundsKernel, SpecialKernel
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.launch_table import STATUS
from penstock._src.compiler.plan.launchers.nests import begin_with
from penstock._src.compiler.plan.plan import CheckFailed, OutOfBounds
from penstock._src.ir.node import Node

TASK = 1 << 14  # elements of a task


def line_extents(shape: tuple[int, ...], axis: int) -> tuple[int, int, int]:
    """(outer, n, inner) of lines along an axis."""
    numbers = [int(d) for d in shape]
    return math.prod(numbers[:axis]), numbers[axis], math.prod(numbers[axis + 1 :])


def launch_random_bits(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the launch that fills an array with random bits."""
    node = kernel.node
    key, counter = node.args
    algorithm, count = node.attrs["algorithm"], int(node.attrs["count"])
    counters = int(counter.size)
    code = builder.code(
        ("random_bits", algorithm, counters > 1),
        lambda target: random_bits.emit_random_bits(algorithm, counters, target),
    )
    blocks = -(-count // random_bits.WORDS[algorithm])
    args = [builder.used(key), builder.used(counter), builder.used(node), count]
    builder.note(kernel, [builder.used(key), builder.used(counter)], [builder.used(node)])
    builder.add(code, "task", -(-blocks // random_bits.BLOCKS), args, f"random bits[{count}]")


def launch_scan(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the launch of a scan along lines."""
    node = kernel.node
    (x,) = node.args
    outer, n, inner = line_extents(x.shape, node.attrs["axis"])
    single = inner == 1
    form = node.op, node.dtype, node.attrs["exclusive"], node.attrs["reverse"], single
    code = builder.code(("scan", *form), lambda target: lines.emit_scan(*form, target))
    builder.note(kernel, [builder.used(x)], [builder.used(node)])
    groups = outer if single else outer * -(-inner // lines.scan_lanes(node.dtype, builder.target))
    size = n * (1 if single else lines.scan_lanes(node.dtype, builder.target))
    per = max(1, TASK // max(size, 1))
    if outer and n and inner:
        args = [builder.used(x), builder.used(node), n, inner, groups, per]
        builder.add(code, "task", -(-groups // per), args, f"scan[{outer}, {n}, {inner}]")


def launch_sort(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the launch of a sort of lines."""
    node = kernel.node
    outer, n, inner = line_extents(node.args[0].shape, node.attrs["axis"])
    form = (
        tuple([a.dtype for a in node.args]),
        node.attrs["num_keys"],
        bool(node.attrs["descending"]),
    )
    code = builder.code(("sort", *form), lambda target: lines.emit_sort(*form, target))
    if not (outer and n and inner):
        return
    room = 4 * 8 * n
    scratch = builder.temporary("places", room * builder.threads)
    items = {u.attrs["index"]: u for u in kernel.outputs}
    outputs = []
    for i, a in enumerate(node.args):
        unused = i not in items
        outputs.append(
            builder.temporary("unused", int(a.size) * a.dtype.size)
            if unused
            else builder.used(items[i])
        )
    builder.note(kernel, [builder.used(a) for a in node.args], [scratch, *outputs])
    args = [n, inner, outer * inner, scratch, room, *[builder.used(a) for a in node.args], *outputs]
    builder.add(code, "task", outer * inner, args, f"sort[{outer}, {n}, {inner}]")


def launch_scatter(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the launches of a scatter: a check of its indices, a copy of what it adds to, itself."""
    node = kernel.node
    x, indices, updates = node.args
    depth = int(indices.shape[-1])
    extents = [int(d) for d in x.shape[:depth]]
    vectors = math.prod(int(d) for d in indices.shape[:-1])
    size = math.prod(int(d) for d in x.shape[depth:])
    if node.attrs["mode"] == "error":
        check_bounds(builder, indices, depth, extents, node)
    begin_with(builder, x, builder.used(node))
    single = size == 1
    spread = single and bool(node.attrs.get("unique"))
    form = node.op, node.dtype, indices.dtype, depth, single, spread
    code = builder.code(("scatter", *form), lambda target: scatter.emit_scatter(*form, target))
    if not vectors or not size or 0 in extents:
        return
    builder.note(kernel, [builder.used(a) for a in (indices, updates)], [builder.used(node)])
    n = 1 if single else scatter.lanes_of(node.dtype, builder.target)
    shared = vectors if spread else size
    most = min(-(-shared // n), vectors * size // TASK + 1, 4 * builder.threads)
    per = -(-shared // max(1, most))
    per = -(-per // n) * n
    args = [
        builder.used(node),
        builder.used(indices),
        builder.used(updates),
        vectors,
        size,
        per,
        *extents,
    ]
    builder.add(code, "task", -(-shared // per), args, f"scatter[{vectors}, {size}]")


def launch_bounds_check(builder: PlanBuilder, kernel: BoundsKernel) -> None:
    """Adds the launch that looks at the indices of a gather."""
    check_bounds(builder, kernel.inputs[0], 1, [int(kernel.extent)], kernel.node)
    builder.note(kernel, [builder.buffer(kernel.inputs[0])], [])


def check_bounds(
    builder: PlanBuilder, indices: Node, depth: int, extents: list[int], node: Node
) -> None:
    """Adds a kernel that ends the run if an index vector is outside."""
    vectors = int(indices.size) // max(depth, 1)
    code = builder.code(
        ("bounds", indices.dtype, depth),
        lambda target: checks.emit_bounds_check(indices.dtype, depth, target),
    )
    builder.errors.append(OutOfBounds(indices, node))
    args = [STATUS, builder.used(indices), vectors, len(builder.errors), *extents]
    builder.add(code, "task", 1, args, "bounds check", [indices])


def stop_unless(builder: PlanBuilder, check: Any) -> None:
    """Adds a kernel that ends the run if a check's condition, which lies in memory by now, does not hold."""
    code = builder.code(("truth",), checks.emit_truth_check)
    builder.errors.append(CheckFailed(check))
    args = [STATUS, builder.used(check.condition), len(builder.errors)]
    builder.add(code, "task", 1, args, "check", [check.condition])
