"""Calls of ops with sliding windows: convolutions and pooling, with their layouts, strides and dilations."""

import numpy as np
from hypothesis import strategies as st

from tests.conformance.values import SEED, WIDE, numbers
from tests.harness.op_case import OpCase

DRAWS = {}
SIDE = st.sampled_from([1, 2, 3])
BATCH = st.sampled_from([1, 2, 3])
CHANNELS = st.sampled_from([1, 2, 3, 5, 8])
PADDING = st.sampled_from(["SAME", "VALID"])
# Sums of some tens of products, in another order.
SUMS = {np.float32: (1e-4, 1e-4), np.float64: (1e-10, 1e-10)}


def _geometry(draw, rank):
    """Extents, window, strides and dilations that give at least one output (dilated or strided, not both)."""
    window = [draw(SIDE) for _ in range(rank)]
    dilations = [draw(st.sampled_from([1, 1, 2])) for _ in range(rank)]
    strides = (
        [1] * rank if max(dilations) > 1 else [draw(st.sampled_from([1, 1, 2])) for _ in window]
    )
    extents = [
        (w - 1) * d + draw(st.sampled_from([1, 2, 4, 7]))
        for w, d in zip(window, dilations, strict=True)
    ]
    return extents, window, strides, dilations


def _convolution(op, rank, depthwise=False):
    @st.composite
    def strategy(draw):
        extents, window, strides, dilations = _geometry(draw, rank)
        kind, channels = draw(WIDE), draw(CHANNELS)
        if (
            depthwise or rank == 3
        ):  # kernels of TensorFlow for these take square strides, no dilation
            strides = [strides[0]] * rank
            dilations = [1] * rank
        x = numbers(draw(SEED), (draw(BATCH), *extents, channels), kind)
        kernel = numbers(
            draw(SEED), (*window, channels, draw(CHANNELS if not depthwise else SIDE)), kind
        )
        attrs = {
            "strides": [1, *strides, 1],
            "padding": draw(PADDING),
            "dilations": [1, *dilations, 1],
        }
        return OpCase(op, [x, kernel], attrs, tolerance=SUMS[kind])

    return strategy()


DRAWS["Conv2D"] = _convolution("Conv2D", 2)
DRAWS["Conv3D"] = _convolution("Conv3D", 3)
DRAWS["DepthwiseConv2dNative"] = _convolution("DepthwiseConv2dNative", 2, depthwise=True)


def _pooling(op, rank):
    @st.composite
    def strategy(draw):
        extents, window, strides, _ = _geometry(draw, rank)
        kind = np.float32 if rank == 3 and op.startswith("Max") else draw(WIDE)
        x = numbers(draw(SEED), (draw(BATCH), *extents, draw(CHANNELS)), kind)
        attrs = {"ksize": [1, *window, 1], "strides": [1, *strides, 1], "padding": draw(PADDING)}
        differs = np.dtype(kind) == np.float64  # steps in float32 may change which is the largest
        return OpCase(op, [x], attrs, gradient=differs, tolerance=SUMS[kind])

    return strategy()


for _op, _rank in (("MaxPool", 2), ("AvgPool", 2), ("MaxPool3D", 3), ("AvgPool3D", 3)):
    DRAWS[_op] = _pooling(_op, _rank)


@st.composite
def _dilation(draw):
    kind = draw(WIDE)
    x = numbers(draw(SEED), (draw(BATCH), 6, 7, 2), kind)
    kernel = numbers(draw(SEED), (draw(SIDE), draw(SIDE), 2), kind)
    rates = [1, draw(st.sampled_from([1, 2])), 1, 1]
    attrs = {"strides": [1, draw(SIDE), 1, 1], "rates": rates, "padding": draw(PADDING)}
    return OpCase("Dilation2D", [x, kernel], attrs, gradient=np.dtype(kind) == np.float64)


DRAWS["Dilation2D"] = _dilation()


@st.composite
def _patches(draw):
    extents, window, strides, rates = _geometry(draw, 2)
    x = numbers(draw(SEED), (draw(BATCH), *extents, 2), draw(WIDE))
    attrs = {"ksizes": [1, *window, 1], "strides": [1, *strides, 1], "rates": [1, *rates, 1]}
    return OpCase("ExtractImagePatches", [x], {**attrs, "padding": draw(PADDING)})


DRAWS["ExtractImagePatches"] = _patches()
