"""Calls of ops on strided slices: reading, updating, and the gradient of reading."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.values import INDEX, SEED, drawn, numbers, shapes, types
from tests.harness.op_case import OpCase

DRAWS = {}


@st.composite
def strided_slices(draw, op="StridedSlice"):
    """An array, (begin, end, strides), masks, and an array of the shape of the slice."""
    x = numbers(draw(SEED), draw(shapes(least=1)), draw(types(op)))
    rank, kind = draw(st.integers(1, x.ndim)), draw(INDEX)
    ends = [[draw(st.integers(-n - 1, n + 1)) for n in x.shape[:rank]] for _ in range(2)]
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in range(rank)]
    # An axis without entries has none to pick.
    picks = [a for a, n in enumerate(x.shape[:rank]) if n and draw(st.integers(0, 3)) == 0]
    for axis in picks:
        n = x.shape[axis]
        ends[0][axis], steps[axis] = draw(st.integers(-n, n - 1)), 1
    masks = {name: draw(st.integers(0, 2**rank - 1)) for name in ("begin_mask", "end_mask")}
    clear = sum(1 << a for a in picks)
    masks["begin_mask"] &= ~clear
    index = [
        begin if clear >> axis & 1
        else slice(
            None if masks["begin_mask"] >> axis & 1 else begin,
            None if masks["end_mask"] >> axis & 1 else end,
            step,
        )
        for axis, (begin, end, step) in enumerate(zip(*ends, steps, strict=True))
    ]  # fmt: skip
    if draw(st.booleans()):  # one more entry: a new axis, or the axes between
        at = draw(st.integers(0, rank))
        for mask in ("begin_mask", "end_mask"):
            low = masks[mask] & ((1 << at) - 1)
            masks[mask] = low | (masks[mask] >> at) << (at + 1)
        clear = clear & ((1 << at) - 1) | (clear >> at) << (at + 1)
        for values, entry in ((ends[0], 0), (ends[1], 1), (steps, 1)):
            values.insert(at, entry)
        added = draw(st.sampled_from(["new_axis_mask", "ellipsis_mask"]))
        masks[added] = 1 << at
        index.insert(at, None if added == "new_axis_mask" else Ellipsis)
    masks["shrink_axis_mask"] = clear
    part = numbers(draw(SEED), x[tuple(index)].shape, x.dtype)
    return x, [np.array(v, kind) for v in (*ends, steps)], masks, part


@drawn(DRAWS)
def StridedSlice(draw):
    x, bounds, masks, _ = draw(strided_slices())
    return OpCase("StridedSlice", [x, *bounds], masks)


@drawn(DRAWS)
def StridedSliceGrad(draw):
    x, bounds, masks, part = draw(strided_slices())
    shape = np.array(x.shape, bounds[0].dtype)
    return OpCase("StridedSliceGrad", [shape, *bounds, part], masks)


@drawn(DRAWS)
def TensorStridedSliceUpdate(draw):
    x, bounds, masks, part = draw(strided_slices())
    return OpCase("TensorStridedSliceUpdate", [x, *bounds, part], masks)


@drawn(DRAWS)
def Slice(draw):
    x, kind = numbers(draw(SEED), draw(shapes()), draw(types("Slice"))), draw(INDEX)
    begin = [draw(st.integers(0, n)) for n in x.shape]
    size = [draw(st.integers(-1, n - b)) for n, b in zip(x.shape, begin, strict=True)]
    return OpCase("Slice", [x, np.array(begin, kind), np.array(size, kind)])


@drawn(DRAWS)
def XlaDynamicSlice(draw):
    x, kind = numbers(draw(SEED), draw(shapes()), draw(types("XlaDynamicSlice"))), draw(INDEX)
    size = [draw(st.integers(0, n)) for n in x.shape]
    begin = [draw(st.integers(-1, n + 1)) for n in x.shape]
    return OpCase("XlaDynamicSlice", [x, np.array(begin, kind), np.array(size, kind)])


@drawn(DRAWS)
def XlaDynamicUpdateSlice(draw):
    x = numbers(draw(SEED), draw(shapes()), draw(types("XlaDynamicUpdateSlice")))
    shape = tuple(draw(st.integers(0, n)) for n in x.shape)
    begin = [draw(st.integers(-1, n + 1)) for n in x.shape]
    update = numbers(draw(SEED), shape, x.dtype)
    return OpCase("XlaDynamicUpdateSlice", [x, update, np.array(begin, draw(INDEX))])
