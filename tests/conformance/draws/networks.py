"""Calls of products, normalisations and losses."""

import numpy as np
from hypothesis import strategies as st

import penstock as tf
from penstock._src.core.registry import raw
from tests.conformance.draws.values import INDEX, SEED, SOME, drawn, numbers, shapes, types, whole
from tests.conformance.draws.windows import slack
from tests.harness.op_case import OpCase

DRAWS = {}
EXTENT = st.sampled_from([0, 1, 2, 3, 7, 16, 33, 33, 70])


def _matrices(draw, op, batch_a=(), batch_b=(), attr="T"):
    n, m, k = (draw(EXTENT) for _ in range(3))
    kind, turned = draw(types(op, attr)), [draw(st.booleans()) for _ in range(2)]
    a = numbers(draw(SEED), (*batch_a, *((k, n) if turned[0] else (n, k))), kind)
    b = numbers(draw(SEED), (*batch_b, *((m, k) if turned[1] else (k, m))), kind)
    return [a, b], turned, slack(kind)


@drawn(DRAWS)
def MatMul(draw):
    inputs, turned, tolerance = _matrices(draw, "MatMul")
    attrs = {"transpose_a": turned[0], "transpose_b": turned[1]}
    return OpCase("MatMul", inputs, attrs, tolerance=tolerance)


@drawn(DRAWS)
def SparseMatMul(draw):
    inputs, turned, _ = _matrices(draw, "SparseMatMul", attr="Ta")
    inputs[1] = inputs[1].astype(np.dtype(draw(types("SparseMatMul", "Tb"))))
    attrs = {"transpose_a": turned[0], "transpose_b": turned[1], "a_is_sparse": draw(st.booleans())}
    return OpCase("SparseMatMul", inputs, attrs, tolerance=(1e-4, 1e-4))


def _batched(op, attr="T"):
    @st.composite
    def strategy(draw):
        lead = draw(st.sampled_from([(), (2,), (2, 3), (1, 3)]))
        part = draw(st.sampled_from([lead, lead[1:], (1,) * len(lead)]))
        part = lead if op == "BatchMatMul" else part
        inputs, turned, tolerance = _matrices(draw, op, lead, part, attr)
        attrs = {"adj_x": turned[0], "adj_y": turned[1]}
        if op == "BatchMatMulV3":
            narrow = inputs[0].dtype.itemsize == 1
            attrs["Tout"] = "int32" if narrow else inputs[0].dtype.name
        return OpCase(op, inputs, attrs, tolerance=tolerance)

    return strategy()


for _op in ("BatchMatMul", "BatchMatMulV2"):
    DRAWS[_op] = _batched(_op)
DRAWS["BatchMatMulV3"] = _batched("BatchMatMulV3", "Ta")


@drawn(DRAWS)
def Einsum(draw):
    equation = draw(
        st.sampled_from(["ij,jk->ik", "bij,bkj->bik", "abc,cd->abd", "bhqd,bhkd->bhqk", "i,j->ij", "ij,ij->", "bi,bi->b",
                         "ij->ji", "iij->ij", "ijk->k", "...ij,...jk->...ik", "ab,cb->ac", "abc,bad->dc", "ij,k->kij"])
    )  # fmt: skip
    size = st.sampled_from([1, 2, 3, 5, 17])
    sizes = {letter: draw(size) for letter in sorted(set(equation) - set(",->."))}
    kind = draw(types("Einsum"))
    parts = [
        numbers(draw(SEED), tuple(sizes[c] for c in part.replace(".", "")), kind)
        for part in equation.split("->")[0].split(",")
    ]
    return OpCase("Einsum", [parts], {"equation": equation}, tolerance=slack(kind))


def _biased(op):
    @st.composite
    def strategy(draw):
        x = numbers(draw(SEED), draw(shapes(2, 4)), draw(types("BiasAdd")))
        layout = draw(st.sampled_from(["NHWC", "NHWC", "NCHW"])) if op == "BiasAdd" else "NHWC"
        count = x.shape[1] if layout == "NCHW" else x.shape[-1]
        attrs = {"data_format": layout} if op == "BiasAdd" else {}
        return OpCase(
            op, [x, numbers(draw(SEED), (count,), x.dtype)], attrs, tolerance=slack(x.dtype)
        )

    return strategy()


for _op in ("BiasAdd", "BiasAddV1"):
    DRAWS[_op] = _biased(_op)


@drawn(DRAWS)
def BiasAddGrad(draw):
    x = numbers(draw(SEED), draw(shapes(2, 4)), draw(types("BiasAddGrad")))
    attrs = {"data_format": draw(st.sampled_from(["NHWC", "NHWC", "NCHW"]))}
    return OpCase("BiasAddGrad", [x], attrs, tolerance=slack(x.dtype))


def _rowwise(op):
    @st.composite
    def strategy(draw):
        return OpCase(op, [numbers(draw(SEED), draw(shapes(1, 3, SOME)), draw(types(op)))])

    return strategy()


