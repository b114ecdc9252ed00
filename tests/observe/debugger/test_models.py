"""Stops at a line of a step of ten kinds of models, forward and backward. What names stand for is what the compiled run computed."""

import io

import numpy as np

import penstock as tf
from tests.harness.dialogue import Dialogue

keras = tf.keras
layers = keras.layers
# What the dialogue has looked at, and what the compiled run computed.
SEEN: list = []


class Keeping(layers.Layer):
    """A layer that keeps what its compiled call computes."""

    def keep(self, h):
        if not hasattr(self, "kept"):
            self.kept = tf.Variable(tf.zeros(h.shape, h.dtype), trainable=False)
        self.kept.assign(h)


def mean_squares(labels, results):
    difference = labels - tf.cast(results, labels.dtype)
    return tf.reduce_mean(difference * difference)


def fit(layer, x, *others):
    model = keras.Sequential([*others, layer, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", mean_squares)
    model.fit(x, np.ones([len(x), 1], np.float32), batch_size=len(x), verbose=0)


def check(talk, kept, tolerance=1e-5):
    """The dialogue saw what was computed, and reached the line of a gradient."""
    seen, transcript = SEEN.pop(), talk.stdout.getvalue()
    SEEN.clear()
    seen, kept = np.asarray(seen, np.float64), np.asarray(kept, np.float64)
    np.testing.assert_allclose(seen, kept, rtol=tolerance, atol=tolerance / 10)
    before, _, after = transcript.partition("(penstock) True\n")
    assert "gradient of" in before.splitlines()[-2] and after, transcript
    assert "***" not in transcript, transcript
    assert talk.stdin.read() == "q\n", transcript


def dialogue(lines, command="n", more=()):
    """Looks at `h`, goes on by lines to where its gradient is known, looks at that, and goes on without stops."""
    return Dialogue("SEEN.append(h)", *[command] * lines, "p d_h.shape == h.shape", "c", *more, "q")


def test_dense_layers():
    class Block(Keeping):
        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1], 4), initializer="ones")

        def call(self, x):
            h = tf.matmul(x, self.w)
            self.keep(h)
            tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
            return tf.nn.relu(h)

    talk, layer = dialogue(12), Block()
    fit(layer, np.arange(12, dtype=np.float32).reshape(4, 3) / 7)
    check(talk, layer.kept)


def test_convolutions():
    class Block(Keeping):
        def __init__(self):
            super().__init__()
            self.convolution = layers.Conv2D(4, 3)

        def call(self, x):
            h = self.convolution(x)
            self.keep(h)
            tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
            return tf.reduce_mean(tf.nn.relu(h), [1, 2])

    talk, layer = dialogue(12), Block()
    fit(layer, np.ones([2, 6, 6, 1], np.float32))
    check(talk, layer.kept)


def test_a_recurrent_cell_stops_in_each_step():
    class Cell(layers.Layer):
        state_size = 3

        def build(self, shape):
            self.w = self.add_weight(shape=(shape[-1] + 3, 3))

        def call(self, x, states):
            h = tf.matmul(tf.concat([x, states[0]], 1), self.w)
            tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
            y = tf.tanh(h)
            return y, [y]

    class Recurrent(Keeping):
        def __init__(self):
            super().__init__()
            self.rnn = layers.RNN(Cell())

        def call(self, x):
            y = self.rnn(x)
            self.keep(y)
            return y

    # Keras calls the cell once more, before the loop, for the form of its results.
    talk, layer = Dialogue(*["SEEN.append(h)", "c"] * 5, "q"), Recurrent()
    fit(layer, np.ones([2, 4, 2], np.float32))
    assert len(SEEN) == 5 and talk.stdin.read() == "q\n"
    np.testing.assert_allclose(np.tanh(SEEN[-1]), layer.kept, rtol=1e-5)
    SEEN.clear()


def test_attention():
    class Head(Keeping):
        def __init__(self):
            super().__init__()
            self.attention = layers.MultiHeadAttention(2, 4)
            self.norm = layers.LayerNormalization()

        def call(self, x):
            h = self.attention(x, x)
            self.keep(h)
            tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
            y = x + h
            z = self.norm(y)
            return z * z * z

    talk, layer = dialogue(16), Head()
    fit(layer, np.arange(10, dtype=np.int32).reshape(2, 5), layers.Embedding(10, 8))
    check(talk, layer.kept)


