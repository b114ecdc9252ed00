"""Calls, branches and loops."""

from penstock._src.core import dtypes
from penstock._src.ir.node import Node
from penstock._src.ops.xla.translation.translate import Translation, translates
from penstock._src.stablehlo.module import HloOperation


@translates("call")
def call(t: Translation, operation: HloOperation, *operands: Node) -> list[Node]:
    """Calls a function of the module."""
    return t.call(operation.attribute("callee"), operands)


@translates("while")
def while_(t: Translation, operation: HloOperation, *init: Node) -> list[Node]:
    """A while loop."""
    condition, body = (t.function(region.block) for region in operation.regions)
    return t.p.while_(condition, body, init)


@translates("if")
def if_(t: Translation, operation: HloOperation, condition: Node) -> list[Node]:
    """The results of the first region if the condition holds, else of the second."""
    branches = [t.function(region.block) for region in operation.regions]
    index = t.p.cast(t.p.not_(condition), dtypes.int32)
    return t.p.case(index, branches, [])


@translates("case")
def case(t: Translation, operation: HloOperation, index: Node) -> list[Node]:
    """The results of one region; an index out of range selects the last one."""
    return t.p.case(index, [t.function(region.block) for region in operation.regions], [])


@translates("optimization_barrier")
def barrier(t: Translation, _operation: HloOperation, *operands: Node) -> list[Node]:
    """The operands unchanged, each once all are known."""
    return [t.p.optimization_barrier(x, [y for y in operands if y is not x]) for x in operands]
