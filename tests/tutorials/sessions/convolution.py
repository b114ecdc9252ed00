"""TensorFlow 1: a convolutional network by tf.nn and scopes, dropout by a placeholder, batch norm with update ops."""

import numpy as np
import tensorflow as tf2

tf = tf2.compat.v1
tf.disable_eager_execution()
tf.set_random_seed(112)
rng = np.random.default_rng(112)
images = rng.normal(0, 0.4, (140, 14, 14, 1)).astype("float32")
labels = rng.integers(0, 3, 140)
for image, label in zip(images, labels):
    image[label * 4 : label * 4 + 5] += 1


def weights(name, shape):
    start = tf.initializers.glorot_uniform(seed=5)
    return tf.get_variable(name, shape, initializer=start)


def network(x, training, keep):
    with tf.variable_scope("conv"):
        h = tf.nn.conv2d(x, weights("kernel", [5, 5, 1, 8]), strides=[1, 1, 1, 1], padding="SAME")
        scale, offset = (
            tf.get_variable("scale", [8], initializer=tf.ones_initializer()),
            tf.get_variable("offset", [8], initializer=tf.zeros_initializer()),
        )
        moving = tf.get_variable("moving", [8], initializer=tf.zeros_initializer(), trainable=False)
        mean, variance = tf.nn.moments(h, [0, 1, 2])
        update = tf.assign(moving, 0.9 * moving + 0.1 * mean)
        tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update)
        h = tf.nn.batch_normalization(
            h, tf.cond(training, lambda: mean, lambda: moving), variance, offset, scale, 1e-3
        )
        h = tf.nn.max_pool(tf.nn.relu(h), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    with tf.variable_scope("dense"):
        h = tf.reshape(h, [-1, 7 * 7 * 8])
        h = tf.nn.relu(
            tf.nn.xw_plus_b(
                h,
                weights("w1", [392, 24]),
                tf.get_variable("b1", [24], initializer=tf.zeros_initializer()),
            )
        )
        h = tf.nn.dropout(h, keep_prob=keep, seed=7)
        return tf.matmul(h, weights("w2", [24, 3]))


x = tf.placeholder(tf.float32, [None, 14, 14, 1])
y = tf.placeholder(tf.int32, [None])
training = tf.placeholder_with_default(False, [])
keep = tf.placeholder_with_default(1.0, [])
logits = network(x, training, keep)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
correct = tf.reduce_mean(tf.cast(tf.nn.in_top_k(logits, y, 1), tf.float32))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train = tf.train.AdamOptimizer(3e-3).minimize(loss)
tf.summary.scalar("loss", loss)
tf.summary.histogram("logits", logits)
merged = tf.summary.merge_all()

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    writer = tf.summary.FileWriter("logs", session.graph)
    for epoch in range(4):
        losses = []
        for k in range(0, 120, 32):
            part = slice(k, min(k + 32, 120))
            feed = {x: images[part], y: labels[part], training: True, keep: 0.8}
            _, value, summary = session.run([train, loss, merged], feed)
            losses.append(value)
        writer.add_summary(summary, epoch)
        print("RESULT epoch", epoch, *losses)
    print("RESULT test", *session.run([loss, correct], {x: images[120:], y: labels[120:]}))
    with tf.variable_scope("conv", reuse=True):
        print("RESULT moving", session.run(tf.get_variable("moving", [8], trainable=False)))
    print("RESULT names", *(v.op.name for v in tf.trainable_variables()))
