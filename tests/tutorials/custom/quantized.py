"""Training with the rounding errors of eight-bit inference: weights and activations go through fake quantization, with running ranges."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(91)
x = rng.normal(size=(96, 6)).astype("float32")
y = (x @ rng.normal(size=(6, 2)) > 0).astype("float32")
quantization = tf.quantization


class Quantized(tf.Module):
    """A dense layer whose kernel is rounded per channel and whose results are rounded within a running range."""

    def __init__(self, fan_in, fan_out):
        super().__init__()
        self.kernel = tf.Variable(rng.normal(0, 0.4, (fan_in, fan_out)).astype("float32"))
        self.bias = tf.Variable(tf.zeros(fan_out))
        self.low, self.high = (tf.Variable(0.0, trainable=False) for _ in range(2))

    def __call__(self, x, training):
        limit = tf.reduce_max(tf.abs(self.kernel), axis=0)
        kernel = quantization.fake_quant_with_min_max_vars_per_channel(
            self.kernel, -limit, limit, narrow_range=True
        )
        h = x @ kernel + self.bias
        if training:
            self.low.assign(0.9 * self.low + 0.1 * tf.minimum(tf.reduce_min(h), 0.0))
            self.high.assign(0.9 * self.high + 0.1 * tf.maximum(tf.reduce_max(h), 0.0))
        return quantization.fake_quant_with_min_max_vars(h, self.low, self.high)


first, second = Quantized(6, 8), Quantized(8, 2)
variables = [*first.trainable_variables, *second.trainable_variables]


@tf.function
def logits_of(x, training=False):
    return second(tf.nn.relu(first(x, training)), training)


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(y, logits_of(x, training=True))
        )
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        variable.assign_sub(0.2 * gradient)
    return loss


losses = [float(step(x[:48], y[:48])) for _ in range(3)]
print("RESULT first losses", *[f"{loss:.5f}" for loss in losses])
print("RESULT ranges", *[f"{float(v):.4f}" for v in (first.low, first.high, second.low)])
halves = tf.constant((np.arange(15) + 0.5) / 15, tf.float32)
for rounded in (
    quantization.fake_quant_with_min_max_args(halves, 0.0, 1.0, 4),
    quantization.fake_quant_with_min_max_vars(halves, 0.0, 1.0, 4),
):
    print("RESULT levels of halves", *np.rint(rounded * 15).astype(int))
with tf.GradientTape() as tape:
    low, high = tf.Variable(-1.0), tf.Variable(1.0)
    total = tf.reduce_sum(
        quantization.fake_quant_with_min_max_vars([-3.0, 0.2, 2.0, 5.0], low, high)
    )
print("RESULT gradients of the range", *[float(g) for g in tape.gradient(total, [low, high])])
