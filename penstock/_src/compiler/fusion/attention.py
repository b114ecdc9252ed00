"""The kernels of an attention, with their epilogues over the scores."""

from collections.abc import Callable

from penstock._src.compiler.kernels.attention import Attention
from penstock._src.compiler.kernels.contraction import (
    EpilogueExpression,
    epilogue_between,
    operands_of_epilogues,
)
from penstock._src.compiler.kernels.kernel import Kernel
from penstock._src.compiler.kernels.memory import home
from penstock._src.ir.extents import dims
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True, eq=False)
class AttentionKernel(Kernel):
    """A forward pass, or a backward pass (`backward`), with its epilogues over the scores."""

    attention: Attention
    backward: bool
    epilogues: list[EpilogueExpression | None]

    @property
    def label(self) -> str:
        direction = " backward" if self.backward else ""
        return f"attention{direction}{list(map(dims.settled, self.attention.scores.shape))}"


def attention_kernel(
    node: Node, attention: Attention, is_leaf: Callable[[Node], bool]
) -> AttentionKernel | None:
    """The kernel that replaces a node of an attention: the forward kernel replaces the output, the backward kernel
    the first gradient, and the other nodes have none."""
    ends = [(attention.scores, attention.logits)]
    gradient = attention.gradient
    backward = node is not attention.output
    if backward:
        # The first gradient in order: the kernel of all three then precedes every reader of one of them.
        if gradient is None or node is not min(gradient.outputs, key=lambda n: n.id):
            return None
        ends.append((gradient.scores, gradient.final))
    epilogues = [epilogue_between(root, final, 1, is_leaf) for root, final in ends]
    sources = [home(n) for n in attention.sources]
    operands = operands_of_epilogues(epilogues)
    if backward and gradient is not None:
        outputs, read = gradient.outputs, [*sources, *attention.outputs, *operands]
    else:
        # Query, key and value: the rest are the gradients' sources.
        outputs, read = attention.outputs, [*sources[:3], *operands]
    return AttentionKernel(outputs, read, attention, backward, epilogues)
