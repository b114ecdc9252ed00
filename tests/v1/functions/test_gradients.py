"""v1.gradients: where its operations run, and whose gradients they are."""

import pytest

import penstock as tf

v1 = tf.compat.v1


def products():
    """A sum of two products of `w`, on devices of their own."""
    w = tf.constant([[1.0]])
    with tf.device("/device:CPU:1"):
        first = tf.matmul(w, [[2.0]])
    with tf.device("/device:CPU:2"):
        second = tf.matmul(w, [[3.0]])
    return w, first, second, first + second


def test_gradients_are_colocated_with_their_operations():
    with tf.Graph().as_default():
        w, first, _, _ = products()
        (beside,) = v1.gradients(first, w, colocate_gradients_with_ops=True)
        (apart,) = v1.gradients(first, w)
    assert beside.op.colocation_groups() == first.op.colocation_groups()
    assert beside.op.device == first.op.device
    assert apart.op.colocation_groups() != first.op.colocation_groups()


def test_sums_of_gradients_from_several_devices_lie_beside_the_source():
    with tf.Graph().as_default(), v1.Session() as session:
        w, _, _, total = products()
        (dw,) = v1.gradients(total, w, colocate_gradients_with_ops=True)
        assert dw.op.colocation_groups() == w.op.colocation_groups()
        assert session.run(dw) == [[5.0]]


def test_optimizers_colocate_their_gradients():
    with tf.Graph().as_default():
        v = v1.get_variable("v", initializer=[[1.0]], use_resource=True)
        loss = tf.matmul(v, [[2.0]])
        optimizer = v1.train.GradientDescentOptimizer(0.1)
        ((gradient, _),) = optimizer.compute_gradients(loss, [v], colocate_gradients_with_ops=True)
    assert gradient.op.colocation_groups() == loss.op.colocation_groups()


def test_operations_of_gradients_know_the_original():
    with tf.Graph().as_default():
        w, first, _, _ = products()
        (dw,) = v1.gradients(first, w)
    assert dw.op._original_op is first.op
    assert first.op._original_op is None


def test_complex_targets_need_weights():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.complex64, [2])
        with pytest.raises(TypeError, match="must set grad_ys"):
            tf.gradients([x * 2], [x])
        assert tf.gradients([x * 2], [x], grad_ys=[tf.ones_like(x)])[0].shape == [2]
