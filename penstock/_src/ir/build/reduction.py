"""Across elements: reductions, scans, sorting, contractions."""

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.ir.build.elementwise import Elementwise
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning import fourier
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.lines import Fft

Axes = int | Sequence[int] | None


def _reduction(op: str, meaning: str) -> Callable[..., Node]:
    def apply(self: Any, x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
        return self.reduce(x, op, axes, keepdims)

    apply.__name__, apply.__doc__ = f"reduce_{op}", f"{meaning} along axes."
    return apply


class Reduction(Elementwise):
    """One value of many."""

    def reduce(self, x: Node, op: str, axes: Axes = None, keepdims: bool = False) -> Node:
        """op ("sum", "prod", "max", "min", "any", "all") along axes; None means all of them."""
        axes = self.axes(axes, x.rank)
        result = self.make("reduce", (x,), op=op, axes=axes)
        if not keepdims:
            return result
        return self.reshape(result, [1 if i in axes else d for i, d in enumerate(x.shape)])

    reduce_sum = _reduction("sum", "The sum")
    reduce_prod = _reduction("prod", "The product")
    reduce_max = _reduction("max", "The largest")
    reduce_min = _reduction("min", "The smallest")
    reduce_any = _reduction("any", "Whether any holds")
    reduce_all = _reduction("all", "Whether all hold")

    def reduce_mean(self, x: Node, axes: Axes = None, keepdims: bool = False) -> Node:
        """The mean along axes; of integers rounded towards zero. Of nothing: nan of reals, 0 of others, as in TensorFlow."""
        reduced = self.axes(axes, x.rank)
        count = dims.product(x.shape[a] for a in reduced)
        total = self.reduce_sum(x, reduced, keepdims)
        if x.dtype.is_floating:
            return self.div(total, self.scalar(count, x.dtype))
        if not count:
            return total
        divide = self.div if x.dtype.is_complex else self.truncdiv
        return divide(total, self.scalar(count, x.dtype))

    def arg_max(self, x: Node, axis: int, dtype: DType = dtypes.int64) -> Node:
        """The index of the first largest element along an axis."""
        return self.make("arg_reduce", (x,), op="max", axis=self.axis(axis, x.rank), dtype=dtype)

    def arg_min(self, x: Node, axis: int, dtype: DType = dtypes.int64) -> Node:
        """The index of the first smallest element along an axis."""
        return self.make("arg_reduce", (x,), op="min", axis=self.axis(axis, x.rank), dtype=dtype)

    def cumulative(
        self, x: Node, op: str, axis: int, exclusive: bool = False, reverse: bool = False
    ) -> Node:
        """Running sum, prod, max or min along an axis."""
        axis = self.axis(axis, x.rank)
        return self.make(
            "scan", (x,), op=op, axis=axis, exclusive=bool(exclusive), reverse=bool(reverse)
        )

    def sort(
        self,
        xs: Sequence[Node],
        axis: int = -1,
        descending: bool = False,
        num_keys: int = 1,
        count: int | None = None,
        heap: bool = False,
    ) -> list[Node]:
        """The arguments sorted together along an axis, stably, by the first num_keys of them; the first `count` of each line, or all.

        With `heap` the results have the order of a heap instead (meaning/heaps.py); 1 < count < the extent, and it is descending by one key.
        """
        xs = tuple(xs)
        axis = self.axis(axis, xs[0].rank)
        if count is None:
            count = xs[0].shape[axis]
        attrs = {"descending": bool(descending), "num_keys": num_keys, "count": count}
        if heap:
            attrs["heap"] = True
        node = self.make("sort", xs, axis=axis, **attrs)
        return [self.item(node, i) for i in range(len(xs))]

    def item(self, node: Node, index: int) -> Node:
        """One result of a node with several."""
        return self.make("item", (node,), index=index)

    def top_k(
        self, x: Node, k: int, index_dtype: DType = dtypes.int32, is_sorted: bool = True
    ) -> tuple[Node, Node]:
        """The k largest of each row and their indices; of equal ones the lower index first, or in the order of a heap (meaning/heaps.py)."""
        if type(k) is int and k == 1:
            index = self.expand_dims(self.arg_max(self._ordered(x), -1, index_dtype), -1)
            place = {"axis": x.rank - 1, "batch_dims": x.rank - 1, "mode": "clamp"}
            return self.make("gather", (x, index), **place), index
        places = self.iota(x.shape, -1, index_dtype)
        heap = not is_sorted and 1 < k < x.shape[-1]
        values, indices = self.sort([x, places], -1, descending=True, count=k, heap=heap)
        return values, indices

    def _ordered(self, x: Node) -> Node:
        """Integers in the order of real numbers, in which both zeros are equal and NaN is the least."""
        if not x.dtype.is_floating:
            return x
        if x.dtype.size < 4:
            x = self.cast(x, dtypes.float32)
        wide = dtypes.int32 if x.dtype.size == 4 else dtypes.int64
        bits, magnitude = self.bitcast(x, wide), wide.max
        signed = self.select(self.lt(bits, 0), -self.and_(bits, magnitude), bits)
        return self.select(self.is_nan(x), wide.min, signed)

    def fourier_transform(self, x: Node, axis: int, inverse: bool) -> Node:
        """The Fourier transform along an axis whose extent has no large prime factor."""
        axis = self.axis(axis, x.rank)
        roots = fourier.roots(int(x.shape[axis]), inverse, x.dtype.np)
        return self.make(Fft.kind, (x, self.constant(roots)), axis=axis, inverse=bool(inverse))

    def contract(self, spec: str, a: Any, b: Any, is_exact: bool = False) -> Node:
        """An einsum of two operands: "bmk,bkn->bmn". Letters missing on the right are summed over.

        Args:
          spec: its letters.
          a, b: the operands.
          is_exact: True if float32 must not be rounded to TF32, which `enable_tensor_float_32_execution` permits for matrix products.
        """
        left, right = spec.split("->")[0].split(",")
        if len(set(left)) != len(left) or len(set(right)) != len(right):
            raise NotLowerable(f"a letter occurs twice in an operand of {spec!r}")
        return self.make("contract", (a, b), spec=spec, **({"is_exact": True} if is_exact else {}))

    def contract_again(self, node: Node, spec: str, a: Any, b: Any) -> Node:
        """A contraction of other operands or letters, with the exactness of the node that it replaces."""
        return self.contract(spec, a, b, node.attrs.get("is_exact", False))

    def matmul(self, a: Node, b: Node) -> Node:
        """The matrix product over the last two axes; leading axes broadcast."""
        if a.rank == b.rank == 2:
            return self.contract("mk,kn->mn", a, b)
        batch = self.broadcast_shape(a.shape[:-2], b.shape[:-2])
        letters = "abcdefghij"[: len(batch)]
        lead_a, a = self._batched(a, batch, letters)
        lead_b, b = self._batched(b, batch, letters)
        return self.contract(f"{lead_a}mk,{lead_b}kn->{letters}mn", a, b)

    def _batched(self, x: Node, batch: Sequence[int], letters: str) -> tuple[str, Node]:
        """The letters of x's leading axes, and x without those that repeat."""
        lead = x.shape[:-2]
        own = letters[len(letters) - len(lead) :]
        extents = batch[len(batch) - len(lead) :]
        kept = [i for i, (d, n) in enumerate(zip(lead, extents)) if d == n]
        # at least one operand must have a batch axis: one of them has the broadcast extent
        return "".join(own[i] for i in kept), self.reshape(
            x, [*[lead[i] for i in kept], *x.shape[-2:]]
        )
