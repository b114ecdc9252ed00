"""TensorFlow 1: placeholders, variables, GradientDescentOptimizer, a session, summaries of fetches, savers."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
tf.set_random_seed(111)
rng = np.random.default_rng(111)
x_data = rng.normal(size=(110, 3)).astype("float32")
y_data = (x_data @ np.float32([[1], [-2], [0.5]]) + 0.3 + rng.normal(0, 0.05, (110, 1))).astype(
    "float32"
)

x = tf.placeholder(tf.float32, [None, 3], name="x")
y = tf.placeholder(tf.float32, [None, 1], name="y")
with tf.variable_scope("linear"):
    w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer())
    b = tf.get_variable("b", [1], initializer=tf.constant_initializer(0.1))
prediction = tf.matmul(x, w) + b
loss = tf.reduce_mean(tf.square(prediction - y))
step = tf.train.get_or_create_global_step()
rate = tf.train.exponential_decay(0.2, step, 10, 0.9, staircase=True)
optimizer = tf.train.MomentumOptimizer(rate, 0.5)
gradients = optimizer.compute_gradients(loss)
clipped = [(tf.clip_by_norm(g, 1.0), v) for g, v in gradients]
train = optimizer.apply_gradients(clipped, global_step=step)
average = tf.train.ExponentialMovingAverage(0.9)
with tf.control_dependencies([train]):
    train_and_average = average.apply([w, b])
saver = tf.train.Saver(max_to_keep=2)
init = tf.global_variables_initializer()

with tf.Session() as session:
    session.run(init)
    for epoch in range(5):
        losses = []
        for k in range(0, 110, 25):
            feed = {x: x_data[k : k + 25], y: y_data[k : k + 25]}
            value, _ = session.run([loss, train_and_average], feed_dict=feed)
            losses.append(value)
        print("RESULT epoch", epoch, *losses, session.run(rate))
    print("RESULT weights", session.run(w).ravel(), session.run(b), session.run(step))
    print("RESULT average", session.run(average.average(w)).ravel())
    path = saver.save(session, "./model", global_step=step)
    print(
        "RESULT variables",
        *(v.op.name for v in tf.trainable_variables()),
        len(tf.global_variables()),
    )
with tf.Session() as session:
    saver.restore(session, path)
    print(
        "RESULT restored",
        session.run(loss, {x: x_data, y: y_data}),
        prediction.eval({x: x_data[:2]}).ravel(),
    )
    print(
        "RESULT gradient",
        *(g.ravel() for g in session.run([g for g, _ in gradients], {x: x_data, y: y_data})),
    )
