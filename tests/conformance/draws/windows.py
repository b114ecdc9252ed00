"""Calls of ops with sliding windows: convolutions and pooling, with their layouts, strides and dilations."""

import numpy as np
from hypothesis import strategies as st

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.proto.layout import ConvolutionDimensionNumbers, DotDimensionNumbers
from tests.conformance.draws.values import SEED, drawn, numbers, types
from tests.harness.op_case import OpCase

DRAWS = {}
SIDE = st.sampled_from([1, 2, 3])
BATCH = st.sampled_from([0, 1, 2, 3])
CHANNELS = st.sampled_from([1, 2, 3, 5, 8])
PADDING = st.sampled_from(["SAME", "VALID"])


def slack(kind):
    """How far sums of some hundreds of products differ by their order."""
    return {"float16": (2e-2, 2e-1), "bfloat16": (6e-2, 4e-1), "float32": (1e-4, 1e-4), "float64": (1e-10, 1e-10)}.get(
        np.dtype(kind).name
    )  # fmt: skip


def geometry(draw, rank, largest=7):
    """Extents, window, strides and dilations that give at least one output (dilated or strided, not both)."""
    window = [draw(SIDE) for _ in range(rank)]
    dilations = [draw(st.sampled_from([1, 1, 2])) for _ in range(rank)]
    strides = (
        [1] * rank if max(dilations) > 1 else [draw(st.sampled_from([1, 1, 2])) for _ in window]
    )
    more = st.sampled_from([1, 2, 4, 7, 7, largest])
    extents = [(w - 1) * d + draw(more) for w, d in zip(window, dilations, strict=True)]
    return extents, window, strides, dilations


