"""Calls of ops that move, join, index and scatter."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.values import ANY, NUMBERS, SEED, SOME, WIDE, axes_of, numbers, shapes
from tests.harness.op_case import OpCase

DRAWS = {}


def drawn(function):
    """Enters a strategy of calls under the name of its op."""
    DRAWS[function.__name__] = st.composite(function)()
    return function


def _array(draw, dtype=ANY, **limits):
    return numbers(draw(SEED), draw(shapes(**limits)), draw(dtype))


@drawn
def Reshape(draw):
    x = _array(draw)
    order = draw(st.permutations(x.shape))
    if x.size and order and draw(st.booleans()):
        order[draw(st.integers(0, len(order) - 1))] = -1
    return OpCase("Reshape", [x, np.array(order, draw(st.sampled_from([np.int32, np.int64])))])


@drawn
def Transpose(draw):
    x = _array(draw)
    return OpCase("Transpose", [x, np.array(draw(st.permutations(range(x.ndim))), np.int32)])


@drawn
def ReverseV2(draw):
    x = _array(draw)
    return OpCase("ReverseV2", [x, draw(axes_of(x.ndim))])


@drawn
def ExpandDims(draw):
    x = _array(draw, most=3)
    return OpCase("ExpandDims", [x, np.int32(draw(st.integers(-x.ndim - 1, x.ndim)))])


@drawn
def Squeeze(draw):
    x = _array(draw)
    ones = [a for a, n in enumerate(x.shape) if n == 1]
    return OpCase("Squeeze", [x], {"squeeze_dims": ones[: draw(st.integers(0, len(ones)))]})


@drawn
def BroadcastTo(draw):
    x = _array(draw, most=3)
    shape = [draw(st.sampled_from([1, 2, 3])) if n == 1 else n for n in x.shape]
    more = draw(st.lists(st.sampled_from([0, 1, 2]), max_size=1))
    return OpCase("BroadcastTo", [x, np.array(more + shape, np.int32)])


@drawn
def Tile(draw):
    x = _array(draw, most=3)
    times = [draw(st.integers(0, 3)) for _ in x.shape]
    return OpCase("Tile", [x, np.array(times, np.int32)])


@drawn
def Slice(draw):
    x = _array(draw)
    begin = [draw(st.integers(0, n)) for n in x.shape]
    size = [draw(st.integers(-1, n - b)) for n, b in zip(x.shape, begin, strict=True)]
    return OpCase("Slice", [x, np.array(begin, np.int32), np.array(size, np.int32)])


@drawn
def StridedSlice(draw):
    x = _array(draw, least=1)
    rank = draw(st.integers(1, x.ndim))
    ends = [[draw(st.integers(-n - 1, n + 1)) for n in x.shape[:rank]] for _ in range(2)]
    steps = [draw(st.sampled_from([1, 1, 2, -1, -2])) for _ in range(rank)]
    # An axis without entries has none to pick.
    picks = [a for a, n in enumerate(x.shape[:rank]) if n and draw(st.integers(0, 3)) == 0]
    for axis in picks:
        ends[0][axis], steps[axis] = draw(st.integers(0, x.shape[axis] - 1)), 1
    masks = {name: draw(st.integers(0, 2**rank - 1)) for name in ("begin_mask", "end_mask")}
    clear = sum(1 << a for a in picks)
    masks["begin_mask"] &= ~clear
    inputs = [np.array(v, np.int32) for v in (*ends, steps)]
    return OpCase("StridedSlice", [x, *inputs], {**masks, "shrink_axis_mask": clear})


@drawn
def Pad(draw):
    x = _array(draw, NUMBERS, most=3)
    widths = [[draw(st.integers(0, 2)) for _ in range(2)] for _ in x.shape]
    return OpCase("Pad", [x, np.array(widths, np.int32).reshape(-1, 2)])


@drawn
def PadV2(draw):
    case = draw(DRAWS["Pad"])
    return OpCase("PadV2", [*case.inputs, case.inputs[0].dtype.type(7)], gradient=(0,))


@drawn
def MirrorPad(draw):
    x = _array(draw, NUMBERS, most=3, extent=st.sampled_from([2, 3, 5]))
    widths = [[draw(st.integers(0, n - 1)) for _ in range(2)] for n in x.shape]
    mode = draw(st.sampled_from(["REFLECT", "SYMMETRIC"]))
    return OpCase("MirrorPad", [x, np.array(widths, np.int32).reshape(-1, 2)], {"mode": mode})


@drawn
def ConcatV2(draw):
    shape, kind = draw(shapes(1, 3)), draw(ANY)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for _ in range(draw(st.integers(2, 4))):
        part = list(shape)
        part[axis] = draw(st.integers(0, 4))
        parts.append(numbers(draw(SEED), tuple(part), kind))
    return OpCase("ConcatV2", [parts, np.int32(axis)])


@drawn
def Pack(draw):
    shape, kind = draw(shapes(most=3)), draw(ANY)
    parts = [numbers(draw(SEED), shape, kind) for _ in range(draw(st.integers(1, 4)))]
    return OpCase("Pack", [parts], {"axis": draw(st.integers(-len(shape) - 1, len(shape)))})


@drawn
def Unpack(draw):
    x = _array(draw, least=1, most=3, extent=st.sampled_from([1, 2, 3]))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return OpCase("Unpack", [x], {"num": x.shape[axis], "axis": axis})


@drawn
def Split(draw):
    x = _array(draw, least=1, most=3, extent=st.sampled_from([6, 12]))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return OpCase("Split", [np.int32(axis), x], {"num_split": draw(st.sampled_from([1, 2, 3]))})


@drawn
def GatherV2(draw):
    batch = draw(st.integers(0, 1))
    x = _array(draw, NUMBERS, least=1 + batch, extent=SOME)
    axis = draw(st.integers(batch, x.ndim - 1))
    lead = x.shape[:batch]
    shape = (*lead, *draw(shapes(most=2)))
    at = np.random.default_rng(draw(SEED)).integers(0, x.shape[axis], shape)
    return OpCase("GatherV2", [x, at.astype(np.int32), np.int32(axis)], {"batch_dims": batch})


@drawn
def GatherNd(draw):
    x = _array(draw, NUMBERS, least=1, extent=SOME)
    depth = draw(st.integers(1, x.ndim))
    random, count = np.random.default_rng(draw(SEED)), draw(st.integers(0, 5))
    at = np.stack([random.integers(0, n, count) for n in x.shape[:depth]], -1)
    return OpCase("GatherNd", [x, at.astype(np.int32)])


@drawn
def ScatterNd(draw):
    shape = draw(shapes(1, 3, SOME))
    depth = draw(st.integers(1, len(shape)))
    random, count = np.random.default_rng(draw(SEED)), draw(st.integers(0, 6))
    at = np.stack([random.integers(0, n, count) for n in shape[:depth]], -1)
    updates = numbers(draw(SEED), (count, *shape[depth:]), draw(WIDE))
    return OpCase("ScatterNd", [at.astype(np.int32), updates, np.array(shape, np.int32)])


def _scattering(op):
    """Each place at most once, so that the order of updates does not matter."""

    @st.composite
    def strategy(draw):
        x = _array(draw, WIDE, least=1, most=3, extent=SOME)
        rows = draw(st.permutations(range(x.shape[0])))[: draw(st.integers(0, x.shape[0]))]
        updates = numbers(draw(SEED), (len(rows), *x.shape[1:]), x.dtype)
        return OpCase(op, [x, np.array(rows, np.int32).reshape(-1, 1), updates])

    return strategy()


for _op in "Update Add Sub Max Min".split():
    DRAWS[f"TensorScatter{_op}"] = _scattering(f"TensorScatter{_op}")


def _segments(op):
    @st.composite
    def strategy(draw):
        x = _array(draw, WIDE, least=1, most=3)
        count = draw(st.integers(1, 5))
        ids = np.random.default_rng(draw(SEED)).integers(-1, count, x.shape[:1])
        # Differences drown in the lowest number, which an empty segment gets; recorded gradients remain.
        differs = None if op in ("UnsortedSegmentSum", "UnsortedSegmentProd") else False
        return OpCase(op, [x, ids.astype(np.int32), np.int32(count)], gradient=differs)

    return strategy()


for _op in "Sum Max Min Prod".split():
    DRAWS[f"UnsortedSegment{_op}"] = _segments(f"UnsortedSegment{_op}")


@drawn
def OneHot(draw):
    at = np.random.default_rng(draw(SEED)).integers(-1, 5, draw(shapes(most=2)))
    inputs = [at.astype(np.int32), np.int32(draw(st.integers(0, 5))), np.float32(2), np.float32(-1)]
    return OpCase("OneHot", inputs, {"axis": draw(st.integers(-1, at.ndim))}, gradient=False)


@drawn
def Roll(draw):
    x = _array(draw, NUMBERS, least=1, extent=SOME)
    axes = draw(axes_of(x.ndim))
    shifts = [draw(st.integers(-7, 7)) for _ in axes]
    return OpCase("Roll", [x, np.array(shifts, np.int32), axes])


@drawn
def ReverseSequence(draw):
    x = _array(draw, NUMBERS, least=2, most=3, extent=SOME)
    batch, line = draw(st.permutations(range(x.ndim)))[:2]
    lengths = [draw(st.integers(0, x.shape[line])) for _ in range(x.shape[batch])]
    return OpCase(
        "ReverseSequence", [x, np.array(lengths, np.int64)], {"seq_dim": line, "batch_dim": batch}
    )


@drawn
def InvertPermutation(draw):
    count = draw(st.integers(0, 9))
    return OpCase("InvertPermutation", [np.array(draw(st.permutations(range(count))), np.int32)])


@drawn
def MatrixBandPart(draw):
    x = _array(draw, NUMBERS, least=2, extent=SOME)
    bounds = [np.int32(draw(st.integers(-1, n))) for n in x.shape[-2:]]
    return OpCase("MatrixBandPart", [x, *bounds])


@drawn
def MatrixDiag(draw):
    return OpCase("MatrixDiag", [_array(draw, NUMBERS, least=1, most=3, extent=SOME)])


@drawn
def MatrixDiagPart(draw):
    return OpCase("MatrixDiagPart", [_array(draw, NUMBERS, least=2, extent=SOME)])


@drawn
def MatrixSetDiag(draw):
    x = _array(draw, NUMBERS, least=2, most=3, extent=SOME)
    diagonal = numbers(draw(SEED), (*x.shape[:-2], min(x.shape[-2:])), x.dtype)
    return OpCase("MatrixSetDiag", [x, diagonal])


def _blocks(op, of_depth):
    @st.composite
    def strategy(draw):
        size = draw(st.sampled_from([2, 3]))
        n, h, w, c = (draw(st.sampled_from([1, 2, 3])) for _ in range(4))
        shape = (n, h, w, c * size * size) if of_depth else (n, h * size, w * size, c)
        return OpCase(op, [numbers(draw(SEED), shape, draw(WIDE))], {"block_size": size})

    return strategy()


DRAWS["SpaceToDepth"] = _blocks("SpaceToDepth", False)
DRAWS["DepthToSpace"] = _blocks("DepthToSpace", True)


@drawn
def SpaceToBatchND(draw):
    block = [draw(st.sampled_from([1, 2])) for _ in range(2)]
    extents = [b * draw(st.sampled_from([1, 2, 3])) for b in block]
    pads = [[b, b] if draw(st.booleans()) else [0, 0] for b in block]
    x = numbers(draw(SEED), (draw(st.sampled_from([1, 2])), *extents, 2), draw(WIDE))
    return OpCase("SpaceToBatchND", [x, np.array(block, np.int32), np.array(pads, np.int32)])


@drawn
def BatchToSpaceND(draw):
    block = [draw(st.sampled_from([1, 2])) for _ in range(2)]
    batch = draw(st.sampled_from([1, 2])) * int(np.prod(block))
    x = numbers(draw(SEED), (batch, 3, 2, 2), draw(WIDE))
    crops = [[1, 0] if draw(st.booleans()) else [0, 0] for _ in block]
    return OpCase("BatchToSpaceND", [x, np.array(block, np.int32), np.array(crops, np.int32)])


@drawn
def Range(draw):
    start, limit = draw(st.integers(-5, 5)), draw(st.integers(-5, 20))
    step = draw(st.integers(1, 4)) * (1 if limit >= start else -1)
    kind = draw(st.sampled_from([np.int32, np.float32, np.int64]))
    return OpCase("Range", [kind(v) for v in (start, limit, step)], gradient=False)


@drawn
def LinSpace(draw):
    kind = draw(WIDE)
    ends = kind(draw(st.integers(-5, 5))), kind(draw(st.integers(-5, 5)))
    return OpCase("LinSpace", [*ends, np.int32(draw(st.integers(1, 9)))], gradient=False)


@drawn
def Fill(draw):
    return OpCase("Fill", [np.array(draw(shapes()), np.int32), numbers(draw(SEED), (), draw(ANY))])
