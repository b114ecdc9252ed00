"""Arrays with one element that is not zero, chosen by its index, in each group: the gradient of a max pooling is one, reshaped to an image.

one_hot(i, g)    select(i == (0 ... n-1), g, 0): the index i and the value g are repeated along new axes, over which the numbers run
"""

import numpy as np

from penstock._src.ir.build.maker import NodeMaker
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.dims import shape_key
from penstock._src.ir.meaning.known_values import is_number, number_of
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule
from penstock._src.util.dataclass import dataclass

x, y, z = m.variables("x y z")


@dataclass(frozen=True)
class _OneHot:
    """The parts of one_hot(index, given), and the numbers that the index is compared with, along `axes` of the node."""

    node: Node
    index: Node
    given: Node
    numbers: np.ndarray
    axes: tuple[int, ...]

    @property
    def others(self) -> list[int]:
        """The axes of the node that are those of `index` and `given`."""
        return [a for a in range(len(self.node.shape)) if a not in self.axes]


def _one_hot(node: Node) -> _OneHot | None:
    """The parts of a node, if it is such an array."""
    if node.kind != "select" or not is_number(node.args[2], 0):
        return None
    test, selected, _ = node.args
    if test.kind != "compare" or test.attrs["op"] != "eq" or selected.kind != "broadcast":
        return None
    for index, numbers in (test.args, test.args[::-1]):
        if index.kind != "broadcast" or numbers.kind != "broadcast":
            continue
        one_hot = _OneHot(
            node, index.args[0], selected.args[0], _known(numbers), tuple(numbers.attrs["axes"])
        )
        own = [node.shape[a] for a in one_hot.others]
        if (
            one_hot.numbers.shape == tuple(node.shape[a] for a in one_hot.axes)
            and list(index.attrs["axes"]) == list(selected.attrs["axes"]) == one_hot.others
            and shape_key(one_hot.index.shape) == shape_key(one_hot.given.shape) == shape_key(own)
        ):
            return one_hot
    return None


def _known(broadcast: Node) -> np.ndarray:
    """The numbers that a broadcast repeats; None if they are not known."""
    (source,) = broadcast.args
    return np.asarray(source.attrs["value"]) if source.kind == "constant" else np.empty(0)


def _unwrapped(node: Node) -> tuple[list[Node], Node]:
    """The reshapes of a node, and pads with zeros after its end, outermost first; and the node inside."""
    around = []
    while node.kind == "reshape" or _pads_end(node):
        around.append(node)
        node = node.args[0]
    return around, node


def _pads_end(node: Node) -> bool:
    return (
        node.kind == "pad"
        and is_number(node.args[1], 0)
        and all(dims.same(n, 0) for n in (*node.attrs["low"], *(node.attrs.get("interior") or ())))
    )


def _mask_before(p: NodeMaker, node: Node, x: Node, y: Node, z: Node) -> Node | None:
    """The mask of the largest of each window, instead of one of every element."""
    limit = number_of(x.args[1]) if x.kind == "compare" else None
    one_hot = _one_hot(y.args[0]) if y.kind == "reshape" else None
    if limit is None or one_hot is None or not is_number(z, 0):
        return None
    largest = _where_equal(one_hot, x.args[0], y.shape)
    if largest is None:
        return None
    test = p.make("compare", [largest, p.full(largest.shape, limit, largest.dtype)], op=x.op)
    masked = p.select(test, one_hot.given, 0)
    own = p.broadcast(masked, one_hot.node.shape, one_hot.others)
    return p.reshape(p.select(one_hot.node.args[0], own, 0), y.shape)


def _where_equal(one_hot: _OneHot, image: Node, shape: tuple[int, ...]) -> Node | None:
    """For each window the largest element, at whose index in the image `one_hot` is not zero, if the windows do not overlap
    and `shape` is the image's."""
    index = one_hot.index
    if index.kind != "reduce" or index.op != "min" or index.args[0].kind != "select":
        return None
    test, numbers, _ = index.args[0].args
    if test.kind != "compare" or test.op != "eq" or numbers.kind != "broadcast":
        return None
    windows, largest = sorted(test.args, key=lambda n: n.kind != "windows")
    if windows.kind != "windows" or windows.args[0] is not image or largest.kind != "broadcast":
        return None
    rank, a = len(image.shape), windows.attrs
    behind = tuple(range(rank, rank + len(a["axes"])))
    joined: list[int] = []  # axes of the numbers, where each follows its image's axis
    whole: list[int] = []
    for axis, extent in enumerate(index.shape):
        if axis in a["axes"]:
            joined.append(axis + len(joined) + 1)
            extent = extent * a["size"][list(a["axes"]).index(axis)]
        whole.append(extent)
    fits = (
        tuple(a["size"]) == tuple(a["strides"])
        and {1} == {*a["dilations"], *a["base_dilations"]}
        and not any(a["low"])
        and tuple(sorted(index.attrs["axes"])) == tuple(numbers.attrs["axes"]) == behind
        and np.array_equal(_known(numbers), one_hot.numbers)
        and tuple(largest.attrs["axes"]) == tuple(range(rank))
        and shape_key(largest.args[0].shape) == shape_key(index.shape)
        and tuple(joined) == one_hot.axes
        and shape_key(shape) == shape_key(whole)
    )
    return largest.args[0] if fits else None


def _sum_of_given(p: NodeMaker, node: Node, x: Node) -> Node | None:
    """In a group with a single non-zero element, the sum is that element."""
    around, inner = _unwrapped(x)
    one_hot = _one_hot(inner)
    # A fraction equals none of the numbers, though it is between them.
    if one_hot is None or not one_hot.index.dtype.is_integer or not one_hot.numbers.size:
        return None
    if not np.array_equal(one_hot.numbers.ravel(), np.arange(one_hot.numbers.size)):
        return None
    axes = set(node.attrs["axes"])
    for outer in around:
        if outer.kind == "pad":
            added = {a for a, high in enumerate(outer.attrs["high"]) if high}
            if not added <= axes or any(high < 0 for high in outer.attrs["high"]):
                return None
        else:
            split = _axes_before(outer, axes)
            if split is None:
                return None
            axes = split
    if not axes.issuperset(one_hot.axes):
        return None
    # The count itself may not be in the type: uint8 ends at 255.
    there = p.and_(p.ge(one_hot.index, 0), p.le(one_hot.index, int(one_hot.numbers.size) - 1))
    kept = [i for i, a in enumerate(one_hot.others) if a in axes]
    return p.reduce_sum(p.select(there, one_hot.given, 0), kept)


def _axes_before(reshape: Node, axes: set[int]) -> set[int] | None:
    """The axes that a reshape joins to some of its own; None if it does otherwise."""
    own_axes: set[int] = set()
    (source,) = reshape.args
    at = 0
    for axis, extent in enumerate(reshape.shape):
        begin, size = at, dims.expression(1)
        while size != dims.expression(extent) and at < len(source.shape):
            at += 1
            size = dims.expression(dims.product(source.shape[begin:at]))
        if size != dims.expression(extent):
            return None
        if axis in axes:
            own_axes.update(range(begin, at))
    return own_axes if at == len(source.shape) else None


ONE_HOT = (
    rule(
        "select(x > c, reshape(one_hot(i, g)), 0) -> reshape(one_hot(i, select(x[i] > c, g, 0)))",
        m.select(x, y, z),
        _mask_before,
    ),
    rule("sum(one_hot(i, g)) -> sum(g)", m.reduce_sum(x), _sum_of_given),
)
