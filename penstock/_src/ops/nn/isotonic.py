"""Isotonic regression."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT, REAL
from penstock._src.native.builtins.kernel import kernel
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
        rows, results = input.astype(np.float64, order="C"), np.empty(input.shape)
        segments, width = np.empty(input.shape, np.int32), input.shape[1]
        pool(rows, results, segments, np.empty(width), np.empty(width, np.int64))
        return results.astype(self.output_dtype.np), segments


@kernel(
    "rows: float64[count, width], results: float64[count, width], segments: int32[count, width], "
    "sums: float64[width], sizes: int64[width]"
)
def pool(rows, results, segments, sums, sizes):
    """Pools adjacent violators (Barlow, Bartholomew, Bremner & Brunk 1972); as in TensorFlow, equal neighbors are not violators."""
    count, width = rows.shape
    for k in range(count):
        row, result, numbers, blocks = rows[k], results[k], segments[k], 0
        for i in range(width):
            # Sums and sizes, not means, are merged: a mean is rounded once, however many are merged.
            total, size = row[i], 1
            while blocks > 0 and sums[blocks - 1] / sizes[blocks - 1] < total / size:
                blocks -= 1
                total, size = sums[blocks] + total, sizes[blocks] + size
            sums[blocks], sizes[blocks] = total, size
            blocks += 1
        begin = 0
        for number in range(blocks):
            mean, end = sums[number] / sizes[number], begin + sizes[number]
            for i in range(begin, end):
                result[i] = mean
                numbers[i] = number
            begin = end
