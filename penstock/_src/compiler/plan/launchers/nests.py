"""Launches of loop nests and of copies, which are loop nests as well."""

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
    """Adds the launch of a nest. An array in which it replaces a block is copied to the output first, unless they share a buffer."""
    code = builder.generator.nest(kernel.nest)
    builder.put_in_place(kernel, code.innermost)
    for node in kernel.outputs:
        if node.kind == "dynamic_update_slice":
            begin_with(builder, node.args[0], builder.used(node))
    outputs = [builder.used(n) for n in kernel.nest.outputs]
    _launch(builder, kernel, code, outputs, [builder.used(leaf) for leaf in kernel.nest.leaves])


def begin_with(builder: PlanBuilder, source: Node, target: Buffer) -> None:
    """Copies a node to a buffer, unless it is the node's own buffer."""
    is_stored = builder.schedule.is_leaf(home(source))
    if not is_stored or builder.buffer(source) is not target:
        copy(builder, source, target)


def copy(
    builder: PlanBuilder,
    source: Node,
    target: Buffer,
    schedule: Schedule | None = None,
    from_buffer: Buffer | None = None,
) -> None:
    """Copies a stored node to a buffer.

    Args:
      builder: the plan under construction.
      source: the node.
      target: the buffer.
      schedule: that of the node's function, by default the current one.
      from_buffer: the buffer that contains the node, by default its own.
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
    # The elements around a replaced block are read, as they stay.
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
    if dims.same(total, 0):  # a count that is 0 only in some calls stays a launch without tasks
        return
    # On a GPU a block is a task: its own mapping has divided the points.
    per = 1 if code.is_spread else dims.apply(ROUNDS, total, code.work(extent), builder.threads)
    args = [per, total, *leaves, *outputs, *[extent(e) for e in code.extents]]
    builder.add(
        code.code, code.function, -(-total // per), args, lambda: kernel.label, kernel.outputs
    )
