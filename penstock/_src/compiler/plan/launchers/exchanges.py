"""Launches of exchanges with other processes: one starts the exchange as soon as its input is computed, later ones advance it, one waits for it."""

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
    """Adds the start of an exchange; from here each kernel is followed by a launch that advances it."""
    launch_special(builder, kernel)
    if not builder.generator.puts_exchanges_in_streams:
        builder.exchanging.add(kernel.node.attrs["number"])


def launch_wait(builder: PlanBuilder, kernel: SpecialKernel) -> None:
    """Adds the wait for an exchange: on the host, a launch that is repeated until the unit is complete, as a run can only end between launches."""
    node = kernel.node
    started, sent = builder.used(node.args[0]), builder.used(node.args[1])
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
    builder.note(label, [started, sent], [])
    builder.exchanging.discard(node.attrs["number"])
    if node.id in builder.buffers:  # it is a result of the function
        begin_with(builder, node.args[0], builder.used(node))
        return
    # What is received lies where the start's result is: no copy, only a later time.
    received = Buffer(
        f"exchanged %{node.id}", bytes_of(node), "inside", inside=started.inside or started
    )
    received.touch(builder.time)
    builder.buffers[node.id] = received
    builder.known.append(received)
    builder.note(label, [], [received])


def advance_exchanges(builder: PlanBuilder) -> None:
    """Adds a launch that advances the exchanges that have begun, if there are any."""
    if builder.exchanging:
        code = builder.generator.special_code(ADVANCE)
        builder.add(code, "task", 1, ADVANCE.words, ADVANCE.label, [])
