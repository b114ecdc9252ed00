"""Launches of special kernels: nodes with a dedicated emitter."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock._src.compiler.codegen.specials.special import Scratch, SessionWord
from penstock._src.compiler.codegen.specials.table import SPECIALS
from penstock._src.compiler.kernels.kernel import BoundsKernel, SpecialKernel
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.launchers.nests import begin_with
from penstock._src.compiler.plan.plan import CheckFailed, OutOfBounds
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node

Word = Node | Scratch | SessionWord | int


def launch_special(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the launches of a node with an emitter of its own (codegen/specials)."""
    node = kernel.node
    special = builder.generator.special(node, kernel.outputs, builder.threads)
    if special.bounds is not None:
        check_bounds(builder, special.bounds.indices, special.bounds.extents, node)
    if SPECIALS[node.kind].updates_first:
        begin_with(builder, node.args[0], builder.used(node))
    outputs = [builder.used(output) for output in kernel.outputs]
    # Outputs have their buffers all the same: others read them, though they are empty.
    tasks = dims.settled(special.tasks)
    if not dims.is_symbolic(tasks) and not tasks:
        return
    memory = {
        id(word): builder.temporary("scratch", word.size)
        for word in special.words
        if isinstance(word, Scratch)
    }

    def words_of(words: Sequence[Word]) -> list[Any]:
        return [_word(builder, word, memory) for word in words]

    args = words_of(special.words)
    written = [b for b in [*memory.values(), *outputs] if isinstance(b, Buffer)]
    read = [b for b in args if isinstance(b, Buffer) and b not in written]
    builder.note(kernel, read, written)
    code = builder.generator.special_code(special)
    builder.add(code, "task", tasks, args, special.label)
    for stage in special.then:
        own = args if stage.words is None else words_of(stage.words)
        builder.add(code, stage.function, stage.tasks, own, special.label)


def _word(
    builder: PlanBuilder, word: Word, memory: Mapping[int, Buffer]
) -> Buffer | SessionWord | int:
    """An argument of a launch: a number, or the buffer whose address is passed."""
    if isinstance(word, Scratch):
        return memory[id(word)]
    if isinstance(word, Node):
        return builder.used(word)
    return word if isinstance(word, SessionWord) else dims.settled(word)


def launch_bounds_check(builder: PlanBuilder, kernel: BoundsKernel) -> None:
    """Adds the launch that checks the indices of a gather."""
    check_bounds(builder, kernel.inputs[0], [dims.settled(kernel.extent)], kernel.node)
    builder.note(kernel, [builder.buffer(kernel.inputs[0])], [])


def check_bounds(builder: PlanBuilder, indices: Node, extents: Sequence[int], node: Node) -> None:
    """Adds a kernel that ends the run if an index vector is out of bounds."""
    depth = len(extents)
    vectors = dims.settled(indices.size) // max(depth, 1)
    code = builder.generator.bounds_check(indices.dtype, depth)
    shape = tuple(map(dims.settled, indices.shape))
    # The kernel writes the position in this list, counted from 1: 0 means no error.
    builder.errors.append(OutOfBounds(indices, node, builder.known_written, shape))
    args = [builder.status, builder.used(indices), vectors, len(builder.errors), *extents]
    builder.add(code, "task", 1, args, "bounds check", [indices])


def stop_unless(builder: PlanBuilder, check: Any) -> None:
    """Adds a kernel that ends the run if a check's condition, which is stored by now, does not hold."""
    code = builder.generator.truth_check()
    builder.errors.append(CheckFailed(check, builder.known_written))
    args = [builder.status, builder.used(check.condition), len(builder.errors)]
    builder.add(code, "task", 1, args, "check", [check.condition])
