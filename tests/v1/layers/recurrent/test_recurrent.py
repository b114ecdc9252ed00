"""Cells run over time, and the wrappers around cells, against values of TensorFlow."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1
X = np.arange(24, dtype=np.float32).reshape(2, 4, 3) / 10


class Cell:
    """tanh of a product with a constant kernel, and of half the state."""

    state_size = output_size = 3

    def zero_state(self, batch, dtype):
        return tf.zeros([batch, 3], dtype)

    def __call__(self, x, state, scope=None):
        with v1.variable_scope("cell", reuse=v1.AUTO_REUSE):
            kernel = v1.get_variable("k", [3, 3], initializer=v1.constant_initializer(0.1))
        output = tf.tanh(tf.matmul(x, kernel) + state * 0.5)
        return output, output


class Doubling(tf.Module):
    state_size = output_size = 8

    def build(self, shape):
        self.kernel = tf.Variable(2.0)

    def call(self, x, state):
        return x * self.kernel, [state[0] + 1.0]


def run(results):
    with v1.Session() as session:
        session.run(v1.global_variables_initializer())
        return session.run(results)


def test_dynamic_rnn_stops_rows_at_their_lengths():
    with tf.Graph().as_default():
        x = tf.constant(X)
        outputs, state = run(v1.nn.dynamic_rnn(Cell(), x, [3, 1], dtype=tf.float32))
        assert [v.name for v in v1.trainable_variables()] == ["rnn/cell/k:0"]
    expected = [[0.029991, 0.134181, 0.27021, 0.0], [0.37136, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(outputs[:, :, 0], expected, atol=1e-6)
    np.testing.assert_allclose(state[:, 0], [0.27021, 0.37136], atol=1e-6)


def test_dynamic_rnn_has_gradients():
    with tf.Graph().as_default():
        x = tf.constant(X)
        outputs, state = v1.nn.dynamic_rnn(Cell(), x, [3, 1], dtype=tf.float32)
        loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(state)
        (gradient,) = run(tf.gradients(loss, v1.trainable_variables()))
    np.testing.assert_allclose(gradient[:, 0], [2.949026, 3.392706, 3.836387], rtol=1e-5)


def test_both_directions():
    with tf.Graph().as_default():
        dynamic = v1.nn.bidirectional_dynamic_rnn(Cell(), Cell(), X, [3, 1], dtype=tf.float32)
        static = v1.nn.static_bidirectional_rnn(
            Cell(),
            Cell(),
            tf.unstack(X, axis=1),
            dtype=tf.float32,
            sequence_length=[3, 1],
            scope="s",
        )
        names = [v.name for v in v1.trainable_variables()]
        (both, _), (steps, _, _) = run([dynamic, static])
    assert names[:2] == ["bidirectional_rnn/fw/cell/k:0", "bidirectional_rnn/bw/cell/k:0"]
    np.testing.assert_allclose(np.concatenate(both, -1), np.stack(steps, 1), rtol=1e-6)
    np.testing.assert_allclose(both[1][0, :, 0], [0.139012, 0.219836, 0.206967, 0], atol=1e-6)


def test_raw_rnn_emits_until_all_are_finished():
    with tf.Graph().as_default():
        steps = tf.TensorArray(tf.float32, 4, element_shape=[2, 3]).unstack(
            tf.transpose(X, [1, 0, 2])
        )

        def loop(time, output, state, count):
            finished = time >= tf.constant([3, 1])
            following = tf.cond(
                tf.reduce_all(finished), lambda: tf.zeros([2, 3]), lambda: steps.read(time)
            )
            state = tf.zeros([2, 3]) if output is None else state
            return finished, following, state, output, 7 if count is None else count + 1

        outputs, state, count = v1.nn.raw_rnn(Cell(), loop)
        stacked, state, count = run([outputs.stack(), state, count])
    assert stacked.shape == (3, 2, 3) and count == 10
    np.testing.assert_allclose(
        stacked[:, :, 0], [[0.029991, 0.37136], [0.134181, 0], [0.27021, 0]], atol=1e-6
    )
    np.testing.assert_allclose(state[:, 0], [0.27021, 0.37136], atol=1e-6)


def test_state_saving():
    saved = {}

    class Saver:
        def state(self, name):
            return tf.ones([2, 3]) * 0.3

        def save_state(self, name, value):
            saved[name] = value
            return tf.no_op()

    with tf.Graph().as_default():
        steps = tf.unstack(X, axis=1)
        outputs, state = run(v1.nn.static_state_saving_rnn(Cell(), steps, Saver(), "s"))
    assert list(saved) == ["s"]
    np.testing.assert_allclose(outputs[0][:, 0], [0.178081, 0.492988], atol=1e-6)
    np.testing.assert_allclose(state, outputs[-1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, X), TypeError, "is not an RNNCell"),
        ((Cell(), X), ValueError, "If no initial_state is provided"),
        ((Cell(), X, [[1, 2]], None, tf.float32), ValueError, "must be a vector of length"),
        ((Cell(), X[0, 0], None, None, tf.float32), ValueError, "should have rank >= 2"),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=message):
        v1.nn.dynamic_rnn(*arguments)


def test_residual_and_device_wrappers():
    x = tf.ones([2, 8])
    wrapper = tf.nn.RNNCellResidualWrapper(Doubling())
    output, state = wrapper(x, [x])
    assert output.numpy().tolist() == [[3.0] * 8] * 2 and state[0].numpy()[0, 0] == 2
    assert wrapper.get_weights() == [2.0] and wrapper.count_params() == 1
    difference = tf.nn.RNNCellResidualWrapper(Doubling(), residual_fn=lambda i, o: i - o)
    assert difference(x, [x])[0].numpy()[0, 0] == -1
    device = tf.nn.RNNCellDeviceWrapper(Doubling(), "/cpu:0")
    assert device(x, [x])[0].numpy()[0, 0] == 2
    assert device.get_initial_state(batch_size=2, dtype=tf.float32).shape == (2, 8)


def test_dropout_wrapper_draws_as_tensorflow_does():
    x = tf.ones([2, 8])
    wrapper = tf.nn.RNNCellDropoutWrapper(Doubling(), 0.5, 0.5, 0.5, seed=1)
    tf.random.set_seed(5)
    output, _ = wrapper(x, [x])
    assert set(np.unique(output)) <= {0.0, 8.0}
    assert wrapper._seed("input", 0) == wrapper._seed("input", 0) != wrapper._seed("output", 0)
    with pytest.raises(ValueError, match="must be between 0 and 1: 2"):
        tf.nn.RNNCellDropoutWrapper(Doubling(), 2.0)
    with pytest.raises(ValueError, match="dtype must be provided"):
        tf.nn.RNNCellDropoutWrapper(Doubling(), 0.5, variational_recurrent=True)


def test_variational_dropout_drops_the_same_at_each_step():
    x = tf.ones([2, 8])
    wrapper = tf.nn.RNNCellDropoutWrapper(
        Doubling(), output_keep_prob=0.5, variational_recurrent=True, dtype=tf.float32, seed=3
    )
    first, second = (wrapper(x, [x])[0].numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[0], first[1])
