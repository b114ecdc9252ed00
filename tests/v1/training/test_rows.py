"""Steps whose gradients are slices: rules change only the rows that were used. Numbers are TensorFlow's, after three steps."""

import numpy as np
import pytest

import penstock.compat.v1 as tf

train = tf.train
RULES = {
    "momentum": lambda rate: train.MomentumOptimizer(rate, 0.9, use_nesterov=True),
    "rmsprop": lambda rate: train.RMSPropOptimizer(rate, momentum=0.5),
    "adadelta": lambda rate: train.AdadeltaOptimizer(rate * 100),
    "ftrl": lambda rate: train.FtrlOptimizer(
        rate,
        l1_regularization_strength=0.01,
        l2_regularization_strength=0.1,
        l2_shrinkage_regularization_strength=0.2,
    ),
    "proximal": lambda rate: train.ProximalAdagradOptimizer(rate, l1_regularization_strength=0.01),
    "adam": train.AdamOptimizer,
}


# In float16 the small numbers of the other rules are 0.
HALF = ("momentum", "ftrl", "proximal")


@pytest.mark.parametrize(
    ("name", "dtype"), [*((n, tf.float32) for n in RULES), *((n, tf.float16) for n in HALF)]
)
def test_rows_that_no_gradient_names_stay(name, dtype):
    with tf.Graph().as_default(), tf.Session() as session:
        first = np.arange(1, 9).reshape(4, 2)
        v = tf.get_variable("v", initializer=tf.constant(first, dtype))
        loss = tf.reduce_sum(tf.gather(v, [1, 1, 3]) ** 2)
        # a rate of another type than the variable is converted
        step = RULES[name](tf.constant(0.05, tf.float32)).minimize(loss)
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(step)
        found = session.run(v)
    assert np.array_equal(found[[0, 2]], first[[0, 2]])
    assert np.all(found[[1, 3]] < first[[1, 3]])


def test_gradients_of_a_row_are_summed_before_the_rule():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=np.arange(1, 9, dtype=np.float32).reshape(4, 2))
        weights = tf.constant([1.0, 2.0])
        loss = tf.reduce_sum(tf.gather(v, [1, 1, 3]) ** 2 * weights)
        step = train.MomentumOptimizer(0.1, 0.9, use_nesterov=True).minimize(loss)
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(step)
        found = session.run(v)
    expected = [-1.2999, -0.1996, -0.7585, -3.4664]
    assert np.allclose(found[[1, 3]].ravel(), expected, atol=1e-4)


def test_an_optimizer_shows_the_variables_of_the_current_graph():
    rule = train.MomentumOptimizer(0.1, 0.9)
    for name in ("a", "b"):
        with tf.Graph().as_default():
            rule.minimize(tf.get_variable(name, initializer=1.0) ** 2)
            assert [v.name for v in rule.variables()] == [f"{name}/Momentum:0"]
