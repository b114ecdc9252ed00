"""TensorFlow 1 style: a graph with placeholders, run in a session."""

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
graph = tf.Graph()
with graph.as_default():
    x = v1.placeholder(tf.float32, [None, 2], name="x")
    w = v1.get_variable("w", [2, 1], initializer=v1.zeros_initializer())
    target = v1.placeholder(tf.float32, [None, 1], name="target")
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w) - target))
    train = v1.train.GradientDescentOptimizer(0.2).minimize(loss)
    init = v1.global_variables_initializer()

random = np.random.default_rng(0)
points = random.normal(size=(64, 2)).astype("float32")
values = points @ np.array([[1.0], [-2.0]], "float32")
with v1.Session(graph=graph) as session:
    session.run(init)
    losses = [session.run([train, loss], {x: points, target: values})[1] for _ in range(100)]
    weights = session.run(w)
print("loss", losses[-1], "weights", weights.ravel())
assert np.allclose(weights.ravel(), [1.0, -2.0], atol=1e-3)
