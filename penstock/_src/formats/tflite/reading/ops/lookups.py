"""Look-ups of rows by keys and by sparse ids."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, builtin, number
from penstock._src.formats.tflite.schema import SCHEMA

_COMBINER = SCHEMA.enums["CombinerType"]


@builtin("HASHTABLE_LOOKUP")
def hashtable_lookup(call: Call) -> Any:
    """Rows of the values with the given keys, zeros for missing keys; and a mask of the keys that exist."""
    wanted, keys, values = call.tensors()
    same = raw.Equal(x=raw.ExpandDims(input=wanted, axis=np.int32(1)), y=keys)
    is_known = raw.Any(input=same, axis=np.array([1], np.int32))
    place = raw.ArgMax(
        input=raw.Cast(x=same, DstT=dtypes.int32), dimension=np.int32(1), output_type=dtypes.int32
    )
    rows = raw.GatherV2(params=values, indices=place, axis=np.int32(0))
    shape = np.array([-1] + [1] * (call.rank(2) - 1), np.int32)
    hit = raw.Reshape(tensor=is_known, shape=shape)
    rows = raw.SelectV2(condition=hit, t=rows, e=raw.ZerosLike(x=rows))
    return [rows, raw.Cast(x=is_known, DstT=dtypes.uint8)]


@builtin("EMBEDDING_LOOKUP_SPARSE", options="EmbeddingLookupSparseOptions")
def embedding_lookup_sparse(call: Call) -> Any:
    """Weighted sums of a table's rows, for each row of a sparse matrix of ids."""
    ids, indices, shape, weights, table = call.tensors()
    sizes = [int(extent) for extent in call.array(2)]
    outer = sizes[:-1]
    strides = np.cumprod([1, *outer[:0:-1]])[::-1].astype(np.int32)
    row = raw.Sum(
        input=raw.Mul(x=indices[:, : len(outer)], y=strides.reshape(1, -1)),
        axis=np.array([1], np.int32),
    )
    count = np.int32(np.prod(outer))
    column = raw.Reshape(tensor=weights, shape=np.array([-1] + [1] * (call.rank(4) - 1), np.int32))
    rows = raw.GatherV2(params=table, indices=ids, axis=np.int32(0))
    total = _sums(raw.Mul(x=rows, y=column), row, count)
    if call.options.combiner == _COMBINER.MEAN:
        total = _over(total, _sums(column, row, count))
    elif call.options.combiner == _COMBINER.SQRTN:
        total = _over(total, raw.Sqrt(x=_sums(raw.Square(x=column), row, count)))
    del shape
    full = np.array([*outer, *call.shape(4)[1:]], np.int32)
    return raw.Reshape(tensor=total, shape=full)


def _sums(x: Any, ids: Any, count: np.int32) -> Any:
    return raw.UnsortedSegmentSum(data=x, segment_ids=ids, num_segments=count)


def _over(x: Any, divisor: Any) -> Any:
    """A quotient; rows without ids stay zero."""
    empty = raw.Equal(x=divisor, y=number(0, divisor))
    return raw.RealDiv(x=x, y=raw.SelectV2(condition=empty, t=raw.OnesLike(x=divisor), e=divisor))
