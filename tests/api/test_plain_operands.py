"""Operands that are no tensors, attributes out of their range, and sources that have no gradient."""

import numpy as np
import pytest

import penstock as tf


def test_a_sum_keeps_the_type_of_a_number_that_does_not_fit():
    with pytest.raises(tf.errors.InvalidArgumentError, match="expected to be a int32 tensor"):
        tf.constant(1) + 1.5
    with pytest.raises(TypeError, match="Cannot convert"):
        tf.constant(1) * 1.5


def test_an_attribute_out_of_range():
    image = tf.ones([1, 3, 3, 1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="not in the list of allowed values"):
        tf.raw_ops.MaxPool(input=image, ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding="X")

    @tf.function
    def pool(x):
        return tf.raw_ops.MaxPool(input=x, ksize=[1, 2, 2, 1], strides=[1] * 4, padding="X")

    with pytest.raises(ValueError, match="passed string 'X' not in"):
        pool(image)


def test_a_gradient_needs_tensors():
    with tf.GradientTape() as tape:
        pass
    with pytest.raises(TypeError, match="type_value"):
        tape.gradient(tf.constant(1.0), "a")


def test_gelu_and_silu_have_tensorflows_constants_and_gradients():
    # recorded from TensorFlow 2.21
    x = tf.constant([-2.0], tf.float64)
    np.testing.assert_allclose(tf.nn.gelu(x), [-0.04550026759242268], rtol=1e-14)
    np.testing.assert_allclose(tf.nn.gelu(x, True), [-0.04540230678804602], rtol=1e-14)
    z = tf.constant([1 + 2j], tf.complex64)
    with tf.GradientTape() as tape:
        tape.watch(z)
        y = tf.nn.silu(z)
    np.testing.assert_allclose(tape.gradient(y, z), [2.0037405 + 0.26449805j], rtol=1e-5)


@pytest.mark.parametrize("kind", [tf.float32, tf.bfloat16, tf.int64])
@pytest.mark.parametrize("matrix", [np.eye(2), np.eye(2, dtype=np.int32), [[1, 0], [0, 1]]])
@pytest.mark.parametrize("wrap", [lambda call: call, tf.function])
def test_a_matrix_before_the_operator_gets_the_dtype_of_the_tensor(kind, matrix, wrap):
    tensor = tf.constant([[4, 2], [3, 1]], kind)
    product = wrap(lambda: matrix @ tensor)()
    assert product.dtype == kind and np.all(product == tensor)


def test_matrices_in_products_are_named_after_them():
    with tf.Graph().as_default():
        product = np.eye(2) @ tf.ones([2, 2])
    assert product.name == "matmul:0" and product.op.inputs[0].name == "matmul/x:0"
