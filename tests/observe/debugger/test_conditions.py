"""tf.debugging.stop_at: the first NaN, an error, a line."""

import os

import numpy as np
import pytest

import penstock as tf
from tests.harness.dialogue import Dialogue

HERE = os.path.basename(__file__)


@tf.function
def step(x, i):
    y = tf.math.log(x)
    chosen = tf.gather(y, i)
    return chosen * 2.0


LINE = step.python_function.__code__.co_firstlineno + 3


def test_the_first_nan():
    talk = Dialogue("p x.numpy().tolist()", "n", "p y.shape", "c")
    with tf.debugging.stop_at("nan", stdin=talk.stdin, stdout=talk.stdout):
        step(tf.constant([1.0, 0.0]), 0)
        assert not talk.stdout.getvalue()
        step(tf.constant([1.0, -1.0]), 1)
    assert talk.answers[0].startswith("first NaN at [1] in Log\n")
    assert "-> y = tf.math.log(x)" in talk.answers[0]
    assert talk.answers[1] == "[1.0, -1.0]" and talk.answers[3] == "TensorShape([2])"
    assert talk.is_finished


def test_the_first_infinity_of_a_gradient():
    talk, v = Dialogue("p d_root.numpy().item()", "c"), tf.Variable(0.0)

    @tf.function
    def f():
        with tf.GradientTape() as tape:
            root = tf.sqrt(v)
        v.assign(tape.gradient(root, v))

    with tf.debugging.stop_at("infinity", stdin=talk.stdin, stdout=talk.stdout):
        f()
    assert "backward" in talk.answers[0] and "gradient of f" in talk.answers[0]
    assert "-> root = tf.sqrt(v)" in talk.answers[0] and talk.answers[1] == "1.0"


def test_post_mortem_of_an_error():
    talk = Dialogue("p (y.shape, i)", "c")
    with tf.debugging.stop_at("error", stdin=talk.stdin, stdout=talk.stdout):
        with pytest.raises(tf.errors.InvalidArgumentError, match="indices = 7"):
            step(tf.constant([1.0]), 7)
    assert "indices = 7" in talk.answers[0] and "-> chosen = tf.gather(y, i)" in talk.answers[0]
    assert talk.answers[1] == "(TensorShape([1]), 7)"


def test_a_line_of_a_file():
    talk = Dialogue("p y.numpy().tolist()", "p chosen", "n", "p chosen.numpy().item()", "c")
    with tf.debugging.stop_at(f"{HERE}:{LINE}", stdin=talk.stdin, stdout=talk.stdout):
        step(tf.constant([1.0]), 0)
    answers = talk.answers
    assert answers[0].startswith("at ") and "-> chosen = tf.gather(y, i)" in answers[0]
    assert answers[1] == "[0.0]" and "NameError" in answers[2] and answers[4] == "0.0"


def test_outside_of_the_block_nothing_is_kept():
    with tf.debugging.stop_at("error"):
        step(tf.constant([1.0]), 0)
    concrete = step.get_concrete_function(tf.constant([1.0]), 0)
    assert not concrete.graph.is_debugged


def test_a_place_that_is_none():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Received 'model.py'"):
        with tf.debugging.stop_at("model.py"):
            pass


def test_a_name_beyond_a_number():
    talk = Dialogue("p y.numpy().tolist()", "c")
    with tf.debugging.stop_at("y > 1.5", stdin=talk.stdin, stdout=talk.stdout):
        step(tf.constant([1.0, 2.0]), 0)
        assert not talk.stdout.getvalue()
        step(tf.constant([1.0, np.exp(2.0)]), 0)
    assert talk.answers[0].startswith("y > 1.5: 2\n")
    assert "-> chosen = tf.gather(y, i)" in talk.answers[0] and talk.answers[1] == "[0.0, 2.0]"
    assert talk.is_finished


def test_a_gradient_beyond_a_number():
    talk, v = Dialogue("p float(d_square)", "c"), tf.Variable(3.0)

    @tf.function
    def f():
        with tf.GradientTape() as tape:
            square = v * v
            loss = square * -20.0
        return tape.gradient(loss, v)

    with tf.debugging.stop_at("d_square < -1e1", stdin=talk.stdin, stdout=talk.stdout):
        f()
    assert talk.answers[0].startswith("d_square < -10: -20\n") and talk.answers[1] == "-20.0"


def test_a_shape_that_changes():
    talk = Dialogue("p y.shape", "c", "c")

    @tf.function(input_signature=[tf.TensorSpec([None])])
    def positive(x):
        y = tf.boolean_mask(x, x > 0.0)
        return tf.reduce_sum(y)

    with tf.debugging.stop_at("shape", stdin=talk.stdin, stdout=talk.stdout):
        positive([1.0, 2.0, -1.0])
        positive([-1.0, 2.0, 3.0])
        assert not talk.stdout.getvalue()
        positive([-1.0, 2.0, -3.0])
    assert talk.answers[0].startswith("y has shape [1], was [2]\n")
    assert "-> return tf.reduce_sum(y)" in talk.answers[0]


def test_post_mortem_after_an_error_that_was_not_looked_for(monkeypatch):
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        step(tf.constant([1.0]), 7)
    for arguments in ((raised.value,), ()):
        talk = Dialogue("p (y.shape, i)", "c")
        monkeypatch.setattr("sys.last_value", raised.value, raising=False)
        monkeypatch.setattr("sys.last_exc", raised.value, raising=False)
        assert tf.debugging.post_mortem(*arguments, stdin=talk.stdin, stdout=talk.stdout)
        assert "indices = 7" in talk.answers[0]
        assert "-> chosen = tf.gather(y, i)" in talk.answers[0]
        assert talk.answers[1] == "(TensorShape([1]), 7)"


def test_post_mortem_of_other_errors():
    with pytest.raises(tf.errors.InvalidArgumentError, match="ValueError came from none"):
        tf.debugging.post_mortem(ValueError())


def test_post_mortem_of_a_call_that_does_not_fail_again():
    v = tf.Variable(7)

    @tf.function
    def f(x):
        return tf.gather(x, v)

    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        f(tf.constant([1.0]))
    v.assign(0)
    assert not tf.debugging.post_mortem(raised.value)


def test_a_function_that_was_traced_before_with_reduced_retracing():
    relaxed = tf.function(step.python_function, reduce_retracing=True)
    relaxed(tf.constant([1.0, -1.0]), 1)
    talk = Dialogue("p y.shape", "c")
    with tf.debugging.stop_at("nan", stdin=talk.stdin, stdout=talk.stdout):
        relaxed(tf.constant([1.0, -1.0]), 1)
    assert talk.answers[0].startswith("first NaN at [1] in Log\n")
