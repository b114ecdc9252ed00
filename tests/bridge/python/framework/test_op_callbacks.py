"""op_callbacks: functions called with every op."""

import threading

import pytest

import penstock as tf
from penstock._src.bridge.python.framework import op_callbacks


class Log:
    """A callback that notes what it sees."""

    def __init__(self):
        self.eager, self.graph, self.attributes = [], [], {}

    def __call__(self, op_type, inputs, attrs, outputs, op_name=None, graph=None):
        (self.eager if graph is None else self.graph).append(op_type)
        self.attributes[op_type] = dict(zip(attrs[::2], attrs[1::2], strict=True))


@pytest.fixture
def log():
    made = Log()
    op_callbacks.add_op_callback(made)
    yield made
    op_callbacks.clear_op_callbacks()


def test_eager_ops_are_shown_with_their_attributes(log):
    tf.matmul(tf.constant([[1.0]]), [[2.0]], transpose_b=True)
    tf.Variable(1.0) + 1.0
    assert log.eager[0] == "MatMul"
    assert log.eager[-2:] == ["ReadVariableOp", "AddV2"]
    assert log.attributes["MatMul"]["transpose_b"]
    assert not log.graph


def test_ops_within_custom_gradients_are_shown(log):
    @tf.custom_gradient
    def square(x):
        return x * x, lambda dy: 2.0 * x * dy

    square(tf.constant(3.0))
    assert "Mul" in log.eager


def test_functions_show_their_ops_once_and_each_call(log):
    @tf.function
    def f(x):
        return tf.cond(x > 0.0, lambda: x + 2.0, lambda: x)

    f(tf.constant(1.0)), f(tf.constant(1.0))
    assert [name.startswith("__inference_f") for name in log.eager] == [True, True]
    assert log.graph.count("Greater") == 1
    assert {"Placeholder", "Const", "AddV2", "StatelessIf"} <= set(log.graph)


def test_watched_calls_of_functions_are_shown(log):
    f = tf.function(lambda x: x * x)
    x = tf.constant(3.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert len(log.eager) == 1
    assert float(tape.gradient(y, x)) == 6.0


def test_results_replace_outputs_in_graphs_only():
    def add_hundred(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        return [outputs[0] + 100.0] if op_type == "Mul" else None

    op_callbacks.add_op_callback(add_hundred)
    try:
        assert float(tf.function(lambda x: x * 2.0)(tf.constant(1.0))) == 102.0
        assert float(tf.constant(1.0) * 2.0) == 2.0
    finally:
        op_callbacks.remove_op_callback(add_hundred)
    assert float(tf.function(lambda x: x * 2.0)(tf.constant(1.0))) == 2.0


def test_a_wrong_number_of_results_is_refused():
    op_callbacks.add_op_callback(lambda *args, **kwargs: [])
    try:
        with tf.Graph().as_default(), pytest.raises(ValueError, match="0 tensors"):
            tf.constant(1.0)
    finally:
        op_callbacks.clear_op_callbacks()


def test_callbacks_belong_to_their_thread(log):
    thread = threading.Thread(target=lambda: tf.constant(1.0) + 1.0)
    thread.start()
    thread.join()
    assert not log.eager


def test_what_is_no_callback_is_refused(log):
    with pytest.raises(ValueError, match="callable"):
        op_callbacks.add_op_callback(1)
    with pytest.raises(KeyError, match="not been registered"):
        op_callbacks.remove_op_callback(print)
