"""Mixed precision: bfloat16 and float16 policies, a scaled optimizer by hand, float64, and quantized weights."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(102)
x = rng.normal(size=(150, 12, 12, 4)).astype("float32")
y = (x.mean((1, 2)).argmax(1)).astype("int64")
for policy in ("mixed_bfloat16", "mixed_float16", "float64"):
    keras.utils.set_random_seed(102)
    keras.mixed_precision.set_global_policy(policy)
    inputs = keras.Input((12, 12, 4))
    h = layers.Conv2D(8, 3, activation="relu")(inputs)
    h = layers.BatchNormalization()(h)
    h = layers.GlobalMaxPooling2D()(h)
    h = layers.Dense(16, activation="relu")(h)
    outputs = layers.Activation("softmax", dtype="float32")(layers.Dense(4)(h))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.RMSprop(5e-3), "sparse_categorical_crossentropy")
    history = model.fit(x, y, batch_size=64, epochs=3, shuffle=False, verbose=0).history
    print(
        "RESULT",
        policy,
        model.layers[1].compute_dtype,
        model.layers[1].dtype,
        type(model.optimizer).__name__,
    )
    print("RESULT loss", *(round(value, 2) for value in history["loss"]))
keras.mixed_precision.set_global_policy("float32")

keras.utils.set_random_seed(103)
dense = layers.Dense(3, dtype="mixed_float16")
dense.build((None, 5))
optimizer = keras.mixed_precision.LossScaleOptimizer(
    keras.optimizers.SGD(0.1), initial_scale=2.0**10, dynamic_growth_steps=4
)
optimizer.build(dense.trainable_variables)
features = tf.constant(rng.normal(size=(20, 5)), tf.float16)
wanted = tf.constant(rng.normal(size=(20, 3)), tf.float32)


@tf.function
def step(scale):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(wanted - tf.cast(dense(features), tf.float32))) * scale
        scaled = optimizer.scale_loss(loss)
    gradients = tape.gradient(scaled, dense.trainable_variables)
    optimizer.apply_gradients(zip(gradients, dense.trainable_variables))
    return loss


losses = [float(step(tf.constant(1.0))) for _ in range(5)]
print("RESULT scaled", *np.round(losses, 2), float(optimizer.dynamic_scale))
step(tf.constant(float("inf")))
print(
    "RESULT skipped",
    float(optimizer.dynamic_scale),
    bool(tf.reduce_all(tf.math.is_finite(dense.kernel))),
)

keras.utils.set_random_seed(104)
model = keras.Sequential([keras.Input((12,)), layers.Dense(32, activation="relu"), layers.Dense(4)])
inputs = rng.normal(size=(40, 12)).astype("float32")
before = model.predict(inputs, verbose=0)
model.quantize("int8")
after = model.predict(inputs, verbose=0)
print(
    "RESULT quantized",
    model.layers[0].kernel.dtype,
    bool(np.abs(after - before).mean() < 0.05),
    float(after.std()),
)
low = tf.quantization.fake_quant_with_min_max_args(inputs, -2.0, 2.0, num_bits=4)
print("RESULT fake", float(tf.reduce_mean(low)), len(np.unique(low)))
