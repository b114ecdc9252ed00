"""The layout of the graph's drawing: operations in layers, each below those that it reads."""

from collections.abc import Mapping, Sequence

from penstock._src.util.dataclass import dataclass

WIDTH, HEIGHT = 128, 24  # size of an operation's box
ACROSS, DOWN = 14, 22  # between boxes
SWEEPS = 4


@dataclass(frozen=True)
class Drawing:
    """`places` are the upper left corners of boxes by name; `edges` pairs of names."""

    places: dict[str, tuple[int, int]]
    edges: list[tuple[str, str]]
    width: int
    height: int


def drawing(reads: Mapping[str, Sequence[str]]) -> Drawing:
    """The drawing of a graph. `reads`: the boxes that each box reads, in topological order."""
    layers = _layers(reads)
    readers: dict[str, list[str]] = {name: [] for name in reads}
    for name, read in reads.items():
        for other in read:
            readers[other].append(name)
    ranks = {name: rank for layer in layers for rank, name in enumerate(layer)}
    for sweep in range(SWEEPS):
        upwards = sweep % 2
        neighbors = readers if upwards else reads
        for layer in reversed(layers) if upwards else layers:
            _order(layer, neighbors, ranks)
            ranks.update((name, rank) for rank, name in enumerate(layer))
    widest = max(map(len, layers), default=0) * (WIDTH + ACROSS)
    places = {}
    for depth, layer in enumerate(layers):
        start = (widest - len(layer) * (WIDTH + ACROSS)) // 2
        for i, name in enumerate(layer):
            places[name] = start + i * (WIDTH + ACROSS), depth * (HEIGHT + DOWN)
    edges = [(other, name) for name, read in reads.items() for other in dict.fromkeys(read)]
    return Drawing(places, edges, widest, len(layers) * (HEIGHT + DOWN))


def _layers(reads: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Boxes by depth. Each is one level above its first reader, so a tensor computed from a layer's weights is drawn next to the layer."""
    below: dict[str, int] = {}  # layers below a box
    for name in reversed(list(reads)):
        below.setdefault(name, 0)
        for other in reads[name]:
            below[other] = max(below.get(other, 0), below[name] + 1)
    count = max(below.values(), default=-1) + 1
    layers: list[list[str]] = [[] for _ in range(count)]
    for name in reads:
        layers[count - 1 - below[name]].append(name)
    return layers


def _order(
    layer: list[str], neighbors: Mapping[str, Sequence[str]], ranks: Mapping[str, int]
) -> None:
    """Sorts each layer by the mean rank of the neighbors in other layers, so that lines cross less."""

    def middle(name: str) -> float:
        neighbor_ranks = [ranks[other] for other in neighbors[name]]
        return sum(neighbor_ranks) / len(neighbor_ranks) if neighbor_ranks else ranks[name]

    layer.sort(key=middle)
