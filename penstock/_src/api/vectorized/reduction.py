"""Rules of operations along axes: each axis of a row is one further in the stack."""

import numpy as np

from penstock._src.api.vectorized.rules import rule
from penstock._src.api.vectorized.step import Step


@rule("Sum Prod Max Min Mean All Any EuclideanNorm")
def reduce(step: Step) -> list:
    """Reduces each row."""
    return step.run(step.whole(0), step.axis(step.static(1)))


@rule("ArgMax ArgMin Cumsum Cumprod CumulativeLogsumexp ReverseV2 ExpandDims")
def along(step: Step) -> list:
    """Goes along an axis of each row."""
    axes = step.static(1)
    return step.run(step.whole(0), step.axis(axes))


@rule("Roll")
def roll(step: Step) -> list:
    """Shifts each row."""
    return step.run(step.whole(0), step.common(1), step.axis(step.static(2)))


@rule("Softmax LogSoftmax TopKV2 TopK")
def last_axis(step: Step) -> list:
    """Goes along the last axis, whatever stands before it."""
    rest = [step.common(i) for i in range(1, len(step.values))]
    return step.run(step.whole(0), *rest)


@rule("UnsortedSegmentSum UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin")
def segments(step: Step) -> list:
    """Numbers the segments of all rows in sequence."""
    count = step.common(2)
    data, ids = step.whole(0), step.whole(1)
    rows = step.other("Range", 0, step.count, 1)[0]
    first = step.other("Mul", rows, step.other("Cast", count, DstT=rows.dtype)[0])[0]
    first = step.other("Cast", first, DstT=ids.dtype)[0]
    for _ in range(step.rank(1)):
        first = step.other("ExpandDims", first, np.int32(-1))[0]
    below = step.other("Less", ids, step.other("ZerosLike", ids)[0])[0]
    numbered = step.other("SelectV2", below, ids, step.other("AddV2", ids, first)[0])[0]
    total = step.other("Mul", step.other("Cast", count, DstT=rows.dtype)[0], step.count)[0]
    found = step.run(data, numbered, step.other("Cast", total, DstT=count.dtype)[0])[0]
    return [step.parted(found)]
