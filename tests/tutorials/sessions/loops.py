"""TensorFlow 1: while loops over TensorArrays, nested conds with updates, case, assertions, gates, and gradients through all of them."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
rng = np.random.RandomState(311)

x = tf.placeholder(tf.float32, [None, None, 3], "x")
lengths = tf.placeholder(tf.int32, [None], "lengths")
steps = tf.get_variable("steps", [], tf.int32, tf.zeros_initializer(), trainable=False)
best = tf.Variable(1e9, trainable=False, name="best")
with tf.variable_scope("cell", initializer=tf.random_uniform_initializer(-0.5, 0.5, seed=5)):
    kernel = tf.get_variable("kernel", [3 + 4, 4])
    gate = tf.get_variable("gate", [3 + 4, 4])
    readout = tf.get_variable("readout", [4, 1])


def recurrence(x, lengths):
    """A gated cell over time, whose states after the end of a row are zeros."""
    over_time = tf.transpose(x, [1, 0, 2])
    inputs = tf.TensorArray(tf.float32, tf.shape(over_time)[0]).unstack(over_time)
    outputs = tf.TensorArray(tf.float32, tf.shape(over_time)[0], element_shape=[None, 4])

    def body(t, h, outputs):
        both = tf.concat([inputs.read(t), h], 1)
        z = tf.sigmoid(tf.matmul(both, gate))
        new = z * h + (1 - z) * tf.tanh(tf.matmul(both, kernel))
        new = tf.where(t < lengths, new, h)
        return t + 1, new, outputs.write(t, new * tf.to_float(t < lengths)[:, None])

    start = tf.zeros([tf.shape(x)[0], 4])
    _, last, outputs = tf.while_loop(
        lambda t, *_: t < tf.reduce_max(lengths),
        body,
        [0, start, outputs],
        parallel_iterations=4,
        swap_memory=True,
    )
    return last, tf.transpose(outputs.stack(), [1, 0, 2])


last, states = recurrence(x, lengths)
wanted = tf.reduce_sum(x[:, :, :1], [1])
loss = tf.reduce_mean(tf.squared_difference(tf.matmul(last, readout), wanted))
norm = tf.global_norm(tf.trainable_variables())
with tf.control_dependencies([tf.Assert(tf.is_finite(loss), [loss, lengths], name="finite")]):
    loss = tf.identity(loss, "loss")
optimizer = tf.train.GradientDescentOptimizer(
    tf.case(
        [
            (steps < 2, lambda: tf.constant(0.3)),
            (tf.logical_and(steps >= 2, norm > 2.0), lambda: 0.5 / norm),
        ],
        default=lambda: tf.constant(0.1),
        exclusive=True,
    ),
    name="sgd",
)
pairs = optimizer.compute_gradients(loss, gate_gradients=optimizer.GATE_GRAPH)
pairs = [(tf.clip_by_norm(g, 1.0), v) for g, v in pairs]


def improved():
    with tf.control_dependencies([tf.assign(best, loss)]):
        return tf.constant("better")


train = optimizer.apply_gradients(pairs, global_step=steps)
verdict = tf.cond(loss < best, improved, lambda: tf.constant("worse"), name="verdict")


def collatz(n):
    """The number of steps to 1, by a loop whose body branches."""

    def body(n, k):
        return (tf.cond(tf.equal(n % 2, 0), lambda: n // 2, lambda: 3 * n + 1), k + 1)

    return tf.while_loop(lambda n, k: n > 1, body, (n, 0), back_prop=False)[1]


number = tf.placeholder_with_default(27, [], "number")
taken = collatz(number)
primes = tf.while_loop(
    lambda k, found: k < number,
    lambda k, found: (
        k + 1,
        tf.cond(
            tf.reduce_all(tf.not_equal(k % found, 0)),
            lambda: tf.concat([found, [k]], 0),
            lambda: found,
        ),
    ),
    [3, tf.constant([2])],
    shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
)[1]
cubed = tf.foldl(lambda total, v: total * 0.5 + v**3, tf.reshape(x, [-1]))
nested = tf.map_fn(lambda row: tf.scan(lambda a, b: a + b, row[:, 0]), x)
slope = tf.gradients(cubed + tf.reduce_sum(nested), x)[0]
mapped = tf.gradients(tf.reduce_sum(states**2), [x, kernel])
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for time in (4, 7, 3, 5, 4):
        feed = {x: rng.randn(6, time, 3), lengths: rng.randint(1, time + 1, 6)}
        value, word, _, number_of_steps = session.run([loss, verdict, train, steps], feed)
        print("RESULT step", number_of_steps, value, word.decode(), session.run(best))
    print("RESULT weights", *[session.run(tf.norm(v)) for v in tf.trainable_variables()])
    print(
        "RESULT states",
        session.run(states, feed).shape,
        *session.run(states, feed)[0, -1],
        *session.run(last, feed)[0],
    )
    for value in (27, 6, 97, 2):
        print(
            "RESULT collatz",
            value,
            session.run(taken, {number: value}),
            *session.run(primes, {number: value}),
        )
    print("RESULT folded", session.run(cubed, feed), session.run(nested, feed).shape)
    print("RESULT slope", *session.run(slope, feed)[0].ravel()[:5])
    print("RESULT mapped", *[np.linalg.norm(g) for g in session.run(mapped, feed)])
    try:
        session.run(loss, {**feed, x: np.full((6, 4, 3), np.nan)})
    except tf.errors.InvalidArgumentError as error:
        print("RESULT refused", "finite" in str(error), error.op.type)
    print("RESULT names", *[v.op.name for v in tf.global_variables()])
