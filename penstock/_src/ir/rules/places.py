"""One place of several, chosen by number: the gradient of a max pooling is such an array, joined to an image.

placed(p, g)    select(p == (0 ... n-1), g, 0), where p and g stand at each of n places and the numbers run over them
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.ir import dims
from penstock._src.ir.dims import shape_key
from penstock._src.ir.meaning.known_values import is_number, number_of
from penstock._src.ir.node import Node
from penstock._src.ir.rules import pattern as m
from penstock._src.ir.rules.rewrite import rule

x, y, z = m.variables("x y z")


@dataclass(frozen=True)
class _Placed:
    """The parts of placed(places, given), and the numbers of the places, along `axes` of the node."""

    node: Node
    places: Node
    given: Node
    numbers: np.ndarray
    axes: tuple[int, ...]

    @property
    def others(self) -> list[int]:
        """The axes of the node that are those of `places` and `given`."""
        return [a for a in range(len(self.node.shape)) if a not in self.axes]


def _placed(node: Node) -> _Placed | None:
    """The parts of a node, if it is one value at one of several places."""
    if node.kind != "select" or not is_number(node.args[2], 0):
        return None
    test, given, _ = node.args
    if test.kind != "compare" or test.attrs["op"] != "eq" or given.kind != "broadcast":
        return None
    for places, numbers in (test.args, test.args[::-1]):
        if places.kind != "broadcast" or numbers.kind != "broadcast":
            continue
        found = _Placed(
            node, places.args[0], given.args[0], _known(numbers), tuple(numbers.attrs["axes"])
        )
        own = [node.shape[a] for a in found.others]
        if (
            found.numbers.shape == tuple(node.shape[a] for a in found.axes)
            and list(places.attrs["axes"]) == list(given.attrs["axes"]) == found.others
            and shape_key(found.places.shape) == shape_key(found.given.shape) == shape_key(own)
        ):
            return found
    return None


def _known(broadcast: Node) -> np.ndarray:
    """The numbers that a broadcast repeats; none if they are not known."""
    (source,) = broadcast.args
    return np.asarray(source.attrs["value"]) if source.kind == "constant" else np.empty(0)


def _unwrapped(node: Node) -> tuple[list[Node], Node]:
    """The reshapes of a node, and pads with zeros after its end, outermost first; and what is inside."""
    around = []
    while node.kind == "reshape" or _pads_end(node):
        around.append(node)
        node = node.args[0]
    return around, node


def _pads_end(node: Node) -> bool:
    return (
        node.kind == "pad"
        and is_number(node.args[1], 0)
        and not any(node.attrs["low"])
        and not any(node.attrs.get("interior") or ())
    )


def _mask_before(p: Any, node: Node, x: Node, y: Node, z: Node) -> Node | None:
    """The mask of the largest of each window, instead of one of every element."""
    limit = number_of(x.args[1]) if x.kind == "compare" else None
    found = _placed(y.args[0]) if y.kind == "reshape" else None
    if limit is None or found is None or not is_number(z, 0):
        return None
    largest = _where_equal(found, x.args[0], y.shape)
    if largest is None:
        return None
    test = p.make("compare", [largest, p.full(largest.shape, limit, largest.dtype)], op=x.op)
    given = p.select(test, found.given, 0)
    own = p.broadcast(given, found.node.shape, found.others)
    return p.reshape(p.select(found.node.args[0], own, 0), y.shape)


def _where_equal(found: _Placed, image: Node, shape: tuple[int, ...]) -> Node | None:
    """For each window what equals the image's element at its place, if `found`, joined to `shape`, is of windows that
    stand side by side."""
    places = found.places
    if places.kind != "reduce" or places.op != "min" or places.args[0].kind != "select":
        return None
    test, numbers, _ = places.args[0].args
    if test.kind != "compare" or test.op != "eq" or numbers.kind != "broadcast":
        return None
    windows, largest = sorted(test.args, key=lambda n: n.kind != "windows")
    if windows.kind != "windows" or windows.args[0] is not image or largest.kind != "broadcast":
        return None
    rank, a = len(image.shape), windows.attrs
    behind = tuple(range(rank, rank + len(a["axes"])))
    joined: list[int] = []  # axes of the numbers, where each follows its image's axis
    whole: list[int] = []
    for axis, extent in enumerate(places.shape):
        if axis in a["axes"]:
            joined.append(axis + len(joined) + 1)
            extent = extent * a["size"][list(a["axes"]).index(axis)]
        whole.append(extent)
    fits = (
        tuple(a["size"]) == tuple(a["strides"])
        and {1} == {*a["dilations"], *a["base_dilations"]}
        and not any(a["low"])
        and tuple(sorted(places.attrs["axes"])) == tuple(numbers.attrs["axes"]) == behind
        and np.array_equal(_known(numbers), found.numbers)
        and tuple(largest.attrs["axes"]) == tuple(range(rank))
        and shape_key(largest.args[0].shape) == shape_key(places.shape)
        and tuple(joined) == found.axes
        and shape_key(shape) == shape_key(whole)
    )
    return largest.args[0] if fits else None


def _sum_of_given(p: Any, node: Node, x: Node) -> Node | None:
    """What stands at one of all places is counted once."""
    around, inner = _unwrapped(x)
    found = _placed(inner)
    if found is None or not np.array_equal(
        found.numbers.ravel(), np.arange(found.numbers.size, dtype=found.numbers.dtype)
    ):
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
    if not axes.issuperset(found.axes):
        return None
    there = p.and_(p.ge(found.places, 0), p.lt(found.places, int(found.numbers.size)))
    kept = [i for i, a in enumerate(found.others) if a in axes]
    return p.reduce_sum(p.select(there, found.given, 0), kept)


def _axes_before(reshape: Node, axes: set[int]) -> set[int] | None:
    """The axes that a reshape joins to some of its own; None if it does otherwise."""
    found: set[int] = set()
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
            found.update(range(begin, at))
    return found if at == len(source.shape) else None


PLACES = (
    rule(
        "select(x > c, join(placed(p, g)), 0) -> join(placed(p, select(x at p > c, g, 0)))",
        m.select(x, y, z),
        _mask_before,
    ),
    rule("sum(placed(p, g)) over the places -> sum(g)", m.reduce_sum(x), _sum_of_given),
)
