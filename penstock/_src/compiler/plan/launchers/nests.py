"""Launches of loop nests, and copies, which are nests too."""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.nests.code import NestCode
from penstock._src.compiler.fusion.column_sums import TASKS
from penstock._src.compiler.fusion.schedule import Schedule
from penstock._src.compiler.kernels.kernel import NestKernel, map_nest
from penstock._src.compiler.kernels.loop_nest import FLAT
from penstock._src.compiler.kernels.memory import home
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.sizes import ROUNDS
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node


def launch_nest(builder: PlanBuilder, kernel: NestKernel) -> None:
    """Adds the launch of a nest; arrays of which it replaces blocks are copied first, unless they lie in their place."""
    code = builder.generator.nest(kernel.nest)
    builder.put_in_place(kernel, code.innermost)
    for node in kernel.outputs:
        if node.kind == "dynamic_update_slice":
            begin_with(builder, node.args[0], builder.used(node))
    outputs = [builder.used(n) for n in kernel.nest.outputs]
    _launch(builder, kernel, code, outputs, [builder.used(leaf) for leaf in kernel.nest.leaves])


def begin_with(builder: PlanBuilder, source: Node, target: Buffer) -> None:
    """Makes a buffer hold a node, unless it is that node's own."""
    lies = builder.schedule.is_leaf(home(source))
    if not lies or builder.buffer(source) is not target:
        copy(builder, source, target)


def copy(
    builder: PlanBuilder,
    source: Node,
    target: Buffer,
    schedule: Schedule | None = None,
    from_buffer: Buffer | None = None,
) -> None:
    """Copies a node that lies in memory (in `from_buffer`, if that is not its usual place).

    `schedule` is that of the nested function whose node it is, if that is not the one at hand.
    """
    target.touch(builder.time)
    kernel = map_nest([source], (schedule or builder.schedule).is_leaf, define=False)
    if from_buffer is None:
        leaves = [builder.used(leaf) for leaf in kernel.nest.leaves]
    else:
        from_buffer.touch(builder.time)
        leaves = [from_buffer]
    _launch(builder, kernel, builder.generator.nest(kernel.nest), [target], leaves)
    builder.time += 1


def _launch(
    builder: PlanBuilder,
    kernel: NestKernel,
    code: NestCode,
    outputs: Sequence[Buffer],
    leaves: Sequence[Buffer],
) -> None:
    nest = kernel.nest
    replaced = [
        b for b, n in zip(outputs, nest.outputs)
        if n.kind == "dynamic_update_slice" and n not in nest.leaves
    ]  # fmt: skip
    builder.note(kernel, [*leaves, *replaced], outputs)
    known: dict[str, Any] = {}
    if kernel.length is not None:
        known[FLAT] = kernel.length
    if kernel.adds_up is not None:
        known[TASKS] = builder.tasks[id(kernel.adds_up)]

    def extent(expression: Any) -> Any:
        return dims.settled(dims.substitute(dims.of(expression), known))

    total = code.iterations(extent)
    if dims.same(total, 0):  # one that may be 0 is a launch that may have no tasks
        return
    per = 1 if code.is_spread else dims.apply(ROUNDS, total, code.work(extent), builder.threads)
    args = [per, total, *leaves, *outputs, *[extent(e) for e in code.extents]]
    builder.add(
        code.code, code.function, -(-total // per), args, lambda: kernel.label, kernel.outputs
    )
