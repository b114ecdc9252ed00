"""From nodes back to operations: finds the operations whose values a kernel computes.

Every node has the operation that was being lowered when it was created (`Node.origin`). That alone loses two facts,
and found here:

    equal values    y = a + b; z = a + b      one node, which has the first line's origin. The lowering notes
                                             that z's operation has this node's value, too (`LoweringContext.equal`)
    folded away     y = transpose(a); y @ b   the product reads `a` by columns: no node is left of the transpose. Such an
                                             operation belongs to the kernels of the operations that read it

Operations of a gradient know whose gradient they are (`Operation.gradient_of`): the line that asked for the gradient says
little of them.
"""

from collections.abc import Iterable, Mapping, Sequence

from penstock._src.graph.operation import Operation
from penstock._src.ir.node import Node

LITERAL = frozenset({"constant", "iota", "size"})
MOVED = frozenset({"broadcast", "reshape", "cast"})


def is_literal(node: Node) -> bool:
    """True if a node is the same in every run: all lines that write this number share it."""
    while node.kind in MOVED:
        node = node.args[0]
    return node.kind in LITERAL


def operations_of(node: Node, equal: Mapping[int, Sequence[Operation]]) -> list[Operation]:
    """The operations that have a node's value, or that it is a part of."""
    if is_literal(node):
        return []
    first = [node.origin] if isinstance(node.origin, Operation) else []
    return [*first, *equal.get(node.id, ())]


def kernel_operations(
    nodes: Iterable[Node], equal: Mapping[int, Sequence[Operation]]
) -> tuple[Operation, ...]:
    """The operations of a kernel's nodes, each once."""
    return tuple(dict.fromkeys(op for node in nodes for op in operations_of(node, equal)))


def folded_operations(
    operations: Sequence[Operation], direct: Sequence[Sequence[Operation]]
) -> list[list[Operation]]:
    """For each kernel, the operations without their own kernel whose value it computes as well.

    Args:
      operations: the lowered ones, in topological order.
      direct: each kernel's own operations.
    """
    kernels: dict[int, set[int]] = {}
    for number, own in enumerate(direct):
        for op in own:
            kernels.setdefault(id(op), set()).add(number)
    readers: dict[int, list[Operation]] = {}
    for op in operations:
        for tensor in op._inputs:
            readers.setdefault(id(tensor.op), []).append(op)
    folded: list[list[Operation]] = [[] for _ in direct]
    # Readers first: an operation that is folded away belongs to the kernels of its readers.
    for op in reversed(operations):
        if id(op) in kernels:
            continue
        into = set().union(*[kernels.get(id(r), set()) for r in readers.get(id(op), ())])
        kernels[id(op)] = into
        for number in sorted(into):
            folded[number].insert(0, op)
    return folded


def forward_operations(
    operations: Iterable[Operation], known: Mapping[int, Operation]
) -> tuple[Operation, ...]:
    """The operations that some operations differentiate; `known` are operations by their outputs' ids."""
    originals: dict[Operation, None] = {}
    for op in operations:
        forward: Operation | None = op
        while forward is not None and forward.gradient_of is not None:  # gradients have gradients
            forward = known.get(forward.gradient_of)
        if forward is not None and forward is not op:
            originals[forward] = None
    return tuple(originals)