for _op in ("Softmax", "LogSoftmax"):
    DRAWS[_op] = _rowwise(_op)


@drawn(DRAWS)
def SoftmaxCrossEntropyWithLogits(draw):
    shape, kind = draw(shapes(2, 2, SOME)), draw(types("SoftmaxCrossEntropyWithLogits"))
    labels = numbers(draw(SEED), shape, np.float64, 0.1, 1)
    labels = (labels / labels.sum(-1, keepdims=True)).astype(kind)
    inputs = [numbers(draw(SEED), shape, kind), labels]
    # TensorFlow's gradients take the labels of a row to sum to one, and their own for logarithms only.
    return OpCase("SoftmaxCrossEntropyWithLogits", inputs, gradient=False, tolerance=slack(kind))


@drawn(DRAWS)
def SparseSoftmaxCrossEntropyWithLogits(draw):
    shape, kind = draw(shapes(2, 2, SOME)), draw(types("SparseSoftmaxCrossEntropyWithLogits"))
    labels = whole(draw(SEED), shape[0], 0, shape[1], draw(INDEX))
    inputs = [numbers(draw(SEED), shape, kind), labels]
    return OpCase(
        "SparseSoftmaxCrossEntropyWithLogits", inputs, gradient=False, tolerance=slack(kind)
    )


def _moments(draw, x):
    """Scale, offset, mean and variance of channels."""
    scale, offset, mean = (numbers(draw(SEED), x.shape[-1:], np.float32) for _ in range(3))
    return scale, offset, mean, numbers(draw(SEED), x.shape[-1:], np.float32, 0.5, 2)


def _image(draw, op):
    shape = (2, 3, draw(SOME), draw(st.sampled_from([1, 3, 8, 17])))
    return numbers(draw(SEED), shape, draw(types(op)))


def _batch_norm(op):
    @st.composite
    def strategy(draw):
        x = _image(draw, op)
        scale, offset, mean, variance = _moments(draw, x)
        training = draw(st.booleans())
        moments = [np.zeros(0, np.float32)] * 2 if training else [mean, variance]
        attrs = {"epsilon": 0.001, "is_training": training}
        # What backward passes read is the kernel's own affair.
        return OpCase(
            op,
            [x, scale, offset, *moments],
            attrs,
            gradient=False,
            tolerance=slack(x.dtype),
            shape_known=False,
        )

    return strategy()


for _op in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"):
    DRAWS[_op] = _batch_norm(_op)


def _batch_norm_gradient(op):
    @st.composite
    def strategy(draw):
        x = _image(draw, op)
        scale, offset, mean, variance = _moments(draw, x)
        training = draw(st.booleans())
        if training:  # what the forward op hands on
            kept = raw.FusedBatchNormV3(tf.constant(x), scale, offset, [], [], epsilon=0.001)[3:5]
            mean, variance = (t.numpy() for t in kept)
        inputs = [numbers(draw(SEED), x.shape, x.dtype), x, scale, mean, variance]
        inputs += [np.zeros(0, np.float32)] if op.endswith("V3") else []
        attrs = {"epsilon": 0.001, "is_training": training}
        tolerance = (6e-2, 6e-1) if x.dtype.itemsize == 2 else (1e-3, 1e-3)
        return OpCase(op, inputs, attrs, gradient=False, tolerance=tolerance, shape_known=False)

    return strategy()


for _op in ("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3"):
    DRAWS[_op] = _batch_norm_gradient(_op)


@drawn(DRAWS)
def BatchNormWithGlobalNormalization(draw):
    op = "BatchNormWithGlobalNormalization"
    x = _image(draw, op)
    parts = [numbers(draw(SEED), x.shape[-1:], x.dtype, 0.5, 2) for _ in range(4)]
    attrs = {"variance_epsilon": 0.001, "scale_after_normalization": draw(st.booleans())}
    return OpCase(op, [x, *parts], attrs, tolerance=slack(x.dtype))


_RESPONSE = {"bias": 1.5, "alpha": 0.3, "beta": 0.6}


@drawn(DRAWS)
def LRN(draw):
    x = numbers(draw(SEED), (2, 2, 3, draw(st.sampled_from([1, 4, 9, 35]))), draw(types("LRN")))
    attrs = {"depth_radius": draw(st.integers(0, 4)), **_RESPONSE}
    return OpCase("LRN", [x], attrs, tolerance=slack(x.dtype))


@drawn(DRAWS)
def LRNGrad(draw):
    shape = (2, 2, 3, draw(st.sampled_from([1, 4, 9, 35])))
    kind = draw(types("LRNGrad"))
    parts = [numbers(draw(SEED), shape, kind) for _ in range(3)]
    attrs = {"depth_radius": draw(st.integers(0, 4)), **_RESPONSE}
    return OpCase("LRNGrad", parts, attrs, tolerance=slack(kind))
