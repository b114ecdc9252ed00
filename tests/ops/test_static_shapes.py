"""Static shapes are those of the results, and what TensorFlow refuses by its shapes is refused."""

import numpy as np
import pytest

import penstock as tf
from tests.harness.static_shapes import Watcher, watching

RAW = tf.raw_ops


def numbers(*shape):
    return tf.constant(np.arange(1, 1 + np.prod(shape, dtype=int)).reshape(shape), tf.float32)


def whole(*values):
    return tf.constant(values, tf.int64)


def edit_distance(hypothesis_shape, truth_shape):
    return RAW.EditDistance(
        hypothesis_indices=whole([0, 0, 0], [1, 0, 0]),
        hypothesis_values=whole(0, 1),
        hypothesis_shape=hypothesis_shape,
        truth_indices=whole([0, 1, 0], [1, 0, 0], [1, 1, 0]),
        truth_values=whole(0, 1, 1),
        truth_shape=truth_shape,
    )


FITTING = {
    "edit distance": (lambda: edit_distance(whole(2, 1, 1), whole(2, 2, 1)), (2, 2)),
    "banded, batch of matrices": (
        lambda: RAW.BandedTriangularSolve(matrix=numbers(2, 2, 3), rhs=numbers(3, 2)),
        (2, 3, 2),
    ),
    "banded, two batches": (
        lambda: RAW.BandedTriangularSolve(matrix=numbers(2, 1, 2, 3), rhs=numbers(1, 5, 3, 2)),
        (2, 5, 3, 2),
    ),
    "depthwise, empty filter": (
        lambda: RAW.DepthwiseConv2dNative(
            input=numbers(1, 20, 10, 1),
            filter=numbers(0, 0, 1, 1),
            strides=[1] * 4,
            padding="VALID",
        ),
        (1, 21, 11, 1),
    ),
    "n-grams": (
        lambda: RAW.StringNGrams(
            data=["a", "b"], data_splits=whole(0, 2), separator="-", ngram_widths=[2], left_pad="",
            right_pad="", pad_width=0, preserve_short_sequences=False,
        )[1],
        (2,),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FITTING)
def test_static_shapes_are_those_of_results(name):
    make, shape = FITTING[name]
    assert make().shape == shape
    traced = tf.function(make).get_concrete_function()
    assert traced.outputs[0].shape.as_list() == list(shape)
    assert traced().shape == shape


def test_shape_of_a_batched_result_of_a_banded_solve_has_a_gradient_in_functions():
    matrix, rhs = numbers(2, 2, 3), numbers(3, 2)

    @tf.function
    def slopes():
        with tf.GradientTape() as tape:
            tape.watch([matrix, rhs])
            y = tf.reduce_mean(tf.linalg.banded_triangular_solve(matrix, rhs))
        return tape.gradient(y, [matrix, rhs])

    assert [g.shape for g in slopes()] == [(2, 2, 3), (3, 2)]


REFUSED = {
    "distance of unlike ranks": lambda: edit_distance(whole(2, 1, 1), whole(2, 2)),
    "switch by a vector": lambda: RAW.Switch(data=1.0, pred=[True]),
    "lowest axis": lambda: tf.concat([whole(1), whole(2)], -(2**31)),
    "short format": lambda: RAW.DataFormatVecPermute(x=[1, 2], dst_format="..."),
    "product of unlike batches": lambda: RAW.TridiagonalMatMul(
        superdiag=numbers(1, 1, 4), maindiag=numbers(1, 1, 4), subdiag=numbers(1, 1, 4), rhs=numbers(4, 1)
    ),
    "Cholesky's gradient of unlike batches": lambda: RAW.CholeskyGrad(
        l=numbers(2, 2), grad=numbers(2, 2, 2)
    ),
    "matrix of gradients": lambda: RAW.RaggedFillEmptyRowsGrad(
        reverse_index_map=whole(0, 1), grad_values=numbers(2, 2)
    ),
    "range that is no scalar": lambda: RAW.QuantizeAndDequantizeV4Grad(
        gradients=numbers(2, 2), input=numbers(2, 2), input_min=numbers(1), input_max=1.0
    ),
    "no window": lambda: RAW.AvgPool3DGrad(
        orig_input_shape=[1] * 5, grad=numbers(1, 1, 1, 1, 1), ksize=[], strides=[], padding="SAME"
    ),
    "axis of a top-k": lambda: RAW.ApproxTopK(input=numbers(3), k=2, reduction_dimension=100),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
        REFUSED[name]()


def test_a_table_refuses_a_default_of_another_shape():
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.float32, 0.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="for default value"):
        table.lookup(whole(1, 2), numbers(1, 1))


def test_a_watcher_finds_rules_that_contradict_results():
    graph = tf.function(tf.exp).get_concrete_function(numbers(2)).graph
    (op,) = [node.raw_op for node in graph.get_operations() if node.type == "Exp"]
    watcher = Watcher()
    watcher.record_op(op, [numbers(2)], [numbers(3)])
    assert "static shape (2,), but the result has (3,)" in watcher.wrong["Exp"]
    with watching() as watcher:
        tf.exp(numbers(2, 3))
    assert not watcher.wrong


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "function"])
def test_results_of_another_width_are_refused(wrap):
    wide = tf.constant([[1.0, 2.0]], tf.float64)
    for call in (
        lambda: RAW.Eig(input=numbers(2, 2), Tout=tf.complex128),
        lambda: RAW.RFFT(input=wide, fft_length=[2], Tcomplex=tf.complex64),
        lambda: RAW.IRFFT(input=tf.cast(wide, tf.complex64), fft_length=[2], Treal=tf.float64),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"[Ii]nvalid output|Wrong types"):
            wrap(call)()
