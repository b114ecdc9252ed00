"""Tapes watch the trainable variables that run in their sight, in bodies of control flow as well, and compute no gradient that nothing reads."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import find

VALUES = tf.constant([[1.0, 2.0]])


def loop(product):
    return tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * 0.5 + product()), [0, 0.0])[1]


def array_of_steps(product):
    array = tf.TensorArray(tf.float32, 0, dynamic_size=True)
    for i in tf.range(3):
        array = array.write(i, product())
        if i > 1:
            break
    return tf.reduce_sum(array.stack())


BODIES = {
    "while": (loop, 1.75),
    "cond": (lambda product: tf.cond(VALUES[0, 0] > 0, product, lambda: 0.0), 1.0),
    "switch": (lambda product: tf.switch_case(tf.constant(1), [lambda: 0.0, product]), 1.0),
    "map": (lambda product: tf.reduce_sum(tf.map_fn(lambda x: x * product(), VALUES[0])), 3.0),
    "scan": (lambda product: tf.scan(lambda s, x: s + product(), VALUES[0], 0.0)[-1], 2.0),
    "loop with an end": (array_of_steps, 3.0),
}


@pytest.mark.parametrize("name", BODIES)
def test_variables_read_in_bodies_only(name):
    weights = tf.Variable([[3.0], [4.0]])
    body, times = BODIES[name]

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            total = body(lambda: tf.reduce_sum(VALUES @ weights))
        return tape.gradient(total, weights)

    np.testing.assert_allclose(gradient(), times * tf.transpose(VALUES), rtol=1e-6)


def test_untrainable_variables_are_not_watched():
    fixed = tf.Variable(2.0, trainable=False)

    @tf.function
    def watched():
        with tf.GradientTape() as tape:
            tf.cond(fixed > 1.0, lambda: fixed * 2.0, lambda: fixed)
        return len(tape.watched_variables())

    assert int(watched()) == 0


def test_watched_variables_are_known_after_the_gradient():
    weight = tf.Variable(2.0)
    with tf.GradientTape() as tape:
        square = weight * weight
    tape.gradient(square, weight)
    assert [v is weight for v in tape.watched_variables()] == [True]


def test_a_tape_records_within_and_goes_on_as_before():
    x = tf.constant(3.0)
    tape = tf.GradientTape()
    with tape._ensure_recording():
        with tape._ensure_recording():
            tape.watch(x)
        y = x * x
    assert tape.gradient(y, x) == 6.0


def test_gradients_of_a_tape_are_named_after_the_forward_scope():
    @tf.function
    def slope(x):
        with tf.GradientTape() as outer, tf.name_scope("outer"):
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                with tf.name_scope("inner"):
                    y = tf.sin(x)
            first = tape.gradient(y, x)
        return outer.gradient(first, x)

    names = [op.name for op in slope.get_concrete_function(tf.constant(1.0)).graph.get_operations()]
    assert "gradient_tape/outer/inner/Cos" in names
    assert "gradient_tape/gradient_tape/outer/inner/Sin" in names


CALLS = {
    "matmul": lambda x, y: tf.matmul(x, tf.reshape(y, [4, 3])),
    "matmul of transposes": lambda x, y: tf.matmul(x, y, transpose_b=True),
    "batches": lambda x, y: tf.matmul(x[None], tf.stack([y, y + 1]), transpose_a=True),
    "mul": lambda x, y: x * y[0],
    "div": lambda x, y: x / (y[:, :1] + 3.0),
    "pow": lambda x, y: tf.abs(x) ** y,
    "maximum": lambda x, y: tf.maximum(x, y[:1]),
    "minimum": lambda x, y: tf.minimum(x[:, 1:2], y),
    "squared difference": lambda x, y: tf.math.squared_difference(x, y[0]),
    "conv": lambda x, y: tf.nn.conv2d(tf.reshape(x, [1, 3, 4, 1]), tf.reshape(y, [2, 2, 1, 3]), 1, "SAME"),
}  # fmt: skip


def gradients_of(function, x, y, watched):
    with tf.GradientTape() as tape:
        for tensor in watched:
            tape.watch(tensor)
        z = function(x, y)
    return tape.gradient(z, [x, y])


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_do_not_depend_on_what_else_is_watched(name, dtype):
    numbers = np.random.default_rng(3).normal(size=(2, 3, 4)).astype(dtype)
    x, y = tf.constant(numbers[0]), tf.constant(numbers[1])
    both = gradients_of(CALLS[name], x, y, [x, y])
    for at, tensor in enumerate((x, y)):
        alone = gradients_of(CALLS[name], x, y, [tensor])
        assert alone[1 - at] is None
        assert alone[at].numpy().tobytes() == both[at].numpy().tobytes()


def test_complex_gradients_of_one_input():
    x, y = tf.constant([[1 + 2j, 3 - 1j]]), tf.constant([[2 - 1j], [0.5 + 1j]])
    for function in (tf.matmul, lambda a, b: a * b[0], lambda a, b: a / b[0], lambda a, b: a ** b[0]):  # fmt: skip
        both = gradients_of(function, x, y, [x, y])
        assert np.array_equal(gradients_of(function, x, y, [x])[0], both[0])
        assert np.array_equal(gradients_of(function, x, y, [y])[1], both[1])


def test_gradients_of_inputs_that_nothing_reads_are_not_computed(monkeypatch):
    kind = find("MatMul")
    computed, own = [], kind.input_gradient

    def counted(self, at, *arguments):
        computed.append(at)
        return own(self, at, *arguments)

    monkeypatch.setattr(kind, "input_gradient", counted)
    weights = tf.Variable(np.ones((4, 2), np.float32))
    rows = tf.ones([3, 4])
    with tf.GradientTape(persistent=True) as tape:
        y = rows @ weights @ tf.ones([2, 2])
    assert tape.gradient(y, weights).numpy().tolist() == [[6.0] * 2] * 4
    assert computed == [0, 1]


def test_second_order_gradients_of_one_input():
    x = tf.constant([2.0, 3.0])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = x**3.0 / 2.0
        slope = inner.gradient(y, x)
    assert slope.numpy().tolist() == [6.0, 13.5]
    assert outer.gradient(slope, x).numpy().tolist() == [6.0, 9.0]


def test_classes_that_override_one_of_the_two_use_gradient():
    assert find("Mul").has_input_gradient and find("RealDiv").has_input_gradient
    for name in ("FloorMod", "BatchMatMul", "BatchMatMulV3"):
        assert not find(name).has_input_gradient
