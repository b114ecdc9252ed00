"""Calls of products, normalisations, losses, resizing and random numbers."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.values import SEED, SOME, WIDE, numbers, shapes
from tests.harness.op_case import OpCase

DRAWS = {}
SUMS = {np.float32: (1e-4, 1e-4), np.float64: (1e-10, 1e-10)}
EXTENT = st.sampled_from([0, 1, 2, 3, 7, 16, 33])


def drawn(function):
    """Enters a strategy of calls under the name of its op."""
    DRAWS[function.__name__] = st.composite(function)()
    return function


def _matrices(draw, batch_a=(), batch_b=()):
    n, m, k = (draw(EXTENT) for _ in range(3))
    kind, turned = draw(WIDE), [draw(st.booleans()) for _ in range(2)]
    a = numbers(draw(SEED), (*batch_a, *((k, n) if turned[0] else (n, k))), kind)
    b = numbers(draw(SEED), (*batch_b, *((m, k) if turned[1] else (k, m))), kind)
    return [a, b], turned, SUMS[kind]


@drawn
def MatMul(draw):
    inputs, turned, tolerance = _matrices(draw)
    attrs = {"transpose_a": turned[0], "transpose_b": turned[1]}
    return OpCase("MatMul", inputs, attrs, tolerance=tolerance)


@drawn
def BatchMatMulV2(draw):
    whole = draw(st.sampled_from([(), (2,), (2, 3), (1, 3)]))
    part = draw(st.sampled_from([whole, whole[1:], (1,) * len(whole)]))
    inputs, turned, tolerance = _matrices(draw, whole, part)
    attrs = {"adj_x": turned[0], "adj_y": turned[1]}
    return OpCase("BatchMatMulV2", inputs, attrs, tolerance=tolerance)


@drawn
def Einsum(draw):
    equation = draw(
        st.sampled_from(["ij,jk->ik", "bij,bkj->bik", "abc,cd->abd", "bhqd,bhkd->bhqk", "i,j->ij", "ij,ij->", "bi,bi->b"])
    )  # fmt: skip
    sizes = {letter: draw(st.sampled_from([1, 2, 3, 5])) for letter in set(equation) - set(",->")}
    kind = draw(WIDE)
    parts = [
        numbers(draw(SEED), tuple(sizes[c] for c in part), kind)
        for part in equation.split("->")[0].split(",")
    ]
    return OpCase("Einsum", [parts], {"equation": equation}, tolerance=SUMS[kind])


@drawn
def BiasAdd(draw):
    x = numbers(draw(SEED), draw(shapes(2, 4)), draw(WIDE))
    return OpCase("BiasAdd", [x, numbers(draw(SEED), x.shape[-1:], x.dtype)])


def _rowwise(op):
    @st.composite
    def strategy(draw):
        return OpCase(op, [numbers(draw(SEED), draw(shapes(1, 3, SOME)), draw(WIDE))])

    return strategy()


for _op in ("Softmax", "LogSoftmax"):
    DRAWS[_op] = _rowwise(_op)


@drawn
def SoftmaxCrossEntropyWithLogits(draw):
    shape, kind = draw(shapes(2, 2, SOME)), draw(WIDE)
    labels = numbers(draw(SEED), shape, kind, 0.1, 1)
    inputs = [numbers(draw(SEED), shape, kind), labels / labels.sum(-1, keepdims=True)]
    return OpCase("SoftmaxCrossEntropyWithLogits", inputs, gradient=False)


@drawn
def SparseSoftmaxCrossEntropyWithLogits(draw):
    shape, kind = draw(shapes(2, 2, SOME)), draw(WIDE)
    labels = np.random.default_rng(draw(SEED)).integers(0, shape[1], shape[0])
    inputs = [numbers(draw(SEED), shape, kind), labels.astype(np.int32)]
    return OpCase("SparseSoftmaxCrossEntropyWithLogits", inputs, gradient=False)


@drawn
def FusedBatchNormV3(draw):
    x = numbers(draw(SEED), (2, 3, draw(SOME), draw(st.sampled_from([1, 3, 8]))), np.float32)
    scale, offset, mean = (numbers(draw(SEED), x.shape[-1:], np.float32) for _ in range(3))
    variance = numbers(draw(SEED), x.shape[-1:], np.float32, 0.5, 2)
    training = draw(st.booleans())
    moments = [np.zeros(0, np.float32)] * 2 if training else [mean, variance]
    attrs = {"epsilon": 0.001, "is_training": training}
    # What backward passes read is the kernel's own affair.
    return OpCase(
        "FusedBatchNormV3",
        [x, scale, offset, *moments],
        attrs,
        gradient=False,
        tolerance=(1e-4, 1e-4),
        shape_known=False,
    )


@drawn
def LRN(draw):
    x = numbers(draw(SEED), (2, 2, 3, draw(st.sampled_from([1, 4, 9]))), np.float32)
    attrs = {"depth_radius": draw(st.integers(0, 4)), "bias": 1.5, "alpha": 0.3, "beta": 0.6}
    return OpCase("LRN", [x], attrs)


@drawn
def TopKV2(draw):
    x = numbers(draw(SEED), draw(shapes(1, 3, SOME)), draw(WIDE))
    return OpCase("TopKV2", [x, np.int32(draw(st.integers(0, x.shape[-1])))])


@drawn
def InTopKV2(draw):
    x = numbers(draw(SEED), draw(shapes(2, 2, SOME)), np.float32)
    targets = np.random.default_rng(draw(SEED)).integers(0, x.shape[1], x.shape[0])
    return OpCase("InTopKV2", [x, targets.astype(np.int32), np.int32(draw(st.integers(1, 4)))])


def _resizing(op, **attrs):
    @st.composite
    def strategy(draw):
        x = numbers(draw(SEED), (2, draw(SOME), draw(SOME), 3), np.float32)
        size = np.array([draw(SOME), draw(SOME)], np.int32)
        chosen = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
        named = dict(zip(("align_corners", "half_pixel_centers"), chosen, strict=True))
        named = named if "half_pixel_centers" in attrs else {"align_corners": chosen[0]}
        return OpCase(op, [x, size], named, gradient=False, tolerance=(1e-4, 1e-4))

    return strategy()


for _op in ("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic"):
    DRAWS[_op] = _resizing(_op, half_pixel_centers=True)
DRAWS["ResizeArea"] = _resizing("ResizeArea")


def _colours(op):
    @st.composite
    def strategy(draw):
        x = numbers(draw(SEED), (*draw(shapes(most=3)), 3), draw(WIDE), 0, 1)
        return OpCase(op, [x], gradient=False)

    return strategy()


for _op in ("RGBToHSV", "HSVToRGB"):
    DRAWS[_op] = _colours(_op)


def _random(op):
    @st.composite
    def strategy(draw):
        seed = np.array([draw(SEED), draw(SEED)], np.int32)
        kind = draw(st.sampled_from(["float32", "float64"]))
        return OpCase(op, [np.array(draw(shapes()), np.int32), seed], {"dtype": kind})

    return strategy()


for _op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"):
    DRAWS[_op] = _random(_op)
