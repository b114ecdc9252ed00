"""KernelVerifier: all rules about the kernels of a partition."""

from collections.abc import Mapping

from penstock._src.compiler.fusion.attention import AttentionKernel
from penstock._src.compiler.kernels.contraction import ContractKernel
from penstock._src.compiler.kernels.kernel import Kernel, NestKernel
from penstock._src.compiler.plan.verify.domain import extents_of
from penstock._src.compiler.plan.verify.ranges import verify_ranges
from penstock._src.compiler.plan.verify.reads import verify_loads
from penstock._src.compiler.plan.verify.stores import Written, verify_loops, verify_node
from penstock._src.compiler.plan.verify.tiles import verify_contraction, verify_epilogue
from penstock._src.ir.node import Node
from penstock._src.native import Target


class KernelVerifier:
    """Raises InternalError if a kernel breaks a rule; `tasks` are the counts of tasks of contractions with partial sums, by identity."""

    def __init__(self, tasks: Mapping[int, int], target: Target):
        self.tasks, self.target = tasks, target
        self.written: dict[int, tuple[Node, list[Written]]] = {}

    def look_at(self, kernel: Kernel) -> None:
        """Verifies one kernel, before it is launched."""
        if isinstance(kernel, NestKernel):
            for written in _verify_nest(kernel, self.tasks, self.target):
                node = kernel.nest.outputs[written.store.slot - len(kernel.nest.leaves)]
                self.written.setdefault(node.id, (node, []))[1].append(written)
        elif isinstance(kernel, ContractKernel):
            verify_contraction(kernel, int)
        elif isinstance(kernel, AttentionKernel):
            _verify_attention(kernel)

    def look_at_stores(self) -> None:
        """Verifies the stores of all kernels together."""
        for node, stores in self.written.values():
            verify_node(node, stores)


def _verify_nest(kernel: NestKernel, tasks: Mapping[int, int], target: Target) -> list[Written]:
    """Verifies a nest; returns its stores."""
    extent = extents_of(kernel, tasks.get(id(kernel.adds_up), 0))
    verify_loops(kernel, extent, target)
    # A nest without any point runs no loads; its indices need not hold anywhere.
    if any(all(extent(v.extent) for v in store.vars) for store in kernel.nest.stores):
        verify_ranges(kernel, kernel.nest.values(), kernel.nest.stores, extent)
        verify_loads(kernel, kernel.nest.values(), kernel.nest.leaves, extent)
    return [Written(kernel, store, extent) for store in kernel.nest.stores]


def _verify_attention(kernel: AttentionKernel) -> None:
    """Verifies epilogues of scores: their columns are those of the scores."""
    attention = kernel.attention
    ends = [(attention.scores, attention.logits)]
    if attention.gradient is not None:
        ends.append((attention.gradient.scores, attention.gradient.final))
    for epilogue, (root, final) in zip(kernel.epilogues, ends):
        if epilogue is not None:
            verify_epilogue(kernel, root, final, epilogue, int)


__all__ = ["KernelVerifier"]
