"""TreeEnsemble: sums of the leaves that rows reach in an ensemble of decision trees."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.op import Op
from penstock._src.core.shapes import as_shape
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import show, value_of
from penstock._src.ops.trees import leaf_masks, paths
from penstock._src.ops.trees.composed import TensorTables, composed_sums
from penstock._src.ops.trees.tables import Tables

_FLOAT = frozenset({dtypes.float32, dtypes.float64})
# Work of a row in about a third of a nanosecond: by masks a test, the sum of a tree, the copy of a feature; by paths a step, the sum of a tree.
_TEST, _MASKS_SUM, _COPY, _STEP, _PATHS_SUM = 0.1, 2.0, 1.0, 3.0, 5.0
_MOST_INDEX = 1 << 31


class TreeEnsemble(Op):
    """The base plus, for each tree in order, the values of the leaf that a row reaches.

    The tables are those of `ops/trees/tables.py`: nodes of all trees, one after the other. A program takes them if they are constants.
    """

    signature = """x: T, base: U, roots: int32, targets: int32, feature: int32, threshold: T, left: int32, right: int32,
        missing_left: bool, set_of: int32, set_offsets: int32, set_words: uint32, values: U -> sums: U"""
    T = _FLOAT
    U = _FLOAT
    strict: bool = False
    differentiable = False
    elements = Elements(is_row_wise=True)

    def shape(self, x, base, *_tables):
        x, base = x.with_rank(2), base.with_rank(1)
        return as_shape([x.as_list()[0], base.as_list()[0]])

    def eager(self, x, base, *arrays):
        tables = self.tables(x.shape, base.shape, arrays)
        return tables.sums(x, base)

    def lower(self, p, x, base, *nodes):
        arrays = [value_of(p, node, "tables of trees") for node in nodes]
        if len(x.shape) != 2 or not isinstance(features := x.shape[1], int):
            raise NotLowerable("rows of unknown width")
        tables = self.tables(x.shape, base.shape, arrays)
        count = leaf_masks.entries_of(tables)
        trees = len(tables.roots)
        by_masks = count * _TEST + trees * _MASKS_SUM + features * _COPY
        by_paths = paths.mean_depth(tables) * _STEP + trees * _PATHS_SUM
        fits = max(2 * count, tables.values.size) < _MOST_INDEX
        if fits and by_masks <= by_paths:
            masks = leaf_masks.arrange(tables)
            return p.leaf_masks(x, base, masks.arrays(tables.set_words), self.strict)
        arranged = paths.arrange(tables, features)
        arrays = arranged.arrays(tables.values, tables.set_words)
        return p.tree_paths(x, base, arrays, self.strict, arranged.feature_bits)

    def composed(self, constants, x, base, *tables):
        if any(array is None for array in constants[2:]) or base.shape.as_list() == [None]:
            raise UnimplementedError(
                f"{self.op_type}: only constant trees can be written in TensorFlow's ops."
            )
        return composed_sums(
            Tables(*constants[2:], strict=self.strict), x, base, TensorTables(*tables)
        )

    def tables(self, x, base, arrays):
        """The tables, checked against the extents of rows and sums.

        Raises:
          InvalidArgumentError: they are not those of trees.
        """
        if len(x) != 2 or len(base) != 1:
            raise self.invalid(
                f"x must be a matrix, and base a vector. Received x {show(x)}, base {show(base)}"
            )
        tables = Tables(*map(np.asarray, arrays), strict=self.strict)
        tables.check(x[1], base[0], self.invalid)
        return tables
