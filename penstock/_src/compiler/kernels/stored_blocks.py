"""The part of a node that a nest writes: all of it, a block at an offset known at run time, or the pieces of a concat."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.compiler.kernels.index import Index, Position, extent_key
from penstock._src.compiler.kernels.inline import Inliner, start_index
from penstock._src.ir.extents.dims import is_large, is_one
from penstock._src.ir.node import Node
from penstock._src.util.dataclass import dataclass

MOST_PIECES = 8  # pieces of a concat that one nest writes
MOST_READS = 24  # arrays that a nest made of several reads
SMALL = 1 << 14  # elements of arrays that take longer to launch than to compute


@dataclass(frozen=True)
class StoredBlock:
    """A part of a node. `value`, over its own shape, is in `joined` (a concat, or the value itself) at offset `start` along
    `axis`; `joined` is in the node at `starts` (None: it is all of it), up to axes of extent 1."""

    value: Node
    joined: Node
    axis: int = 0
    start: Any = 0
    starts: tuple[Node, ...] | None = None
    shape: tuple[int, ...] = ()  # of the block at `starts`

    def offset(self, inliner: Inliner, node: Node, position: Position) -> Index:
        """The offset of an element of `value` in the node."""
        scope = inliner.scope
        if self.joined is not self.value:
            coordinates = list(position.coordinates)
            coordinates[self.axis] = coordinates[self.axis] + self.start
            position = Position(scope, self.joined.shape, coordinates)
        if self.starts is None:
            return position.linear
        position = position.reshaped(self.shape)
        moved = [
            c + start_index(inliner, start, extent - size)
            for c, start, extent, size in zip(
                position.coordinates, self.starts, node.shape, self.shape
            )
        ]
        return Position(scope, node.shape, moved).linear


def blocks_of(node: Node) -> list[StoredBlock]:
    """The parts of a node that its nest writes, all of one shape."""
    if node.kind == "dynamic_update_slice":
        _, update, *starts = node.args
        inner = update
        while inner.kind == "reshape" and extents(inner) == extents(inner.args[0]):
            inner = inner.args[0]
        if not is_regular(inner):
            return [StoredBlock(update, update, 0, 0, tuple(starts), update.shape)]
        return _pieces(inner, tuple(starts), update.shape)
    return _pieces(node, None, ()) if is_regular(node) else [StoredBlock(node, node)]


def _pieces(
    node: Node, starts: tuple[Node, ...] | None, shape: tuple[int, ...]
) -> list[StoredBlock]:
    axis, start, pieces = node.attrs["axis"], 0, []
    for piece in node.args:
        pieces.append(StoredBlock(piece, node, axis, start, starts, shape))
        start = start + piece.shape[axis]
    return pieces


def runs_of(node: Node, reads: Callable[[Node], set[int]]) -> Iterator[list[StoredBlock]]:
    """The pieces of a concat in runs for one nest each: neighbors of one shape that are small and read few arrays."""
    run: list[StoredBlock] = []
    read: set[int] = set()
    for block in _pieces(node, None, ()):
        more = read | reads(block.value)
        small = (
            not is_large(block.value.size, SMALL + 1)
            and len(run) < MOST_PIECES
            and len(more) <= MOST_READS
        )
        if run and not (small and _shape(block) == _shape(run[0])):
            yield run
            run, more = [], reads(block.value)
        run, read = [*run, block], more
    yield run


def _shape(block: StoredBlock) -> list[Any]:
    return [extent_key(e) for e in block.value.shape]


def is_regular(node: Node) -> bool:
    """True if a node joins a few pieces of the same shape."""
    if node.kind != "concat" or len(node.args) > MOST_PIECES:
        return False
    return len({tuple([extent_key(e) for e in piece.shape]) for piece in node.args}) == 1


def block_shape(node: Node) -> tuple[int, ...]:
    """The shape of the parts of a node that its nest writes."""
    return blocks_of(node)[0].value.shape


def extents(node: Node) -> list[Any]:
    """Keys of a node's extents, without those that are 1."""
    return extents_of(node.shape)


def extents_of(shape: Sequence[int]) -> list[Any]:
    """Keys of a shape's extents, without those that are 1."""
    return [extent_key(e) for e in shape if not is_one(e)]
