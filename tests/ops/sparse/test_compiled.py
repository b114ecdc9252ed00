"""Sparse tensors in programs: compiled, the values and errors are the eager ones."""

import numpy as np
import pytest

import penstock as tf

RANDOM = np.random.default_rng(0)
PLACES, VALUES = np.array([[0, 1], [2, 3], [4, 0]]), np.float32([1, 2, 3])
DENSE = RANDOM.normal(size=(7, 4)).astype("float32")


def same(function, *args):
    args = [tf.constant(a) for a in args]
    compiled = tf.function(function, autograph=False)
    for a, b in zip(
        tf.nest.flatten(compiled(*args)), tf.nest.flatten(function(*args)), strict=True
    ):
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-6)
    assert not compiled.get_concrete_function(*args).graph_function.executable.host_ops


def to_dense(places, values):
    return tf.sparse.to_dense(tf.SparseTensor(places, values, [5, 7]), default_value=-1.0)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
@pytest.mark.parametrize("adjoint_a", [False, True])
@pytest.mark.parametrize("adjoint_b", [False, True])
def test_products(dtype, adjoint_a, adjoint_b):
    factor = 1 - 2j if dtype == "complex64" else 1
    dense = (DENSE[:5] if adjoint_a else DENSE) * factor
    dense = (dense.T if adjoint_b else dense).astype(dtype)

    def product(places, values, dense):
        sparse = tf.SparseTensor(places, values, [5, 7])
        return tf.sparse.sparse_dense_matmul(sparse, dense, adjoint_a, adjoint_b)

    same(product, PLACES, (VALUES * factor).astype(dtype), dense)


def test_gradients_of_products():
    def gradients(values, dense):
        with tf.GradientTape() as tape:
            tape.watch([values, dense])
            sparse = tf.SparseTensor(PLACES, values, [5, 7])
            y = tf.reduce_sum(tf.sparse.sparse_dense_matmul(sparse, dense) ** 2)
        return tape.gradient(y, [values, dense])

    same(gradients, VALUES, DENSE)


def test_dense_tensors():
    same(to_dense, PLACES, VALUES)


@pytest.mark.parametrize(
    "places, why",
    [
        ([[0, 1], [0, 1], [4, 0]], r"indices\[1\] = \[0,1\] is repeated"),
        ([[4, 1], [0, 1], [4, 0]], r"indices\[1\] = \[0,1\] is out of order"),
        ([[0, 1], [2, 9], [4, 0]], r"indices\[1\] = \[2,9\] is out of bounds"),
    ],
)
def test_wrong_places(places, why):
    for function in (to_dense, tf.function(to_dense)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=why):
            function(np.array(places), VALUES)


def test_gradients_of_products_with_dense_tensors_of_unknown_rank():
    def gradients(values, dense):
        with tf.GradientTape() as tape:
            tape.watch([values, dense])
            y = tf.raw_ops.SparseDenseCwiseMul(
                sp_indices=PLACES, sp_values=values, sp_shape=[5, 7], dense=dense
            )
            loss = y * y
        return tape.gradient(loss, [values, dense])

    compiled = tf.function(gradients, input_signature=[tf.TensorSpec([3]), tf.TensorSpec(None)])
    for dense in np.float32(range(35)).reshape(5, 7), np.float32(range(7)), np.float32([[2]]):
        values = tf.constant(VALUES)
        for a, b in zip(
            compiled(values, tf.constant(dense)),
            gradients(values, tf.constant(dense)),
            strict=True,
        ):
            assert a.numpy().tolist() == b.numpy().tolist()


def test_second_gradients_of_compiled_softmax():
    def softmax(values):
        return tf.sparse.softmax(tf.SparseTensor(PLACES, values, [5, 7])).values

    def second(function):
        values = tf.constant(VALUES)
        with tf.GradientTape() as outer:
            outer.watch(values)
            with tf.GradientTape() as inner:
                inner.watch(values)
                y = function(values) ** 2
            first = inner.gradient(y, values)
        return outer.gradient(first, values).numpy()

    np.testing.assert_allclose(second(tf.function(softmax)), second(softmax), 1e-6)
