"""The sums of an ensemble of trees by TensorFlow's ops: all trees are walked at once, a level in each step."""

from typing import Any, NamedTuple

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.ir.meaning.trees import BITS
from penstock._src.ops.trees.tables import Tables

_SHIFT = BITS.bit_length() - 1  # from a category to its word


class TensorTables(NamedTuple):
    """Tensors with the tables of an ensemble, see `Tables`."""

    roots: Any
    targets: Any
    feature: Any
    threshold: Any
    left: Any
    right: Any
    missing_left: Any
    set_of: Any
    set_offsets: Any
    set_words: Any
    values: Any


def composed_sums(tables: Tables, x: Any, base: Any, given: TensorTables) -> Any:
    """Returns the sums of leaves, [rows, sums]; they are added in the order of trees.

    Args:
      tables: the ensemble.
      x: [rows, features].
      base: what sums begin with.
      given: the same tables as tensors.
    """
    rows = raw.Slice(raw.Shape(x), np.array([0]), np.array([1]))
    at = raw.BroadcastTo(given.roots, _together(rows, raw.Shape(given.roots)))
    for _ in tables.levels()[1:]:
        feature = _taken(given.feature, at)
        is_inner = raw.GreaterEqual(feature, np.int32(0))
        column = raw.Maximum(feature, np.int32(0))
        number = raw.GatherV2(x, column, np.int32(1), batch_dims=1)
        goes_left = _goes_left(tables, given, at, number)
        child = raw.SelectV2(goes_left, _taken(given.left, at), _taken(given.right, at))
        at = raw.SelectV2(is_inner, child, at)
    leaves = _taken(given.values, _taken(given.left, at))
    width, sums = tables.values.shape[1], base.shape.as_list()[0]
    columns = np.array([len(tables.roots) * width], np.int32)
    added = raw.Transpose(raw.Reshape(leaves, _together(rows, columns)), np.array([1, 0]))
    begun = raw.BroadcastTo(raw.ExpandDims(base, np.int32(1)), _together(np.array([sums], np.int32), rows))  # fmt: skip
    targets = np.add.outer(tables.targets, np.arange(width)).reshape(-1)
    places = np.concatenate([np.arange(sums), targets]).astype(np.int32)
    totals = raw.UnsortedSegmentSum(_together(begun, added), places, np.int32(sums))
    return raw.Transpose(totals, np.array([1, 0]))


def _goes_left(tables: Tables, given: TensorTables, at: Any, number: Any) -> Any:
    threshold = _taken(given.threshold, at)
    goes_left = (raw.Less if tables.strict else raw.LessEqual)(number, threshold)
    if (tables.set_of >= 0).any():
        numbers = _taken(given.set_of, at)
        is_set = raw.GreaterEqual(numbers, np.int32(0))
        contained = _is_in_set(given, raw.Maximum(numbers, np.int32(0)), number)
        goes_left = raw.SelectV2(is_set, contained, goes_left)
    return raw.SelectV2(raw.IsNan(number), _taken(given.missing_left, at), goes_left)


def _is_in_set(given: TensorTables, numbers: Any, category: Any) -> Any:
    """True where a category, truncated to an integer, is in the set of a number."""
    low = _taken(given.set_offsets, numbers)
    high = _taken(given.set_offsets, raw.AddV2(numbers, np.int32(1)))
    bits = raw.Cast(raw.Mul(raw.Sub(high, low), np.int32(BITS)), DstT=category.dtype)
    nothing = np.zeros((), category.dtype.np)
    has_bit = raw.LogicalAnd(raw.Greater(category, nothing - 1), raw.Less(category, bits))
    whole = raw.Cast(raw.SelectV2(has_bit, category, nothing), DstT=dtypes.int32)
    place = raw.AddV2(low, raw.RightShift(whole, np.int32(_SHIFT)))
    words = raw.Bitcast(given.set_words, type=dtypes.int32)
    word = _taken(words, raw.SelectV2(has_bit, place, np.int32(0)))
    bit = raw.RightShift(word, raw.BitwiseAnd(whole, np.int32(BITS - 1)))
    is_set = raw.Equal(raw.BitwiseAnd(bit, np.int32(1)), np.int32(1))
    return raw.LogicalAnd(has_bit, is_set)


def _taken(table: Any, at: Any) -> Any:
    return raw.GatherV2(table, at, np.int32(0))


def _together(*parts: Any) -> Any:
    return raw.ConcatV2(parts, np.int32(0))
