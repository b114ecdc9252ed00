"""Checkpoints and functions: what functions write, and variables that they make after a restoration."""

import numpy as np
import pytest

import penstock as tf

KEY = "v/.ATTRIBUTES/VARIABLE_VALUE"


@pytest.mark.parametrize("kind", [tf.train.Checkpoint, tf.compat.v1.train.Checkpoint])
def test_each_call_writes(tmp_path, kind):
    variable = tf.Variable([1.0, 2.0])
    checkpoint = kind(v=variable)

    @tf.function
    def step(path):
        variable.assign_add([1.0, 1.0])
        written = checkpoint.write(path)
        variable.assign_add([10.0, 10.0])
        return written

    for name, value in [("a", [2.0, 3.0]), ("b", [13.0, 14.0])]:
        path = step(tf.constant(str(tmp_path / name))).numpy().decode()
        np.testing.assert_array_equal(tf.train.load_variable(path, KEY), value)
    checkpoint.restore(str(tmp_path / "a")).expect_partial()
    assert variable.numpy().tolist() == [2.0, 3.0]
    assert step.experimental_get_tracing_count() == 1


def test_functions_do_not_count_checkpoints(tmp_path):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    with pytest.raises(NotImplementedError, match="from a function is not supported"):
        tf.function(lambda: checkpoint.save(str(tmp_path / "c")))()


def test_functions_write_one_file(tmp_path):
    policy = tf.train.experimental.MaxShardSizePolicy(8)
    options = tf.train.CheckpointOptions(experimental_sharding_callback=policy)
    checkpoint = tf.train.Checkpoint(v=tf.Variable(1.0))
    with pytest.raises(tf.errors.UnimplementedError, match="one data file"):
        tf.function(lambda: checkpoint.write(str(tmp_path / "c"), options))()


class Late(tf.Module):
    """Makes its variable, and its optimizer's slot, when it is called first."""

    def __init__(self):
        self.v = None
        self.optimizer = tf.compat.v1.train.MomentumOptimizer(1.0, 0.9)

    def __call__(self):
        if self.v is None:
            self.v = tf.Variable([9.0, 9.0])
        self.optimizer.minimize(lambda: tf.reduce_sum(self.v * self.v), var_list=[self.v])
        return self.v.read_value()


def test_variables_made_while_a_function_is_traced_are_restored(tmp_path):
    saved = Late()
    saved()
    path = tf.train.Checkpoint(m=saved).save(str(tmp_path / "c"))
    expected = saved().numpy()
    model = Late()
    status = tf.train.Checkpoint(m=model).restore(path)
    np.testing.assert_array_equal(tf.function(model)(), expected)
    status.assert_consumed()
