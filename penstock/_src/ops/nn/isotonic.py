"""Isotonic regression."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, REAL
from penstock._src.native.algorithms.solvers.isotonic import isotonic
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.rules import show


class IsotonicRegression(Op):
    """The non-increasing sequence closest to each row, and its constant segments."""

    signature = "input: T -> output: output_dtype[input], segments: int32[input]"
    T = REAL
    output_dtype: FLOAT = dtypes.float32

    def gradient(self, input, _output, segments, dy, _dsegments):
        # every element of a segment gets the mean of the segment's gradients
        columns = raw.StridedSlice(
            input=raw.Shape(input=input),
            begin=[-1],
            end=[0],
            strides=[1],
            end_mask=1,
            shrink_axis_mask=0,
        )
        width = raw.Reshape(tensor=columns, shape=[])
        flat = raw.Reshape(tensor=dy, shape=raw.ConcatV2(values=[[-1], columns], axis=0))
        names = raw.Reshape(tensor=segments, shape=raw.Shape(input=flat))
        rows = raw.StridedSlice(
            input=raw.Shape(input=flat), begin=[0], end=[1], strides=[1], shrink_axis_mask=1
        )
        first = raw.Range(start=np.int32(0), limit=rows, delta=np.int32(1)) * width
        ids = names + raw.ExpandDims(input=first, axis=1)
        count = rows * width
        total = raw.UnsortedSegmentSum(data=flat, segment_ids=ids, num_segments=count)
        number = raw.UnsortedSegmentSum(
            data=raw.OnesLike(x=flat), segment_ids=ids, num_segments=count
        )
        mean = raw.DivNoNan(x=total, y=number)
        spread = raw.GatherV2(params=mean, indices=ids, axis=np.int32(0))
        return raw.Reshape(tensor=spread, shape=raw.Shape(input=input))

    def eager(self, input):
        if input.ndim != 2:
            raise self.invalid(f"input must be a matrix. Received {show(input.shape)}")
        segments = np.empty(input.shape, np.int32)
        if runs_native_code():
            rows, results = input.astype(np.float64, order="C"), np.empty(input.shape)
            count, width = input.shape
            room = np.empty(width), np.empty(width, np.int64)
            isotonic().pool(rows, count, width, results, segments, *room)
            return results.astype(self.output_dtype.np), segments
        out = np.empty(input.shape, self.output_dtype.np)
        for at, row in enumerate(input):
            out[at], segments[at] = _pooled(row.astype(np.float64))
        return out, segments


def _pooled(row):
    """Pools adjacent violators (Barlow, Bartholomew, Bremner & Brunk 1972); as in TensorFlow, equal neighbors are not
    violators."""
    sums, counts = [], []
    for value in row:
        total, n = value, 1
        while sums and sums[-1] / counts[-1] < total / n:
            total, n = sums.pop() + total, counts.pop() + n
        sums.append(total)
        counts.append(n)
    means = np.divide(sums, counts)
    return np.repeat(means, counts), np.repeat(np.arange(len(counts)), counts)
