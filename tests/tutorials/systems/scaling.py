"""Mixed precision by hand: dynamic loss scales, master weights, gradient accumulation, stochastic rounding and fake quantization."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(321)
rng = np.random.default_rng(321)
x = rng.normal(size=(144, 8)).astype("float32")
y = (np.abs(x[:, :2]).sum(1) > 1.5).astype("int32")

keras.mixed_precision.set_global_policy("mixed_float16")
model = keras.Sequential(
    [
        keras.Input((8,)),
        layers.Dense(16, "relu"),
        layers.LayerNormalization(),
        layers.Dense(2, dtype="float32"),
    ]
)
print(
    "RESULT dtypes",
    *[layer.compute_dtype for layer in model.layers],
    *[layer.variable_dtype for layer in model.layers],
)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
inner = keras.optimizers.Adam(0.01)
scaled = keras.mixed_precision.LossScaleOptimizer(
    inner, initial_scale=2.0**16, dynamic_growth_steps=3
)
scaled.build(model.trainable_variables)


@tf.function
def step(images, labels, bad):
    with tf.GradientTape() as tape:
        loss = loss_of(labels, model(images, training=True))
        loss = tf.where(bad, loss * np.inf, loss)
        large = scaled.scale_loss(loss)
    gradients = tape.gradient(large, model.trainable_variables)
    scaled.apply_gradients(zip(gradients, model.trainable_variables))
    return loss


for k in range(9):
    rows = slice(16 * k, 16 * k + 16)
    loss = step(x[rows], y[rows], tf.constant(k in (3, 4)))
    print(
        "RESULT scaled",
        float(loss),
        float(scaled.dynamic_scale),
        int(inner.iterations),
        float(tf.norm(model.weights[0])),
    )
keras.mixed_precision.set_global_policy("float32")

accumulating = keras.Sequential([keras.Input((8,)), layers.Dense(6, "relu"), layers.Dense(2)])
accumulating.compile(
    keras.optimizers.RMSprop(0.02, gradient_accumulation_steps=3, ema_momentum=0.9, use_ema=True),
    loss_of,
)
print(
    "RESULT accumulated",
    *accumulating.fit(x, y, batch_size=12, epochs=2, verbose=0, shuffle=False).history["loss"],
)


class Half(tf.Module):
    """Weights in bfloat16 beside masters in float32; sums in float32."""

    def __init__(self):
        super().__init__()
        init = keras.initializers.GlorotUniform(4)
        self.masters = [tf.Variable(init([8, 12])), tf.Variable(init([12, 2]))]
        self.totals = [tf.Variable(tf.zeros_like(m)) for m in self.masters]
        self.count = tf.Variable(0)

    def logits(self, x, weights):
        h = tf.nn.relu(tf.matmul(tf.cast(x, tf.bfloat16), weights[0]))
        return tf.cast(tf.matmul(h, weights[1]), tf.float32)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 8]),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([], tf.int32),
        ]
    )
    def accumulate(self, x, y, every):
        low = [tf.cast(m, tf.bfloat16) for m in self.masters]
        with tf.GradientTape() as tape:
            tape.watch(low)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(y, self.logits(x, low))
            )
        for total, gradient in zip(self.totals, tape.gradient(loss, low)):
            total.assign_add(tf.cast(gradient, tf.float32))
        self.count.assign_add(1)
        if self.count % every == 0:
            for master, total in zip(self.masters, self.totals):
                master.assign_sub(0.5 * total / tf.cast(every, tf.float32))
                total.assign(tf.zeros_like(total))
        return loss


half = Half()
for k, size in enumerate((16, 24, 20, 16, 31, 37)):
    loss = half.accumulate(x[k * 16 : k * 16 + size], y[k * 16 : k * 16 + size], tf.constant(2))
    print("RESULT bfloat16", round(float(loss), 2), int(half.count))


@tf.custom_gradient
def quantized(w, bits):
    """Rounded to a grid whose step follows the largest weight; gradients go straight through."""
    scale = tf.reduce_max(tf.abs(w)) / (2.0 ** (bits - 1) - 1)
    return tf.round(w / scale) * scale, lambda dy: (dy, None)


w = [tf.Variable(keras.initializers.HeNormal(k)(s)) for k, s in enumerate([(8, 10), (10, 2)])]
moving = tf.Variable(1.0)


@tf.function
def aware(x, y, bits):
    with tf.GradientTape() as tape:
        h = tf.nn.relu6(x @ quantized(w[0], bits))
        moving.assign(0.9 * moving + 0.1 * tf.reduce_max(h))
        h = tf.quantization.fake_quant_with_min_max_vars(h, 0.0, moving, num_bits=8)
        logits = h @ tf.quantization.fake_quant_with_min_max_vars_per_channel(
            w[1], [-1.0, -1.0], [1.0, 1.5], 4
        )
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
    for v, g in zip(w, tape.gradient(loss, w)):
        v.assign_sub(0.1 * tf.clip_by_value(g, -1.0, 1.0))
    return loss


print(
    "RESULT aware",
    *[float(aware(x[k : k + 36], y[k : k + 36], tf.constant(4.0))) for k in range(0, 144, 36)],
)
packed, low, high = tf.quantization.quantize(w[0], -1.0, 1.0, tf.qint8, mode="SCALED")
again = tf.quantization.dequantize(packed, low, high, mode="SCALED")
print(
    "RESULT packed",
    float(low),
    float(high),
    int(tf.reduce_sum(tf.cast(packed, tf.int32))),
    float(tf.reduce_max(tf.abs(tf.clip_by_value(w[0], -1, 1) - again))),
)
adjusted = tf.quantization.quantize_and_dequantize_v2(
    w[0], -1.0, 1.0, range_given=False, num_bits=5, axis=1
)
print("RESULT adjusted", float(tf.norm(adjusted)), len(np.unique(adjusted.numpy()[:, 0])))
noise = tf.random.stateless_uniform([1000], [1, 2])
rounded = tf.floor(0.3 * 256 + noise) / 256
print(
    "RESULT stochastic",
    float(tf.reduce_mean(rounded)),
    *sorted(set(np.round(rounded.numpy(), 5).tolist())),
)