def test_adversaries_with_a_step_of_their_own():
    class Adversaries(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator, self.critic = layers.Dense(2), layers.Dense(1)
            self.first, self.second = keras.optimizers.Adam(), keras.optimizers.Adam()
            self.kept = tf.Variable(tf.zeros([4, 2]), trainable=False)

        def train_step(self, real):
            noise = tf.random.normal([4, 3])
            with tf.GradientTape() as tape:
                fake = self.generator(noise)
                loss = tf.reduce_mean(self.critic(fake)) - tf.reduce_mean(self.critic(real))
            weights = self.critic.trainable_weights
            self.first.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            with tf.GradientTape() as tape:
                h = self.generator(noise)
                self.kept.assign(h)
                tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
                loss = -tf.reduce_mean(self.critic(h) * h)
            weights = self.generator.trainable_weights
            gradients = tape.gradient(loss, weights)
            self.second.apply_gradients(zip(gradients, weights, strict=True))
            return {"loss": loss}

    talk = Dialogue("SEEN.append(h)", *["n"] * 3, *["s"] * 3, "p d_h.shape == h.shape", "c", "q")
    model = Adversaries()
    model.compile()
    model.fit(np.ones([4, 2], np.float32), batch_size=4, verbose=0)
    check(talk, model.kept)


def test_a_loop_with_an_environment_on_the_host(monkeypatch, capsys):
    w, moves = tf.Variable(tf.ones([2, 2])), []

    def environment(action):
        moves.append(int(action))
        return np.float32(action * 2), np.full([1, 2], action, np.float32)

    @tf.function
    def episode(steps):
        state, total = tf.ones([1, 2]), 0.0
        with tf.GradientTape() as tape:
            loss = 0.0
            for _ in tf.range(steps):
                logits = tf.matmul(state, w)
                action = tf.random.categorical(logits, 1)[0, 0]
                reward, state = tf.numpy_function(environment, [action], [tf.float32, tf.float32])
                reward, state = tf.ensure_shape(reward, []), tf.ensure_shape(state, [1, 2])
                breakpoint()
                loss += tf.nn.log_softmax(logits)[0, action] * reward
                total += reward
        w.assign_sub(tape.gradient(loss, w))
        return total

    commands = "".join("SEEN.append((int(action), float(reward)))\nc\n" for _ in range(3))
    monkeypatch.setattr("sys.stdin", io.StringIO(commands))
    total = episode(3)
    assert [action for action, _ in SEEN] == moves and len(moves) == 3
    assert sum(reward for _, reward in SEEN) == total.numpy()
    assert "-> loss +=" in capsys.readouterr().out
    SEEN.clear()


def test_a_session():
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 2])
        w = v1.get_variable("w", [2, 1], use_resource=True)
        h = tf.matmul(x, w)
        talk = Dialogue(
            "SEEN.append(h)", *["n", "n", "s", "s", "n", "n"], "p d_h.shape == h.shape", "c", "q"
        )
        tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
        y = h * 2.0
        loss = tf.reduce_mean(y * y)
        train = v1.train.GradientDescentOptimizer(0.1).minimize(loss)
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            _, kept = session.run([train, h], {x: np.ones([3, 2], np.float32)})
            check(talk, kept)


def test_ragged_texts():
    table, talk = tf.Variable(tf.ones([50, 4])), dialogue(5, "s")

    @tf.function
    def step(texts):
        words = tf.strings.split(texts)
        numbers = tf.strings.to_hash_bucket_fast(words.values, 50)
        with tf.GradientTape() as tape:
            h = tf.gather(table, numbers)
            rows = words.with_values(h)
            tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
            loss = tf.reduce_sum(tf.reduce_mean(rows, 1) ** 2)
        gradient = tape.gradient(loss, table)
        table.scatter_sub(tf.IndexedSlices(gradient.values * 0.1, gradient.indices))
        return h

    check(talk, step(tf.constant(["a b c", "d e"])))


def test_mixed_precision():
    class Block(Keeping):
        def __init__(self):
            super().__init__(dtype="mixed_bfloat16")
            self.dense = layers.Dense(4, dtype="mixed_bfloat16")

        def call(self, x):
            h = self.dense(x)
            self.keep(h)
            tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
            return tf.nn.relu(h)

    talk, layer = dialogue(12), Block()
    fit(layer, np.ones([2, 8], np.float32))
    check(talk, tf.cast(layer.kept, tf.float32), 1e-2)


def test_mirrored_replicas():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        w = tf.Variable(tf.ones([3, 2]))
    talk = dialogue(5, "s", ["c"])  # the other replica stops as well

    def replica(x):
        with tf.GradientTape() as tape:
            h = tf.matmul(x, w)
            tf.debugging.breakpoint(stdin=talk.stdin, stdout=talk.stdout)
            loss = tf.reduce_sum(h * h)
        gradient = tape.gradient(loss, w)
        w.assign_sub(gradient * 0.1)
        return h

    step = tf.function(lambda x: strategy.run(replica, args=(x,)))
    kept = strategy.experimental_local_results(step(tf.ones([2, 3])))
    check(talk, kept[0])
