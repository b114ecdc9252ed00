"""A recurrent network, forward and backward, as one program: against central differences of NumPy in float64."""

import numpy as np
import pytest

import penstock as tf

STEPS, BATCH, UNITS, FEATURES = 6, 4, 5, 3
RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((BATCH, STEPS, FEATURES))
KERNEL = RANDOM.standard_normal((FEATURES, 4 * UNITS)) * 0.5
RECURRENT = RANDOM.standard_normal((UNITS, 4 * UNITS)) * 0.5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_loss(x, kernel, recurrent):
    h, c, states = np.zeros((len(x), UNITS)), np.zeros((len(x), UNITS)), []
    for i in range(x.shape[1]):
        a, b, g, o = np.split(x[:, i] @ kernel + h @ recurrent, 4, axis=1)
        c = sigmoid(b) * c + sigmoid(a) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.mean(np.square(states))


def difference(position, index):
    arguments = []
    for step in (1e-5, -1e-5):
        values = [X.copy(), KERNEL.copy(), RECURRENT.copy()]
        values[position][index] += step
        arguments.append(reference_loss(*values))
    return (arguments[0] - arguments[1]) / 2e-5


def loss(x, kernel, recurrent):
    rows = tf.transpose(x, [1, 0, 2])
    count, batch = tf.shape(rows)[0], tf.shape(x)[0]
    inputs = tf.TensorArray(tf.float32, size=count).unstack(rows)
    outputs = tf.TensorArray(tf.float32, size=count)
    zeros = tf.zeros([batch, UNITS])

    def step(i, h, c, outputs):
        gates = tf.matmul(inputs.read(i), kernel) + tf.matmul(h, recurrent)
        a, b, g, o = tf.split(gates, 4, axis=1)
        c = tf.sigmoid(b) * c + tf.sigmoid(a) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return i + 1, h, c, outputs.write(i, h)

    *_, states = tf.while_loop(lambda i, *_: i < count, step, (0, zeros, zeros, outputs))
    return tf.reduce_mean(tf.square(states.stack()))


@pytest.fixture(scope="module")
def function():
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, FEATURES]),
            tf.TensorSpec([FEATURES, 4 * UNITS]),
            tf.TensorSpec([UNITS, 4 * UNITS]),
        ]
    )
    def gradients(x, kernel, recurrent):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel, recurrent])
            y = loss(x, kernel, recurrent)
        return (y, *tape.gradient(y, [x, kernel, recurrent]))

    return gradients


def arguments(batch=BATCH, steps=STEPS):
    return [tf.constant(a, tf.float32) for a in (X[:batch, :steps], KERNEL, RECURRENT)]


def test_loss_and_gradients(function):
    y, *gradients = function(*arguments())
    np.testing.assert_allclose(y.numpy(), reference_loss(X, KERNEL, RECURRENT), rtol=1e-5)
    for position, index in (
        (0, (1, 2, 0)),
        (0, (3, 5, 2)),
        (1, (0, 7)),
        (1, (2, 19)),
        (2, (4, 3)),
        (2, (1, 12)),
    ):
        expected = difference(position, index)
        np.testing.assert_allclose(
            gradients[position].numpy()[index], expected, rtol=5e-6, atol=1e-6
        )


def test_it_is_one_program_and_other_sizes_need_no_new_kernels(function):
    function(*arguments())
    made = function.get_concrete_function().graph_function.executable
    (first,) = made.programs()
    assert not made.host_ops and not first.compiled.why_interpreted
    for batch, steps in ((3, 6), (4, 4), (2, 3)):
        y = function(*arguments(batch, steps))[0].numpy()
        np.testing.assert_allclose(
            y, reference_loss(X[:batch, :steps], KERNEL, RECURRENT), rtol=1e-5
        )
    assert len(made.programs()) == 4
    assert [p.compiled.program.plan.written for p in made.programs()[1:]] == [0, 0, 0]


def test_other_lengths_after_a_gradient_has_added_to_the_loop():
    """The gradient of a function makes its loop keep intermediate values; the function itself goes on for any length."""
    signature = [tf.TensorSpec([None, 3, 4], tf.float32), tf.TensorSpec([4, 6], tf.float32)]

    @tf.function(input_signature=signature)
    def run(x, w):
        n = tf.shape(x)[0]
        rows = tf.TensorArray(tf.float32, size=n).unstack(x)

        def step(i, h):
            return i + 1, tf.tanh(h + tf.matmul(rows.read(i), w))

        return tf.while_loop(lambda i, h: i < n, step, (0, tf.zeros([3, 6])))[1]

    @tf.function(input_signature=signature)
    def gradient(x, w):
        with tf.GradientTape() as tape:
            tape.watch(w)
            total = tf.reduce_sum(run(x, w))
        return tape.gradient(total, w)

    w = RANDOM.standard_normal((4, 6)).astype("f")
    for steps in (3, 1, 0, 2):
        x = RANDOM.standard_normal((steps, 3, 4)).astype("f")
        h, total = np.zeros((3, 6)), np.zeros((4, 6))
        states = []
        for row in x:
            h = np.tanh(h + row @ w)
            states.append(h)
        np.testing.assert_allclose(run(x, w), h, rtol=1e-5, atol=1e-6)
        back = np.ones((3, 6))
        for row, state in zip(x[::-1], states[::-1], strict=True):
            back = back * (1 - state**2)
            total += row.T @ back
        np.testing.assert_allclose(gradient(x, w), total, rtol=1e-5, atol=2e-6)
