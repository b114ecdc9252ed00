"""Moving averages, dicts of tensors and waiting for checkpoints; expected values are TensorFlow's."""

import numpy as np

import penstock as tf
from penstock._src.bridge.internals.ops import assign_moving_average
from penstock._src.bridge.python.training import checkpoint_utils, input, moving_averages

v1 = tf.compat.v1


def steps_of(result, count=3):
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        return [session.run(result).tolist() for _ in range(count)]


def test_an_average_may_count_from_the_first_value():
    with tf.Graph().as_default():
        plain = v1.get_variable("plain", initializer=[10.0])
        fair = v1.get_variable("fair", initializer=[10.0])
        assert steps_of(assign_moving_average(plain, [2.0], 0.5, zero_debias=False)) == [
            [6], [4], [3]]  # fmt: skip
        np.testing.assert_allclose(steps_of(assign_moving_average(fair, [2.0], 0.5)), [[2]] * 3)


def test_variables_of_an_average_have_names_of_their_own():
    with tf.Graph().as_default(), v1.variable_scope("scope"):
        average = v1.get_variable("v", initializer=0.0)
        for _ in range(2):
            assign_moving_average(average, 1.0, 0.9)
        names = [v.op.name for v in v1.global_variables()][1:]
    assert names == [
        "scope/scope/v/biased",
        "scope/scope/v/local_step",
        "scope/scope/v/biased_1",
        "scope/scope/v/local_step_1",
    ]


def test_values_count_by_their_weights():
    with tf.Graph().as_default():
        weights = v1.placeholder_with_default(tf.constant([1.0, 3.0]), [2])
        made = moving_averages.weighted_moving_average(tf.constant([2.0, 5.0]), 0.9, weights)
        np.testing.assert_allclose(steps_of(made), [[2, 5]] * 3, rtol=1e-5)


def test_dicts_become_lists_and_back():
    assert input._as_tensor_list({"b": 1, "a": 2}) == [2, 1]
    assert input._as_original_type({"b": 1, "a": 2}, [5, 6]) == {"a": 5, "b": 6}
    assert input._as_original_type({"a": 1}, 5) == {"a": 5}


def test_waiting_for_a_checkpoint_ends(tmp_path):
    assert checkpoint_utils.wait_for_new_checkpoint(tmp_path, None, 0.01, timeout=0.05) is None
    path = tf.train.Checkpoint().save(str(tmp_path / "model"))
    assert checkpoint_utils.wait_for_new_checkpoint(str(tmp_path), timeout=1) == path
