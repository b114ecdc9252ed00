"""Whole programs as TensorFlow's users write them; the numbers were recorded from TensorFlow 2.21 on one seed."""

import numpy as np
import pytest

import penstock as tf

v1 = tf.compat.v1


def linear_data():
    """256 points of 8 features, in three classes by a linear rule."""
    random = np.random.default_rng(0)
    rule = random.normal(size=(8, 3))
    x = random.normal(size=(256, 8)).astype(np.float32)
    return x, (x @ rule).argmax(1).astype(np.int32)


def test_a_session_trains_a_network_saves_and_restores_it(tmp_path):
    points, classes = linear_data()
    with tf.Graph().as_default():
        v1.set_random_seed(3)
        x, y = v1.placeholder(tf.float32, [None, 8]), v1.placeholder(tf.int32, [None])
        with v1.variable_scope("l1"):
            w = v1.get_variable(
                "w", [8, 16], initializer=v1.truncated_normal_initializer(stddev=0.1, seed=1)
            )
            b = v1.get_variable("b", [16], initializer=v1.zeros_initializer())
            hidden = tf.nn.relu(v1.nn.xw_plus_b(x, w, b))
        with v1.variable_scope("l2"):
            w = v1.get_variable("w", [16, 3], initializer=v1.glorot_uniform_initializer(seed=2))
            logits = tf.matmul(hidden, w)
        loss = v1.losses.sparse_softmax_cross_entropy(y, logits)
        step = v1.train.get_or_create_global_step()
        rate = v1.train.exponential_decay(0.1, step, 10, 0.9, staircase=True)
        train = v1.train.AdamOptimizer(rate).minimize(loss, global_step=step)
        right = tf.equal(v1.argmax(logits, 1, output_type=tf.int32), y)
        saver = v1.train.Saver()
        feed = {x: points, y: classes}
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            for _ in range(20):
                _, last = session.run([train, loss], feed)
            assert session.run(v1.reduce_mean(v1.to_float(right)), feed) == 1.0
            assert session.run([rate, step]) == pytest.approx([0.081, 20])
            saver.save(session, str(tmp_path / "model"), global_step=step)
        assert last == pytest.approx(0.0063249, rel=1e-3)
        with v1.Session() as session:
            saver.restore(session, v1.train.latest_checkpoint(str(tmp_path)))
            assert session.run(loss, feed) == pytest.approx(0.0053510, rel=1e-3)


def test_control_flow_queues_and_scopes_of_a_session():
    with tf.Graph().as_default():
        a, n = v1.placeholder(tf.float32, []), v1.placeholder(tf.int32, [])
        chosen = v1.cond(a > 0, lambda: a * 2, lambda: a - 1)
        _, total = v1.while_loop(
            lambda i, t: i < n, lambda i, t: [i + 1, t + tf.cast(i, tf.float32)], [0, a]
        )
        count = v1.get_variable("count", [], initializer=v1.zeros_initializer())
        with tf.control_dependencies([v1.assign_add(count, 1.0)]):
            counted = tf.identity(a)
        (gradient,) = v1.gradients(total * chosen, a)
        queue = v1.FIFOQueue(10, [tf.float32], shapes=[[]])
        fill = queue.enqueue_many([[1.0, 2.0, 3.0]])
        with v1.name_scope("outer"), v1.name_scope("inner"):
            named = tf.add(a, 1.0, name="z")
        with v1.Session() as session:
            session.run([v1.global_variables_initializer(), fill])
            feed = {a: 3.0, n: 4}
            assert session.run([chosen, total, gradient], feed) == [6.0, 9.0, 24.0]
            assert session.run(counted, feed) == 3.0 and session.run(count) == 1.0
            assert session.run(queue.dequeue()) == 1.0 and session.run(queue.size()) == 2
            assert named.name == "outer/inner/z:0" and session.run("outer/inner/z:0", feed) == 4.0


def test_an_agent_learns_from_episodes_of_unknown_length():
    weights = tf.Variable(tf.random.stateless_normal([4, 2], [1, 1]) * 0.5)
    adam = tf.keras.optimizers.Adam(0.05)

    def world(state, action):
        push = tf.cast(action, tf.float32) * 2 - 1
        moved = tf.stack([push, tf.sin(state[0]), state[1], -state[2]])
        state = state * 0.95 + 0.1 * moved
        return state, 1.0 - tf.abs(state[0])

    @tf.function
    def episode(seed):
        chances = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        rewards = tf.TensorArray(tf.float32, 0, dynamic_size=True)
        state = tf.constant([0.1, 0.2, -0.1, 0.3])
        for t in tf.range(30):
            logits = tf.linalg.matvec(weights, state, transpose_a=True)[None]
            action = tf.random.stateless_categorical(logits, 1, tf.stack([seed, t]))[0, 0]
            chances = chances.write(t, tf.nn.log_softmax(logits)[0, action])
            state, reward = world(state, action)
            rewards = rewards.write(t, reward)
            if tf.abs(state[0]) > 1.5:
                break
        return chances.stack(), rewards.stack()

    @tf.function
    def train(seed):
        with tf.GradientTape() as tape:
            chances, rewards = episode(seed)
            returns = tf.math.cumsum(rewards, reverse=True)
            spread = tf.math.reduce_std(returns) + 1e-6
            loss = -tf.reduce_sum(chances * (returns - tf.reduce_mean(returns)) / spread)
        adam.apply_gradients([(tape.gradient(loss, weights), weights)])
        return loss, tf.reduce_sum(rewards)

    found = [[float(value) for value in train(tf.constant(i))] for i in range(2)]
    recorded = [[0.003313, 24.57724], [-0.056002, 22.66837]]
    np.testing.assert_allclose(found, recorded, rtol=2e-4, atol=2e-5)


def test_primes_found_by_loops_with_break_and_continue():
    @tf.function
    def primes(n):
        found, count = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[]), 0
        for i in tf.range(2, n):
            is_prime = True
            for j in tf.range(2, i):
                if j * j > i:
                    break
                if i % j == 0:
                    is_prime = False
                    break
            if not is_prime:
                continue
            found = found.write(count, i)
            count += 1
        return found.stack()

    assert primes(tf.constant(30)).numpy().tolist() == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]


def test_words_of_texts_of_different_lengths():
    texts = tf.constant(["the cat sat", "a dog", "the quick brown fox jumps", ""])
    words = tf.strings.split(texts)
    known = tf.lookup.KeyValueTensorInitializer(
        ["the", "cat", "dog", "fox"], tf.range(4, dtype=tf.int64)
    )
    numbers = tf.lookup.StaticVocabularyTable(known, 2).lookup(words)
    assert numbers.to_list() == [[0, 1, 5], [5, 2], [0, 4, 5, 3, 4], []]
    assert tf.strings.ngrams(words, 2).to_list()[0] == [b"the cat", b"cat sat"]
    assert tf.concat([numbers, numbers[:, :1]], 1).to_list()[1] == [5, 2, 5]
    vectors = tf.nn.embedding_lookup(tf.random.stateless_normal([6, 4], [1, 2]), numbers)
    mean = tf.reduce_mean(vectors, axis=1).numpy()
    np.testing.assert_allclose(mean[1], [-0.0396163, 0.1920664, 0.869949, 0.4896222], rtol=1e-5)
    assert np.isnan(mean[3]).all()
