"""Launches of the kinds that have emitters of their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock._src.compiler.codegen.specials import checks, lines, random_bits, scatter
from penstock._src.compiler.plan.launch_table import STATUS
from penstock._src.compiler.plan.plan import CheckFailed, OutOfBounds
from penstock._src.ir.node import Node

if TYPE_CHECKING:
    from penstock._src.compiler.plan.planner import Planner

TASK = 1 << 14  # elements of a task

PLANS: dict[str, Callable[[Planner, Any], None]] = {}


def plans(kind: str):
    """Registers how a kind is launched."""

    def register(function):
        PLANS[kind] = function
        return function

    return register


def line_extents(shape: tuple[int, ...], axis: int) -> tuple[int, int, int]:
    """(outer, n, inner) of lines along an axis."""
    numbers = [int(d) for d in shape]
    return math.prod(numbers[:axis]), numbers[axis], math.prod(numbers[axis + 1 :])


@plans("random_bits")
def _random_bits(planner: Planner, kernel: Any) -> None:
    node = kernel.node
    key, counter = node.args
    algorithm, count = node.attrs["algorithm"], int(node.attrs["count"])
    counters = int(counter.size)
    code = planner.code(
        ("random_bits", algorithm, counters > 1),
        lambda target: random_bits.emit_random_bits(algorithm, counters, target),
    )
    blocks = -(-count // random_bits.WORDS[algorithm])
    args = [planner.used(key), planner.used(counter), planner.used(node), count]
    planner.note(kernel, [planner.used(key), planner.used(counter)], [planner.used(node)])
    planner.add(
        code,
        "task",
        -(-blocks // random_bits.BLOCKS),
        args,
        f"random bits[{count}]",
        kernel.outputs,
    )


@plans("scan")
def _scan(planner: Planner, kernel: Any) -> None:
    node = kernel.node
    (x,) = node.args
    outer, n, inner = line_extents(x.shape, node.attrs["axis"])
    single = inner == 1
    form = node.op, node.dtype, node.attrs["exclusive"], node.attrs["reverse"], single
    code = planner.code(("scan", *form), lambda target: lines.emit_scan(*form, target))
    planner.note(kernel, [planner.used(x)], [planner.used(node)])
    groups = outer if single else outer * -(-inner // lines.scan_lanes(node.dtype, planner.target))
    size = n * (1 if single else lines.scan_lanes(node.dtype, planner.target))
    per = max(1, TASK // max(size, 1))
    if outer and n and inner:
        args = [planner.used(x), planner.used(node), n, inner, groups, per]
        planner.add(
            code, "task", -(-groups // per), args, f"scan[{outer}, {n}, {inner}]", kernel.outputs
        )


@plans("sort")
def _sort(planner: Planner, kernel: Any) -> None:
    node = kernel.node
    outer, n, inner = line_extents(node.args[0].shape, node.attrs["axis"])
    form = (
        tuple([a.dtype for a in node.args]),
        node.attrs["num_keys"],
        bool(node.attrs["descending"]),
    )
    code = planner.code(("sort", *form), lambda target: lines.emit_sort(*form, target))
    if not (outer and n and inner):
        return
    room = 4 * 8 * n
    scratch = planner.temporary("places", room * planner.threads)
    items = {u.attrs["index"]: u for u in kernel.outputs}
    outputs = []
    for i, a in enumerate(node.args):
        unused = i not in items
        outputs.append(
            planner.temporary("unused", int(a.size) * a.dtype.size)
            if unused
            else planner.used(items[i])
        )
    planner.note(kernel, [planner.used(a) for a in node.args], [scratch, *outputs])
    args = [n, inner, outer * inner, scratch, room, *[planner.used(a) for a in node.args], *outputs]
    planner.add(code, "task", outer * inner, args, f"sort[{outer}, {n}, {inner}]", kernel.outputs)


@plans("scatter")
def _scatter(planner: Planner, kernel: Any) -> None:
    node = kernel.node
    x, indices, updates = node.args
    depth = int(indices.shape[-1])
    extents = [int(d) for d in x.shape[:depth]]
    vectors = math.prod(int(d) for d in indices.shape[:-1])
    size = math.prod(int(d) for d in x.shape[depth:])
    if node.attrs["mode"] == "error":
        check_bounds(planner, indices, depth, extents, node)
    planner.begin_with(x, planner.used(node))
    single = size == 1
    spread = single and bool(node.attrs.get("unique"))
    form = node.op, node.dtype, indices.dtype, depth, single, spread
    code = planner.code(("scatter", *form), lambda target: scatter.emit_scatter(*form, target))
    if not vectors or not size or 0 in extents:
        return
    planner.note(kernel, [planner.used(a) for a in (indices, updates)], [planner.used(node)])
    n = 1 if single else scatter.lanes_of(node.dtype, planner.target)
    shared = vectors if spread else size
    most = min(-(-shared // n), vectors * size // TASK + 1, 4 * planner.threads)
    per = -(-shared // max(1, most))
    per = -(-per // n) * n
    args = [
        planner.used(node),
        planner.used(indices),
        planner.used(updates),
        vectors,
        size,
        per,
        *extents,
    ]
    planner.add(
        code, "task", -(-shared // per), args, f"scatter[{vectors}, {size}]", kernel.outputs
    )


def check_bounds(
    planner: Planner, indices: Node, depth: int, extents: list[int], node: Node
) -> None:
    """Adds a kernel that ends the run if an index vector is outside."""
    vectors = int(indices.size) // max(depth, 1)
    code = planner.code(
        ("bounds", indices.dtype, depth),
        lambda target: checks.emit_bounds_check(indices.dtype, depth, target),
    )
    planner.errors.append(OutOfBounds(indices, node))
    args = [STATUS, planner.used(indices), vectors, len(planner.errors), *extents]
    planner.add(code, "task", 1, args, "bounds check", [indices])


def stop_unless(planner: Planner, check: Any) -> None:
    """Adds a kernel that ends the run if a check's condition, which lies in memory by now, does not hold."""
    code = planner.code(("truth",), checks.emit_truth_check)
    planner.errors.append(CheckFailed(check))
    args = [STATUS, planner.used(check.condition), len(planner.errors)]
    planner.add(code, "task", 1, args, "check", [check.condition])


__all__ = ["PLANS", "check_bounds", "stop_unless"]
