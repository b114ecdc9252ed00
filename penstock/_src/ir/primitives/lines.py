"""Kinds that reorder or transform whole lines along an axis."""

import math

import numpy as np

from penstock._src.ir.meaning.heaps import kept_by_heap
from penstock._src.ir.meaning.rows import RowFlow, Rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import (
    Args,
    Arrays,
    Attrs,
    Primitive,
    Result,
    SameType,
    widened,
)


class Sort(Primitive):
    """The arguments sorted together by the first num_keys of them, stably, NaN last; the first `count` of each line.

    With heap=True: in the order of a heap.
    """

    form = "sort(...; axis, descending, num_keys, count)"

    def rows(self, flow: RowFlow, node: Node) -> list[Rows | None]:
        rows = flow.along(flow.joined(map(flow.of, node.args)), (node.attrs["axis"],))
        return [rows] * len(node.args)

    def infer(self, args: Args, attrs: Attrs) -> list[Result]:
        shape = self.same_shape(args)
        axis, count = attrs["axis"], attrs["count"]
        self.require(0 <= axis < len(shape), "the axis is outside", args)
        self.require(0 <= count <= shape[axis], f"a line has fewer than {count} elements", args)
        shape = (*shape[:axis], count, *shape[axis + 1 :])
        return [(shape, x.dtype) for x in args]

    def evaluate(self, args: Arrays, node: Node) -> list[np.ndarray]:
        axis, descending, count = (node.attrs[a] for a in ("axis", "descending", "count"))
        if node.attrs.get("heap"):
            lines = np.moveaxis(args[0], axis, -1)
            order = kept_by_heap(lines.reshape(-1, lines.shape[-1]), int(count))
            order = np.moveaxis(order.reshape(*lines.shape[:-1], int(count)), -1, axis)
            return [np.take_along_axis(x, order, axis) for x in args]
        keys: list[np.ndarray] = []
        for x in args[: node.attrs["num_keys"]]:
            keys += _sort_keys(np.moveaxis(x, axis, -1), descending)
        order = np.lexsort(keys[::-1], axis=-1)[..., : int(count)]
        order = np.moveaxis(order, -1, axis)
        return [np.take_along_axis(x, order, axis) for x in args]


def _sort_keys(x: np.ndarray, descending: bool) -> list[np.ndarray]:
    """Keys for an ascending sort that put x in the required order, with NaN last."""
    if x.dtype.kind == "b":
        x = x.astype(np.int8)
    if x.dtype.kind == "V" or x.dtype == np.float16:
        x = x.astype(np.float32)
    if x.dtype.kind == "f":
        missing = np.isnan(x)
        return [missing, np.where(missing, 0, -x if descending else x)]
    return [~x if descending else x]


class Fft(SameType):
    """The discrete Fourier transform along an axis; the inverse one is divided by the length.

    The roots are those of unity (meaning/fourier.py).
    """

    form = "fft(x, roots; axis, inverse)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        return flow.along(flow.of(node.args[0]), (node.attrs["axis"],))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, roots = args
        fits = x.dtype.is_complex and x.dtype == roots.dtype
        self.require(fits, "the dtypes must be complex", args)
        self.require(0 <= attrs["axis"] < x.rank, "the axis is outside", args)
        fits = roots.shape == (x.shape[attrs["axis"]],)
        self.require(fits, "there must be a root for each element of a line", args)
        return super().infer(args, attrs)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        transform = np.fft.ifft if node.attrs["inverse"] else np.fft.fft
        wide = args[0].astype(np.complex128)
        return widened(lambda x: transform(x, axis=node.attrs["axis"]), [wide], node)

    def flops(self, node: Node) -> int:
        return int(5 * node.size * math.log2(int(node.args[1].size)))
