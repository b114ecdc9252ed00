"""Gradients by function, as `tensorflow.python.eager.backprop` and `record` give them."""

import pytest

import penstock as tf
from penstock._src.bridge.python.eager import backprop, execute, record


def test_gradients_of_positional_parameters():
    f = backprop.val_and_grad_function(lambda x, y: x * x * y, params=["y"])
    value, (gradient,) = f(3.0, 2.0)
    assert (float(value), float(gradient)) == (18.0, 9.0)
    one = tf.constant(1.0)
    # the same tensor given twice counts as two arguments
    assert [float(g) for g in backprop.gradients_function(lambda x, y: 2 * x + y)(one, one)] == [
        2,
        1,
    ]
    assert float(backprop.gradients_function(lambda x: x)(one, dy=3.0)[0]) == 3
    with pytest.raises(ValueError, match="all strings or all integers"):
        backprop.gradients_function(lambda x, y: x, params=["x", 1])(1.0, 2.0)


def test_gradients_of_the_variables_used():
    v = tf.Variable(3.0)
    ((gradient, variable),) = backprop.implicit_grad(lambda x: v * v * x)(2.0)
    assert variable is v and float(gradient) == 12
    with pytest.raises(ValueError, match="No trainable variables"):
        backprop.implicit_grad(lambda x: x)(2.0)
    with pytest.raises(ValueError, match="returns None"):
        backprop.implicit_grad(lambda x: None)(2.0)


def test_assignments_are_uses_of_variables():
    v, frozen = tf.Variable(0.0), tf.Variable(0.0, trainable=False)
    with record.VariableWatcher() as watcher, tf.GradientTape() as tape:
        v.assign_add(1.0)
        frozen.assign(1.0)
    assert [id(x) for x in watcher.watched_variables()] == [id(v)]
    assert [id(x) for x in tape.watched_variables()] == [id(v)]


def test_nothing_is_recorded_while_recording_is_stopped():
    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        assert record.should_record_backprop([x])
        with record.stop_recording():
            y = x * x
    assert tape.gradient(y, x) is None


def test_ops_run_by_name():
    x, y = tf.constant([1, 2]), tf.constant([3, 4])
    (total,) = execute.execute(b"AddV2", 1, [x, y], ("T", 3), None)
    assert total.numpy().tolist() == [4, 6]
    (packed,) = execute.execute("Pack", 1, [x, y], ("N", 2, "T", 3, "axis", 1), None)
    assert packed.numpy().tolist() == [[1, 3], [2, 4]]
    with pytest.raises(TypeError, match="Expected bool for argument 'flag'"):
        execute.make_bool(1, "flag")


def test_wrong_calls_of_ops_are_refused():
    x = tf.constant([1, 2])
    with pytest.raises(tf.errors.NotFoundError, match="not registered 'Nothing'"):
        execute.execute(b"Nothing", 1, [], None)
    with pytest.raises(tf.errors.InvalidArgumentError, match="mentions attr 'odd'"):
        execute.execute(b"Identity", 1, [x], ("T", 3, "odd", 1))
    with pytest.raises(tf.errors.InvalidArgumentError):
        execute.execute(b"Squeeze", 1, [x], ("T", 3, "squeeze_dims", "0"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="outputs"):
        execute.execute(b"Identity", 0, [x], ("T", 3))
