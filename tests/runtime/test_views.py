"""Variables made from parts of tensors and of other variables, and functions that assign them."""

import numpy as np
import pytest

import penstock as tf

PARTS = {
    "slice": lambda t: t[:2],
    "row": lambda t: t[0],
    "reshape": lambda t: tf.reshape(t, [-1]),
    "split": lambda t: tf.split(t, 2)[1],
    "unstack": lambda t: tf.unstack(t)[3],
    "bitcast": lambda t: tf.bitcast(t, tf.float32),
}


@pytest.mark.parametrize("is_variable", [False, True])
@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_variable_made_from_a_part_is_assigned_alone(name, is_variable):
    numbers = np.arange(12, dtype=np.float32).reshape(4, 3)
    whole = tf.Variable(numbers) if is_variable else tf.constant(numbers)
    part = tf.Variable(PARTS[name](whole))
    before = part.numpy()
    assigned = tf.Variable(tf.zeros(part.shape))
    assigned.assign(PARTS[name](whole))

    @tf.function
    def step():
        part.assign_add(tf.ones_like(part))
        assigned.assign(assigned * 2.0)

    step()
    step()
    np.testing.assert_array_equal(whole.numpy(), numbers)
    np.testing.assert_array_equal(part.numpy(), before + 2)
    np.testing.assert_array_equal(assigned.numpy(), before * 4)
