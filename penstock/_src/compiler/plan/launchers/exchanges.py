"""Launches of exchanges with other processes: each begins as soon as what it takes is there, others let it go on, one waits for it."""

from penstock._src.compiler.codegen.specials.exchanges import ADVANCE
from penstock._src.compiler.codegen.specials.special import SessionWord
from penstock._src.compiler.kernels.kernel import SpecialKernel
from penstock._src.compiler.kernels.memory import bytes_of
from penstock._src.compiler.plan.buffers import Buffer
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.launch_table import STATUS, Jump, Label
from penstock._src.compiler.plan.launchers.nests import begin_with
from penstock._src.compiler.plan.launchers.specials import launch_special
from penstock._src.compiler.plan.plan import ExchangeFailed
from penstock._src.native import runner


def launch_start(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Begins one; from here on the launches of other kernels are followed by ones that let it go on."""
    launch_special(builder, kernel)
    if not builder.generator.puts_exchanges_in_streams:
        builder.exchanging.add(kernel.node.attrs["number"])


def launch_wait(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Waits; on the host by a launch that is repeated until its unit is complete: between launches a run can end."""
    node = kernel.node
    started, given = builder.used(node.args[0]), builder.used(node.args[1])
    special = builder.generator.special(node, kernel.outputs, builder.threads)
    builder.errors.append(ExchangeFailed())
    words = [*special.words, STATUS, len(builder.errors)]
    code = builder.generator.special_code(special)
    if builder.generator.puts_exchanges_in_streams:
        builder.add(code, "task", 1, words, special.label)
    else:
        again = Label()
        builder.control(again)
        builder.add(code, "task", 1, words, special.label)
        builder.control(Jump(runner.JUMP_UNLESS, again, [SessionWord.COMPLETE]))
    label = f"{node.attrs['unit'].kind}_wait"
    builder.note(label, [started, given], [])
    builder.exchanging.discard(node.attrs["number"])
    if node.id in builder.buffers:  # its place is a result's
        begin_with(builder, node.args[0], builder.used(node))
        return
    whole = Buffer(
        f"exchanged %{node.id}", bytes_of(node), "inside", inside=started.inside or started
    )
    whole.touch(builder.time)
    builder.buffers[node.id] = whole
    builder.known.append(whole)
    builder.note(label, [], [whole])


def let_go_on(builder: PlanBuilder) -> None:
    """Lets what has begun go on."""
    if builder.exchanging:
        code = builder.generator.special_code(ADVANCE)
        builder.add(code, "task", 1, ADVANCE.words, ADVANCE.label, [])
