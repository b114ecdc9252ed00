"""Optimizers of v1 in a session, against weights recorded on TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
RECORDED = {
    "GradientDescentOptimizer": ((0.1,), [0.43435, 0.31572]),
    "MomentumOptimizer": ((0.1, 0.9), [0.68644, -0.23408994]),
    "AdamOptimizer": ((0.1,), [0.5224756, 0.5129088]),
    "AdagradOptimizer": ((0.1,), [0.71756285, 0.7066724]),
    "RMSPropOptimizer": ((0.1,), [0.46111497, 0.39104605]),
    "AdadeltaOptimizer": ((1.0,), [0.9977236, 0.99772304]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_five_steps(name):
    arguments, weights = RECORDED[name]
    with tf.Graph().as_default():
        w = v1.get_variable("w", [2, 1], initializer=v1.ones_initializer())
        count = tf.Variable(0, trainable=False)
        x = v1.placeholder(tf.float32, [None, 2])
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - 1.0))
        step = getattr(v1.train, name)(*arguments).minimize(loss, global_step=count)
        init = v1.global_variables_initializer()
        with v1.Session() as session:
            session.run(init)
            for _ in range(5):
                session.run(step, {x: [[1.0, 2.0], [3.0, -1.0]]})
            np.testing.assert_allclose(session.run(w).ravel(), weights, rtol=1e-5)
            assert session.run(count) == 5


def test_a_loss_without_variables_is_refused():
    with tf.Graph().as_default():
        v1.get_variable("w", [2], initializer=v1.zeros_initializer())
        with pytest.raises(ValueError, match="No gradients provided"):
            v1.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))


def test_slots_made_under_control_dependencies_begin_without_them():
    with v1.Graph().as_default(), v1.Session() as session:
        fed = v1.placeholder("float32", [])
        weight = v1.get_variable("weight", [], initializer=v1.ones_initializer())
        with v1.control_dependencies([v1.identity(fed)]):  # as updates of batch norms
            step = v1.train.AdamOptimizer(0.5).minimize(weight * fed)
        session.run(v1.global_variables_initializer())
        session.run(step, {fed: 2.0})
        assert abs(session.run(weight) - 0.5) < 1e-5


@pytest.mark.parametrize(
    "name, attribute", [("Adam", "_lr"), ("GradientDescent", "_learning_rate")]
)
def test_the_learning_rate_is_read_and_set_as_an_attribute(name, attribute):
    optimizer = getattr(v1.train, name + "Optimizer")(0.1)
    assert getattr(optimizer, attribute) == 0.1
    setattr(optimizer, attribute, 0.0)
    v = tf.Variable(1.0)
    optimizer.minimize(lambda: v * v, var_list=[v])
    assert v.numpy() == 1.0


def test_losses_and_gates_are_checked():
    with tf.Graph().as_default():
        variable = v1.Variable([1.0, 2.0])
        optimizer = v1.train.GradientDescentOptimizer(0.1)
        with pytest.raises(ValueError, match="Invalid type tf.int32 for"):
            optimizer.compute_gradients(tf.cast(variable, tf.int32))
        with pytest.raises(ValueError, match="gate_gradients must be one of"):
            optimizer.compute_gradients(variable * 2, gate_gradients=7)


def test_slots_of_centered_rmsprop_have_the_names_of_tensorflows():
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", initializer=[1.0])
        optimizer = v1.train.RMSPropOptimizer(0.1, momentum=0.5, centered=True)
        step = optimizer.minimize(v * v)
        session.run(v1.global_variables_initializer())
        slots = {w.name: w for w in optimizer.variables()}
        assert list(slots) == ["v/RMSProp:0", "v/RMSProp_1:0", "v/RMSProp_2:0"]
        assert [slots["v/RMSProp:0"], slots["v/RMSProp_1:0"], slots["v/RMSProp_2:0"]] == [
            optimizer.get_slot(v, name) for name in ("rms", "mg", "momentum")
        ]
        session.run(step)
        np.testing.assert_allclose(session.run(slots["v/RMSProp:0"]), [1.3], rtol=1e-6)
        np.testing.assert_allclose(session.run(slots["v/RMSProp_1:0"]), [0.2], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_powers_of_adam_are_of_float32_whatever_the_weights_are(dtype):
    with tf.Graph().as_default(), v1.Session() as session:
        v = v1.get_variable("v", initializer=tf.constant([1.0, 2.0], dtype), use_resource=True)
        step = v1.train.AdamOptimizer(0.1, 0.8, 0.95).minimize(tf.reduce_sum(v * v))
        session.run(v1.global_variables_initializer())
        session.run(step)
        kinds = {x.op.name: x.dtype.base_dtype.name for x in v1.global_variables()}
        found = session.run(v)
    assert kinds["beta1_power"] == kinds["beta2_power"] == "float32"
    assert kinds["v/Adam"] == dtype
    np.testing.assert_allclose(found, [0.9, 1.9], rtol=2e-3)
