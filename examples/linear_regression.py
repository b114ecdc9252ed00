"""Fits a line to noisy points with a gradient tape: variables, operators, gradients and nothing else."""

import tensorflow as tf

tf.random.set_seed(1)
x = tf.random.uniform([200, 1], -1.0, 1.0)
y = 3.0 * x - 0.5 + tf.random.normal([200, 1], stddev=0.1)

slope = tf.Variable([[0.0]])
offset = tf.Variable([0.0])

for step in range(200):
    with tf.GradientTape() as tape:
        error = x @ slope + offset - y
        loss = tf.reduce_mean(error**2)
    for variable, gradient in zip((slope, offset), tape.gradient(loss, (slope, offset))):
        variable.assign_sub(0.3 * gradient)
    if step % 50 == 0:
        print(f"step {step:3d}  loss {loss:.4f}")

print(f"y = {slope[0, 0].numpy():.2f} x + {offset[0].numpy():.2f}")
assert abs(slope[0, 0].numpy() - 3.0) < 0.1 and abs(offset[0].numpy() + 0.5) < 0.1