def out_extents(extents, window, strides, dilations, padding):
    """The extents of a convolution's result."""
    reach = [(w - 1) * d + 1 for w, d in zip(window, dilations, strict=True)]
    cut = [0 if padding == "SAME" else r - 1 for r in reach]
    return [-(-(n - c) // s) for n, c, s in zip(extents, cut, strides, strict=True)]


def _convolving(op, rank, depthwise, pick):
    """`pick` makes the inputs of (x, kernel, incoming gradient)."""

    @st.composite
    def strategy(draw):
        extents, window, strides, dilations = geometry(draw, rank, 33 if rank == 2 else 9)
        kind, channels, padding = draw(types(op)), draw(CHANNELS), draw(PADDING)
        # TensorFlow's kernels for these take square strides, no dilation
        if depthwise or rank == 3:
            strides, dilations = [strides[0]] * rank, [1] * rank
        features = draw(SIDE if depthwise else CHANNELS)
        out = out_extents(extents, window, strides, dilations, padding)
        batch = draw(BATCH)
        x = numbers(draw(SEED), (batch, *extents, channels), kind)
        kernel = numbers(draw(SEED), (*window, channels, features), kind)
        last = channels * features if depthwise else features
        attrs = {"strides": [1, *strides, 1], "padding": padding}
        attrs["dilations"] = [1, *dilations, 1]
        incoming = numbers(draw(SEED), (batch, *out, last), kind)
        return OpCase(op, pick(x, kernel, incoming), attrs, tolerance=slack(kind))

    return strategy()


def _sizes(array):
    return np.array(array.shape, np.int32)


for _op, _rank, _depthwise in (
    ("Conv2D", 2, False),
    ("Conv3D", 3, False),
    ("DepthwiseConv2dNative", 2, True),
):
    DRAWS[_op] = _convolving(_op, _rank, _depthwise, lambda x, k, dy: [x, k])
for _op, _rank, _depthwise in (
    ("Conv2DBackpropInput", 2, False),
    ("Conv3DBackpropInputV2", 3, False),
    ("DepthwiseConv2dNativeBackpropInput", 2, True),
):
    DRAWS[_op] = _convolving(_op, _rank, _depthwise, lambda x, k, dy: [_sizes(x), k, dy])
for _op, _rank, _depthwise in (
    ("Conv2DBackpropFilter", 2, False),
    ("Conv3DBackpropFilterV2", 3, False),
    ("DepthwiseConv2dNativeBackpropFilter", 2, True),
):
    DRAWS[_op] = _convolving(_op, _rank, _depthwise, lambda x, k, dy: [x, _sizes(k), dy])
for _op, _rank in (("Conv2DBackpropInputV2", 2), ("Conv3DBackpropInput", 3)):
    DRAWS[_op] = _convolving(_op, _rank, False, lambda x, k, dy: [x, k, dy])


@drawn(DRAWS)
def Conv(draw):
    rank = draw(st.sampled_from([2, 3]))
    case = draw(DRAWS["Conv2D" if rank == 2 else "Conv3D"])
    groups = draw(st.sampled_from([1, 1, 2])) if rank == 2 else 1
    x, kernel = case.inputs
    x = np.concatenate([x] * groups, -1)
    kernel = np.concatenate([kernel] * groups, -1)
    attrs = {**case.attrs, "groups": groups}
    return OpCase("Conv", [x, kernel], attrs, tolerance=case.tolerance)


def _pooled(draw, op, rank):
    """An array, its maxima in windows, an array of that shape, and the attributes."""
    extents, window, strides, _ = geometry(draw, rank, 33 if rank == 2 else 9)
    kind = draw(types(op if op.startswith("Avg") else "MaxPool" if rank == 2 else "MaxPool3D"))
    padding = draw(PADDING)
    shape = (draw(BATCH), *extents, draw(CHANNELS))
    x = numbers(draw(SEED), shape, kind, -3, 100 if np.dtype(kind).kind in "iu" else 3)
    attrs = {"ksize": [1, *window, 1], "strides": [1, *strides, 1], "padding": padding}
    out = out_extents(extents, window, strides, [1] * rank, padding)
    return x, (shape[0], *out, shape[-1]), attrs


def _maxima(x, attrs):
    pool = raw.MaxPool if x.ndim == 4 else raw.MaxPool3D
    return pool(tf.constant(x), **attrs).numpy()


def _pooling(op, rank):
    @st.composite
    def strategy(draw):
        x, _, attrs = _pooled(draw, op, rank)
        if op == "MaxPoolV2":
            sizes = [np.array(attrs.pop(name), np.int32) for name in ("ksize", "strides")]
            return OpCase(op, [x, *sizes], attrs)
        return OpCase(op, [x], attrs, tolerance=slack(x.dtype))

    return strategy()


for _op, _rank in (
    ("MaxPool", 2),
    ("AvgPool", 2),
    ("MaxPool3D", 3),
    ("AvgPool3D", 3),
    ("MaxPoolV2", 2),
):
    DRAWS[_op] = _pooling(_op, _rank)


def _mean_gradient(op, rank):
    @st.composite
    def strategy(draw):
        x, out, attrs = _pooled(draw, op, rank)
        inputs = [_sizes(x), numbers(draw(SEED), out, x.dtype)]
        return OpCase(op, inputs, attrs, tolerance=slack(x.dtype))

    return strategy()


for _op, _rank in (("AvgPoolGrad", 2), ("AvgPool3DGrad", 3)):
    DRAWS[_op] = _mean_gradient(_op, _rank)


def _max_gradient(op, rank, of_gradient):
    """The gradient of maxima; `of_gradient`: the one of that, which has the shape of the maxima."""

    @st.composite
    def strategy(draw):
        x, out, attrs = _pooled(draw, op, rank)
        incoming = numbers(draw(SEED), x.shape if of_gradient else out, x.dtype)
        inputs = [x, _maxima(x, attrs), incoming]
        if op.endswith("V2"):
            inputs += [np.array(attrs.pop(name), np.int32) for name in ("ksize", "strides")]
        return OpCase(op, inputs, attrs, gradient=(2,), tolerance=slack(x.dtype))

    return strategy()


for _op in ("MaxPoolGrad", "MaxPoolGradV2", "MaxPool3DGrad"):
    DRAWS[_op] = _max_gradient(_op, 3 if "3D" in _op else 2, False)
for _op in ("MaxPoolGradGrad", "MaxPoolGradGradV2", "MaxPool3DGradGrad"):
    DRAWS[_op] = _max_gradient(_op, 3 if "3D" in _op else 2, True)


def _with_places(draw):
    x, out, attrs = draw(st.composite(_pooled)("MaxPool", 2).filter(lambda drawn: drawn[0].size))
    return x, out, {**attrs, "include_batch_in_index": draw(st.booleans())}


@drawn(DRAWS)
def MaxPoolWithArgmax(draw):
    x, _, attrs = _with_places(draw)
    return OpCase("MaxPoolWithArgmax", [x], attrs)


@drawn(DRAWS)
def MaxPoolGradWithArgmax(draw):
    x, out, attrs = _with_places(draw)
    places = raw.MaxPoolWithArgmax(tf.constant(x), **attrs)[1].numpy()
    incoming = numbers(draw(SEED), out, x.dtype)
    return OpCase(
        "MaxPoolGradWithArgmax",
        [x, incoming, places],
        attrs,
        gradient=(1,),
        tolerance=slack(x.dtype),
    )


@drawn(DRAWS)
def Dilation2D(draw):
    kind = draw(types("Dilation2D"))
    x = numbers(draw(SEED), (draw(BATCH), 6, 7, 2), kind)
    kernel = numbers(draw(SEED), (draw(SIDE), draw(SIDE), 2), kind)
    rates = [1, draw(st.sampled_from([1, 2])), 1, 1]
    attrs = {"strides": [1, draw(SIDE), 1, 1], "rates": rates, "padding": draw(PADDING)}
    return OpCase("Dilation2D", [x, kernel], attrs)


def _dilation_gradient(op):
    @st.composite
    def strategy(draw):
        case = draw(DRAWS["Dilation2D"])
        outputs = raw.Dilation2D(*case.inputs, **case.attrs)
        dy = numbers(draw(SEED), tuple(outputs.shape), case.inputs[0].dtype)
        return OpCase(op, [*case.inputs, dy], case.attrs, gradient=False)

    return strategy()


for _op in ("Dilation2DBackpropInput", "Dilation2DBackpropFilter"):
    DRAWS[_op] = _dilation_gradient(_op)


@drawn(DRAWS)
def ExtractImagePatches(draw):
    extents, window, strides, rates = geometry(draw, 2)
    x = numbers(draw(SEED), (draw(BATCH), *extents, 2), draw(types("ExtractImagePatches")))
    attrs = {"ksizes": [1, *window, 1], "strides": [1, *strides, 1], "rates": [1, *rates, 1]}
    return OpCase("ExtractImagePatches", [x], {**attrs, "padding": draw(PADDING)})


@drawn(DRAWS)
def ExtractVolumePatches(draw):
    extents, window, strides, _ = geometry(draw, 3)
    x = numbers(draw(SEED), (draw(BATCH), *extents, 2), draw(types("ExtractVolumePatches")))
    attrs = {"ksizes": [1, *window, 1], "strides": [1, *strides, 1], "padding": draw(PADDING)}
    return OpCase("ExtractVolumePatches", [x], attrs)


# Types of the operands, and that in which products are added up.
MIXED = st.sampled_from(
    [("int8", "int8", "int32"), ("float32", "int8", "float32"), ("float32", "float32", "float32")]
)


@drawn(DRAWS)
def XlaDotV2(draw):
    kinds = draw(MIXED)
    batch, summed = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    sizes = [draw(SIDE) for _ in range(batch + summed)]
    operands, axes = [], []
    for kind in kinds[:2]:
        free = [draw(SIDE) for _ in range(draw(st.integers(0, 2)))]
        order = draw(st.permutations(range(len(sizes) + len(free))))
        whole = [*sizes, *free]
        operands.append(numbers(draw(SEED), [whole[i] for i in order], np.dtype(kind)))
        at = [order.index(i) for i in range(len(sizes))]
        axes.append((at[:batch], at[batch:]))
    dimensions = DotDimensionNumbers(
        lhs_batch_dimensions=axes[0][0],
        lhs_contracting_dimensions=axes[0][1],
        rhs_batch_dimensions=axes[1][0],
        rhs_contracting_dimensions=axes[1][1],
    )
    attrs = {"dimension_numbers": dimensions.SerializeToString(), "precision_config": b""}
    attrs["preferred_element_type"] = tf.as_dtype(kinds[2])
    return OpCase("XlaDotV2", operands, attrs, tolerance=slack(kinds[2]))


@drawn(DRAWS)
def XlaConvV2(draw):
    kinds, space = draw(MIXED), draw(st.integers(1, 2))
    groups, inputs = draw(st.sampled_from([1, 1, 2, 3])), draw(SIDE)
    index = draw(st.sampled_from([np.int32, np.int64]))
    window = [draw(SIDE) for _ in range(space)]
    dilations = [draw(st.integers(1, 2)) for _ in range(space)]
    edges = [[draw(st.integers(0, 2)) for _ in range(2)] for _ in range(space)]
    extents = [(n - 1) * d + draw(SIDE) for n, d in zip(window, dilations, strict=True)]
    layouts = [draw(st.permutations(range(space + 2))) for _ in range(3)]
    shapes = [
        [draw(BATCH), inputs * groups, *extents],
        [inputs, groups * draw(SIDE), *window],
    ]
    placed = [
        [s[layout.index(i)] for i in range(space + 2)]
        for s, layout in zip(shapes, layouts, strict=False)
    ]
    layout = ConvolutionDimensionNumbers(
        input_batch_dimension=layouts[0][0],
        input_feature_dimension=layouts[0][1],
        input_spatial_dimensions=layouts[0][2:],
        kernel_input_feature_dimension=layouts[1][0],
        kernel_output_feature_dimension=layouts[1][1],
        kernel_spatial_dimensions=layouts[1][2:],
        output_batch_dimension=layouts[2][0],
        output_feature_dimension=layouts[2][1],
        output_spatial_dimensions=layouts[2][2:],
    )
    attrs = {"dimension_numbers": layout.SerializeToString(), "precision_config": b""}
    attrs["preferred_element_type"] = tf.as_dtype(kinds[2])
    operands = [
        numbers(draw(SEED), shape, np.dtype(kind))
        for shape, kind in zip(placed, kinds[:2], strict=True)
    ]
    settings = [
        np.array([draw(st.integers(1, 2)) for _ in range(space)], index),
        np.array(edges, index),
        np.array([draw(st.integers(1, 2)) for _ in range(space)], index),
        np.array(dilations, index),
        np.array(groups, index),
    ]
    return OpCase("XlaConvV2", [*operands, *settings], attrs, tolerance=slack(kinds[2]))
