"""What `tensorflow.python.eager.forwardprop` and its neighbors offer besides `tf.autodiff.ForwardAccumulator`."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.internals import runtime
from penstock._src.bridge.python.eager import forwardprop, forwardprop_util

Accumulator = tf.autodiff.ForwardAccumulator


@pytest.mark.parametrize("run", [lambda f: f, tf.function], ids=["eager", "function"])
def test_batches_of_tangents_are_computed_at_once(run):
    x, directions = tf.constant([[1.0, 2.0]]), tf.constant([[[1.0, 0.0]], [[0.0, 1.0]]])

    def batch():
        with Accumulator._batch_accumulator(x, directions) as accumulator:
            y = tf.sin(x) * x
        return accumulator.jvp(y)

    slopes = np.cos([1.0, 2.0]) * [1.0, 2.0] + np.sin([1.0, 2.0])
    np.testing.assert_allclose(run(batch)(), [[[slopes[0], 0]], [[0, slopes[1]]]], rtol=1e-6)


def test_batched_tangents_need_one_more_axis():
    with pytest.raises(ValueError, match=r"Shapes \(1,\) and \(None, 1\) are incompatible"):
        Accumulator._batch_accumulator(tf.constant([1.0]), tf.constant([1.0]))


def test_primals_and_tangents_have_one_structure():
    with pytest.raises(ValueError, match="same nested structure"):
        Accumulator([tf.constant(1.0), tf.constant(1.0)], [tf.constant(1.0)])


def test_a_function_can_stand_for_the_tangents_of_operations():
    x = tf.constant(1.0)
    try:
        with Accumulator(x, tf.constant(2.0)) as accumulator:
            before = x + x
            runtime.TFE_Py_RegisterJVPFunction(lambda name, *_: [tf.constant(-15.0)])
            after = x + x
        assert (accumulator.jvp(before).numpy(), accumulator.jvp(after).numpy()) == (4.0, -15.0)
    finally:
        runtime.TFE_Py_RegisterJVPFunction(forwardprop._jvp_dispatch)
    with Accumulator(x, tf.constant(2.0)) as accumulator:
        again = x + x
    assert accumulator.jvp(again).numpy() == 4.0


def test_tangents_of_single_operations():
    one = tf.constant(1.0)
    pair = tf.constant([1.0, 2.0]), tf.constant([4.0, 5.0])
    (found,) = forwardprop._jvp_dispatch("Add", (), (one, one), (one,), pair, use_batch=True)
    assert found.numpy().tolist() == [5.0, 7.0]


def test_tangents_are_packed_behind_the_tensors():
    x, y = tf.constant(1.0), tf.constant(2.0)
    with Accumulator(y, tf.constant(3.0)):
        packed = forwardprop_util.pack_tangents([x, y])
    assert packed.indices == (((1, 2),),)
    assert [t.numpy() for t in packed.tangents] == [3.0]


def test_gradients_may_use_the_accumulator_that_asks_for_them():
    x = tf.constant(1.0)
    with Accumulator(x, tf.constant(2.0)) as accumulator:

        @tf.custom_gradient
        def sine(v):
            def gradient(dy):
                with forwardprop_util.push_forwardprop_state():
                    copy = tf.constant(v.numpy())
                    accumulator._watch(copy, dy)
                    z = tf.sin(copy)
                return dy * accumulator.jvp(z)

            return tf.sin(v), gradient

        y = sine(x)
    np.testing.assert_allclose(accumulator.jvp(y), 2 * np.cos(1.0), rtol=1e-6)


def test_which_gradients_can_be_asked_for():
    x, y = tf.constant(1.0), tf.constant(2.0)
    types = runtime.TFE_Py_TapeSetPossibleGradientTypes
    assert types([x]) == 0
    with tf.GradientTape() as tape:
        tape.watch(x)
        assert (types([x]), types([y])) == (1, 0)
        with Accumulator(x, tf.constant(1.0)):
            assert types([x]) == 2
