"""Kernels: what the partition makes of a function, in launch order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from penstock._src.compiler.schedule.index import Position, of_atom
from penstock._src.compiler.schedule.inline import Inliner, start_index
from penstock._src.compiler.schedule.loops import LoopNest, Store, coalesce, flatten
from penstock._src.ir.node import Node


@dataclass
class Kernel:
    """`outputs` are the stored nodes that it makes; `inputs` the stored nodes and leaves that it reads."""

    outputs: list[Node]
    inputs: list[Node] = field(default_factory=list)

    @property
    def label(self) -> str:
        """A few words for reports."""
        return f"{self.outputs[0].kind}{list(map(int, self.outputs[0].shape))}"


@dataclass
class NestKernel(Kernel):
    """Loops over a space; `length` is the extent of a flat nest, which its code does not know."""

    nest: LoopNest = None  # type: ignore[assignment]
    length: int | None = None

    @property
    def label(self) -> str:
        space = "x".join(str(int(v.extent)) for v in self.nest.space)
        return f"nest[{space}] " + " ".join(dict.fromkeys(n.kind for n in self.outputs))


@dataclass
class SpecialKernel(Kernel):
    """One node with an emitter of its own: all its arguments lie in memory."""

    node: Node = None  # type: ignore[assignment]

    @property
    def label(self) -> str:
        return self.node.kind


@dataclass
class BoundsKernel(Kernel):
    """Ends the run with an error if one of its input's numbers is not below `extent`."""

    node: Node = None  # type: ignore[assignment]
    extent: int = 0

    @property
    def label(self) -> str:
        return "bounds check"


def block_shape(node: Node) -> tuple[int, ...]:
    """The shape of what a node's kernel writes: of a dynamic_update_slice only the block that is new."""
    return node.args[1].shape if node.kind == "dynamic_update_slice" else node.shape


def map_nest(
    nodes: Sequence[Node], is_leaf: Callable[[Node], bool], define: bool = True
) -> NestKernel:
    """The nest that computes nodes whose blocks have one shape, and stores them."""
    inliner = Inliner(is_leaf)
    scope = inliner.scope
    shape = block_shape(nodes[0]) if define else nodes[0].shape
    space = tuple([scope.var(extent) for extent in shape])
    if space:
        inliner.offer(space[-1])
    position = Position(scope, shape, [of_atom(v) for v in space])
    made = {n.id for n in nodes} if define else set()
    inliner.is_leaf = lambda n: n.id not in made and is_leaf(n)
    stores = []
    for node in nodes:
        own = position if len(block_shape(node)) == len(shape) else None
        if define and node.kind == "dynamic_update_slice":
            own = own or position.reshaped(block_shape(node))
            stores.append(_block_store(inliner, node, own))
        else:
            own = own or position.reshaped(node.shape)
            stores.append(Store(-1, own.linear, inliner.value(node, own), node.dtype))
    leaves = inliner.slots
    stores = [Store(len(leaves) + i, s.offset, s.value, s.dtype) for i, s in enumerate(stores)]
    nest, length = flatten(coalesce(LoopNest(scope, space, stores, leaves, list(nodes))))
    return NestKernel(list(nodes), list(leaves), nest, length)


def _block_store(inliner: Inliner, node: Node, position: Position) -> Store:
    """The store of an element of a dynamic_update_slice's block, into the array that it changes."""
    x, update, *starts = node.args
    coordinates = [
        c + start_index(inliner, start, extent - size)
        for c, start, extent, size in zip(position.coordinates, starts, x.shape, update.shape)
    ]
    offset = Position(inliner.scope, x.shape, coordinates).linear
    return Store(-1, offset, inliner.value(update, position), node.dtype)


def piece_nest(node: Node, number: int, is_leaf: Callable[[Node], bool]) -> NestKernel:
    """The nest that writes one argument of a concat to its place in the whole."""
    axis, piece = node.attrs["axis"], node.args[number]
    inliner = Inliner(is_leaf)
    scope = inliner.scope
    space = tuple([scope.var(extent) for extent in piece.shape])
    coordinates = [of_atom(v) for v in space]
    value = inliner.value(piece, Position(scope, piece.shape, coordinates))
    for before in node.args[:number]:
        coordinates[axis] = coordinates[axis] + before.shape[axis]
    offset = Position(scope, node.shape, coordinates).linear
    leaves = inliner.slots
    store = Store(len(leaves), offset, value, node.dtype)
    return NestKernel(
        [node], list(leaves), coalesce(LoopNest(scope, space, [store], leaves, [node]))
    )
