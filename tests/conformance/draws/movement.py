"""Calls of ops that reshape, order, pad, join and cut; space to batch and depth."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.draws.values import (
    INDEX,
    SEED,
    SOME,
    axes_of,
    drawn,
    numbers,
    shapes,
    types,
)
from tests.harness.op_case import OpCase

DRAWS = {}
FEW = st.sampled_from([1, 2, 3])


def array(draw, op, attr="T", **limits):
    """An array of one of the op's types."""
    return numbers(draw(SEED), draw(shapes(**limits)), draw(types(op, attr)))


@drawn(DRAWS)
def Reshape(draw):
    x = array(draw, "Reshape")
    order = draw(st.permutations(x.shape))
    if x.size and order and draw(st.booleans()):
        order[draw(st.integers(0, len(order) - 1))] = -1
    return OpCase("Reshape", [x, np.array(order, draw(INDEX))])


def _turning(op):
    @st.composite
    def strategy(draw):
        x = array(draw, op)
        return OpCase(op, [x, np.array(draw(st.permutations(range(x.ndim))), draw(INDEX))])

    return strategy()


for _op in ("Transpose", "ConjugateTranspose"):
    DRAWS[_op] = _turning(_op)


@drawn(DRAWS)
def ReverseV2(draw):
    x = array(draw, "ReverseV2")
    return OpCase("ReverseV2", [x, draw(axes_of(x.ndim))])


@drawn(DRAWS)
def Reverse(draw):
    x = array(draw, "Reverse")
    return OpCase("Reverse", [x, np.array([draw(st.booleans()) for _ in x.shape], bool)])


@drawn(DRAWS)
def ExpandDims(draw):
    x = array(draw, "ExpandDims", most=3)
    return OpCase("ExpandDims", [x, draw(INDEX)(draw(st.integers(-x.ndim - 1, x.ndim)))])


@drawn(DRAWS)
def Squeeze(draw):
    x = array(draw, "Squeeze")
    ones = [a for a, n in enumerate(x.shape) if n == 1]
    return OpCase("Squeeze", [x], {"squeeze_dims": ones[: draw(st.integers(0, len(ones)))]})


@drawn(DRAWS)
def BroadcastTo(draw):
    x = array(draw, "BroadcastTo", most=3)
    shape = [draw(FEW) if n == 1 else n for n in x.shape]
    more = draw(st.lists(st.sampled_from([0, 1, 2]), max_size=1))
    return OpCase("BroadcastTo", [x, np.array(more + shape, draw(INDEX))])


@drawn(DRAWS)
def Tile(draw):
    x = array(draw, "Tile", most=3)
    times = [draw(st.integers(0, 3)) for _ in x.shape]
    return OpCase("Tile", [x, np.array(times, draw(INDEX))])


@drawn(DRAWS)
def Pad(draw):
    x = array(draw, "Pad", most=3)
    widths = [[draw(st.integers(0, 2)) for _ in range(2)] for _ in x.shape]
    return OpCase("Pad", [x, np.array(widths, draw(INDEX)).reshape(-1, 2)])


@drawn(DRAWS)
def PadV2(draw):
    x, widths = draw(DRAWS["Pad"]).inputs
    return OpCase("PadV2", [x, widths, np.array(7).astype(x.dtype)], gradient=(0,))


def _mirrored(draw, op):
    x = array(draw, op, most=3, extent=st.sampled_from([2, 3, 5]))
    mode = draw(st.sampled_from(["REFLECT", "SYMMETRIC"]))
    widths = [
        [draw(st.integers(0, min(n, 4099) - 1 if mode == "REFLECT" else n)) for _ in range(2)]
        for n in x.shape
    ]
    return x, np.array(widths, draw(INDEX)).reshape(-1, 2), mode


@drawn(DRAWS)
def MirrorPad(draw):
    x, widths, mode = _mirrored(draw, "MirrorPad")
    return OpCase("MirrorPad", [x, widths], {"mode": mode})


@drawn(DRAWS)
def MirrorPadGrad(draw):
    x, widths, mode = _mirrored(draw, "MirrorPadGrad")
    shape = tuple(n + int(a + b) for n, (a, b) in zip(x.shape, widths, strict=True))
    return OpCase("MirrorPadGrad", [numbers(draw(SEED), shape, x.dtype), widths], {"mode": mode})


def _parts(draw, op, attr="T"):
    """Arrays that are equal in shape but along an axis."""
    shape, kind = draw(shapes(1, 3)), draw(types(op, attr))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for _ in range(draw(st.integers(2, 4))):
        part = list(shape)
        part[axis] = draw(st.integers(0, 4))
        parts.append(numbers(draw(SEED), tuple(part), kind))
    return parts, axis


@drawn(DRAWS)
def ConcatV2(draw):
    parts, axis = _parts(draw, "ConcatV2")
    return OpCase("ConcatV2", [parts, draw(INDEX)(axis)])


@drawn(DRAWS)
def Concat(draw):
    parts, axis = _parts(draw, "Concat")
    return OpCase("Concat", [np.int32(axis), parts])


@drawn(DRAWS)
def ConcatOffset(draw):
    parts, axis = _parts(draw, "Concat")
    kind = draw(INDEX)
    return OpCase("ConcatOffset", [np.int32(axis), [np.array(p.shape, kind) for p in parts]])


