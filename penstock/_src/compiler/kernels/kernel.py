"""The kinds of kernels, and the nests of elementwise nodes."""

from collections.abc import Callable, Sequence

from penstock._src.compiler.kernels.index import ZERO, Position, of_atom
from penstock._src.compiler.kernels.inline import Inliner
from penstock._src.compiler.kernels.loop_nest import LoopNest, Store, coalesce, flatten
from penstock._src.compiler.kernels.stored_blocks import StoredBlock, blocks_of
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import is_one
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass


@dataclass(frozen=True, eq=False)
class Kernel:
    """`outputs` are the stored nodes that it makes; `inputs` the stored nodes and leaves that it reads."""

    outputs: list[Node]
    inputs: list[Node]

    @property
    def label(self) -> str:
        """A few words for reports."""
        return f"{self.outputs[0].kind}{list(map(int, self.outputs[0].shape))}"


@dataclass(frozen=True, eq=False)
class NestKernel(Kernel):
    """Loops over a space.

    length    the extent of a flat nest, whose code is the same for all lengths
    adds_up   the kernel whose tasks' partial sums this nest adds up, if the number of tasks is not fixed
    """

    nest: LoopNest
    length: int | None = None
    adds_up: Kernel | None = None

    @property
    def label(self) -> str:
        extents = [v.extent for v in self.nest.space] if self.length is None else [self.length]
        space = "x".join(str(dims.settled(extent)) for extent in extents)
        return f"nest[{space}] " + " ".join(dict.fromkeys(n.kind for n in self.outputs))


@dataclass(frozen=True, eq=False)
class SpecialKernel(Kernel):
    """One node with a dedicated emitter: all its arguments lie in memory."""

    node: Node

    @property
    def label(self) -> str:
        return self.node.kind


@dataclass(frozen=True, eq=False)
class BoundsKernel(Kernel):
    """Ends the run with an error if one of its input's numbers is not below `extent`."""

    node: Node
    extent: int

    @property
    def label(self) -> str:
        return "bounds check"


def map_nest(
    nodes: Sequence[Node], is_leaf: Callable[[Node], bool], define: bool = True
) -> NestKernel:
    """The nest that computes and stores nodes whose stored blocks have one shape."""
    inliner = Inliner(is_leaf)
    scope = inliner.scope
    # A concat of equal pieces is written by one nest, a store for each piece.
    blocks = [(n, b) for n in nodes for b in (blocks_of(n) if define else [StoredBlock(n, n)])]
    shape = blocks[0][1].value.shape
    coordinates = [ZERO if is_one(extent) else of_atom(scope.var(extent)) for extent in shape]
    space = tuple([v for c in coordinates for v in c.vars])
    # A reduction along the last axis then uses the row's loop.
    if space:
        inliner.offer(space[-1])
    position = Position(scope, shape, coordinates)
    # The nodes of this nest exist as values: they are not read from memory that it only writes.
    defined = {n.id for n in nodes} if define else set()
    inliner.is_leaf = lambda n: n.id not in defined and is_leaf(n)
    stores = []
    for node, block in blocks:
        value = block.value
        own = position if _ones(value.shape) == _ones(shape) else position.reshaped(value.shape)
        offset = block.offset(inliner, node, own)
        stores.append(Store(-1, offset, inliner.value(value, own), node.dtype))
    # Outputs come after the leaves, whose number is known only now.
    leaves = inliner.slots
    stores = [Store(len(leaves) + i, s.offset, s.value, s.dtype) for i, s in enumerate(stores)]
    outputs = [node for node, _ in blocks]
    nest, length = flatten(coalesce(LoopNest(scope, space, stores, leaves, outputs)))
    return NestKernel(list(nodes), list(leaves), nest, length)


def _ones(shape: Sequence[int]) -> list[bool]:
    """A mask of the axes with extent 1."""
    return [is_one(extent) for extent in shape]


def piece_nest(
    node: Node, blocks: Sequence[StoredBlock], is_leaf: Callable[[Node], bool]
) -> NestKernel:
    """The nest that writes pieces of a concat, all of one shape, to their positions in the result."""
    inliner = Inliner(is_leaf)
    scope, shape = inliner.scope, blocks[0].value.shape
    space = tuple([scope.var(extent) for extent in shape])
    position = Position(scope, shape, [of_atom(v) for v in space])
    values = [inliner.value(block.value, position) for block in blocks]
    leaves = inliner.slots
    stores = [
        Store(len(leaves) + i, block.offset(inliner, node, position), value, node.dtype)
        for i, (block, value) in enumerate(zip(blocks, values, strict=True))
    ]
    nest = LoopNest(scope, space, stores, leaves, [node] * len(blocks))
    return NestKernel([node], list(leaves), coalesce(nest))
