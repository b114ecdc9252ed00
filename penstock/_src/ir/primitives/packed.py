"""Packed weights and ensembles of decision trees: several operations in StableHLO."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.meaning import packed, trees
from penstock._src.ir.meaning.rows import RowFlow, Rows
from penstock._src.ir.node import Node
from penstock._src.ir.primitives.base import Args, Arrays, Attrs, Primitive, Result, SameType


class Unpack(Primitive):
    """float32 [..., k] of rows of blocks, uint8 [..., bytes of a row] (meaning/packed.py)."""

    form = "unpack(packed; format)"
    is_folded = False

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        (x,) = node.args
        return flow.along(flow.of(x), (x.rank - 1,))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,), form = args, packed.FORMATS[attrs["format"]]
        self.require(x.dtype == dtypes.uint8 and bool(x.shape), "rows must be of uint8", args)
        row = x.shape[-1]
        self.require(row % form.size == 0, f"rows must be blocks of {form.size} bytes", args)
        return (*x.shape[:-1], form.row_elements(row)), dtypes.float32

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return packed.unpack(args[0], packed.FORMATS[node.attrs["format"]])


class RoundGroups(SameType):
    """float32 x, each `size` neighbors along the last axis rounded to int8 times a scale of their own."""

    form = "round_groups(x; size)"

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        (x,) = node.args
        return flow.along(flow.of(x), (x.rank - 1,))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        (x,) = args
        self.require(x.dtype == dtypes.float32, "the dtype must be float32", args)
        fits = bool(x.shape) and x.shape[-1] % attrs["size"] == 0
        self.require(fits, f"rows must be groups of {attrs['size']}", args)
        return super().infer(args, attrs)

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return packed.round_groups(args[0], node.attrs["size"])


class _Trees(Primitive):
    """Sums [rows, sums] of the leaves that rows x reach (meaning/trees.py)."""

    def rows(self, flow: RowFlow, node: Node) -> Rows | None:
        x, *tables = map(flow.of, node.args)
        flow.along(flow.joined(tables), (0, 1))  # tables have no rows
        return flow.along(x, (1,))

    def infer(self, args: Args, attrs: Attrs) -> Result:
        x, base, values = args[:3]
        ranks = x.rank, base.rank, values.rank
        message = "there must be rows, a vector and rows of values"
        self.require(ranks == (2, 1, 2), message, args)
        self.require(base.dtype == values.dtype, "sums must have the dtype of values", args)
        return (x.shape[0], base.shape[0]), base.dtype


class LeafMasks(_Trees):
    """Sums of the leaves that rows x reach: every node is tested, and takes the bits of leaves away."""

    form = "leaf_masks(x, base, values, feature, threshold, mask, sets, words, units; strict)"

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return trees.leaf_masks(args, node.attrs["strict"])


class TreePaths(_Trees):
    """Sums of the leaves that rows x reach: each row goes from node to node."""

    form = (
        "tree_paths(x, base, values, threshold, link, set_of, sets, words, leaf, trees;"
        " strict, feature_bits)"
    )

    def evaluate(self, args: Arrays, node: Node) -> np.ndarray:
        return trees.tree_paths(args, node.attrs["strict"], node.attrs["feature_bits"])