@drawn(DRAWS)
def ParallelConcat(draw):
    shape, kind = (1, *draw(shapes(most=2, extent=SOME))), draw(types("ParallelConcat"))
    parts = [numbers(draw(SEED), shape, kind) for _ in range(draw(st.integers(1, 4)))]
    return OpCase("ParallelConcat", [parts], {"shape": [len(parts), *shape[1:]]})


@drawn(DRAWS)
def Pack(draw):
    shape, kind = draw(shapes(most=3)), draw(types("Pack"))
    parts = [numbers(draw(SEED), shape, kind) for _ in range(draw(st.integers(1, 4)))]
    return OpCase("Pack", [parts], {"axis": draw(st.integers(-len(shape) - 1, len(shape)))})


@drawn(DRAWS)
def Unpack(draw):
    x = array(draw, "Unpack", least=1, most=3, extent=FEW)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return OpCase("Unpack", [x], {"num": x.shape[axis], "axis": axis})


@drawn(DRAWS)
def Split(draw):
    x = array(draw, "Split", least=1, most=3, extent=st.sampled_from([0, 6, 12]))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return OpCase("Split", [np.int32(axis), x], {"num_split": draw(FEW)})


@drawn(DRAWS)
def SplitV(draw):
    x = array(draw, "SplitV", least=1, most=3)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    ends = sorted(draw(st.lists(st.integers(0, x.shape[axis]), max_size=3)))
    sizes = np.diff([0, *ends, x.shape[axis]])
    if draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = -1
    inputs = [x, sizes.astype(draw(INDEX)), np.int32(axis)]
    return OpCase("SplitV", inputs, {"num_split": len(sizes)})


@drawn(DRAWS)
def Roll(draw):
    x = array(draw, "Roll", least=1)
    axes = draw(axes_of(x.ndim))
    shifts = [draw(st.integers(-7, 7)) for _ in axes]
    return OpCase("Roll", [x, np.array(shifts, draw(INDEX)), axes])


@drawn(DRAWS)
def ReverseSequence(draw):
    x = array(draw, "ReverseSequence", least=2, most=3, extent=SOME)
    batch, line = draw(st.permutations(range(x.ndim)))[:2]
    lengths = [draw(st.integers(0, x.shape[line])) for _ in range(x.shape[batch])]
    return OpCase(
        "ReverseSequence",
        [x, np.array(lengths, draw(INDEX))],
        {"seq_dim": line, "batch_dim": batch},
    )


def _blocks(op, of_depth):
    @st.composite
    def strategy(draw):
        size = draw(st.sampled_from([2, 3]))
        n, h, w, c = (draw(FEW) for _ in range(4))
        shape = (n, h, w, c * size * size) if of_depth else (n, h * size, w * size, c)
        layout = draw(st.sampled_from(["NHWC", "NHWC", "NCHW"]))
        shape = (shape[0], shape[3], *shape[1:3]) if layout == "NCHW" else shape
        attrs = {"block_size": size, "data_format": layout}
        return OpCase(op, [numbers(draw(SEED), shape, draw(types(op)))], attrs)

    return strategy()


DRAWS["SpaceToDepth"] = _blocks("SpaceToDepth", False)
DRAWS["DepthToSpace"] = _blocks("DepthToSpace", True)


@drawn(DRAWS)
def SpaceToBatchND(draw):
    block = [draw(FEW) for _ in range(draw(st.integers(1, 3)))]
    extents = [b * draw(FEW) for b in block]
    pads = [[b - (c := draw(st.integers(0, b))), c] for b in block]
    rest = draw(st.sampled_from([(), (2,), (3, 2)]))
    x = numbers(draw(SEED), (draw(FEW), *extents, *rest), draw(types("SpaceToBatchND")))
    return OpCase("SpaceToBatchND", [x, np.array(block, draw(INDEX)), np.array(pads, draw(INDEX))])


@drawn(DRAWS)
def BatchToSpaceND(draw):
    block = [draw(FEW) for _ in range(draw(st.integers(1, 3)))]
    extents = [draw(FEW) for _ in block]
    crops = [
        [draw(st.integers(0, b * n // 2)) for _ in range(2)]
        for b, n in zip(block, extents, strict=True)
    ]
    shape = (draw(FEW) * int(np.prod(block)), *extents, *draw(st.sampled_from([(), (2,), (3, 2)])))
    x = numbers(draw(SEED), shape, draw(types("BatchToSpaceND")))
    return OpCase("BatchToSpaceND", [x, np.array(block, draw(INDEX)), np.array(crops, draw(INDEX))])


@drawn(DRAWS)
def SpaceToBatch(draw):
    size, pads = draw(st.sampled_from([2, 3])), [draw(FEW), draw(FEW)]
    extents = [size * draw(FEW) + size - pad % size for pad in pads]
    x = numbers(draw(SEED), (draw(FEW), *extents, draw(FEW)), draw(types("SpaceToBatch")))
    widths = [[0, pads[0]], [pads[1], 0]]
    return OpCase("SpaceToBatch", [x, np.array(widths, draw(INDEX))], {"block_size": size})


@drawn(DRAWS)
def BatchToSpace(draw):
    size = draw(st.sampled_from([2, 3]))
    shape = (draw(FEW) * size * size, draw(FEW), draw(FEW), draw(FEW))
    x = numbers(draw(SEED), shape, draw(types("BatchToSpace")))
    crops = np.array([[draw(st.integers(0, 1)), 0], [0, draw(st.integers(0, 1))]], draw(INDEX))
    return OpCase("BatchToSpace", [x, crops], {"block_size": size})
