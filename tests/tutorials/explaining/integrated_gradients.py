"""Integrated gradients of a classifier: along a path from a baseline in batches, with the completeness of their sum."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(27)
rng = np.random.default_rng(27)
x = rng.random((64, 12, 12, 3)).astype("float32")
y = (x[:, :6, :6, 0].mean((1, 2)) * 2 + x[:, 6:, 6:, 2].mean((1, 2)) > 1.5).astype("int32")
model = keras.Sequential(
    [
        keras.Input((12, 12, 3)),
        layers.Conv2D(8, 3, activation="swish"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, activation="swish"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(2),
    ]
)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
print("RESULT loss", *model.fit(x, y, epochs=3, shuffle=False, verbose=0).history["loss"])


def path(baseline, image, alphas):
    wide = alphas[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return baseline[tf.newaxis] + wide * (image - baseline)[tf.newaxis]


@tf.function
def one_batch(baseline, image, alphas, target):
    steps = path(baseline, image, alphas)
    with tf.GradientTape() as tape:
        tape.watch(steps)
        probabilities = tf.nn.softmax(model(steps), axis=-1)[:, target]
    return tape.gradient(probabilities, steps)


@tf.function
def attributions(baseline, image, target, steps=50, batch_size=16):
    alphas = tf.linspace(0.0, 1.0, steps + 1)
    batches = tf.TensorArray(tf.float32, size=1, dynamic_size=True)
    count = 0
    for start in tf.range(0, steps + 1, batch_size):
        end = tf.minimum(start + batch_size, steps + 1)
        batches = batches.write(
            count, tf.reduce_sum(one_batch(baseline, image, alphas[start:end], target), 0)
        )
        count += 1
    edges = one_batch(baseline, image, alphas[:1], target)[0]
    edges += one_batch(baseline, image, alphas[-1:], target)[0]
    total = tf.reduce_sum(batches.stack(), axis=0) - edges / 2
    return (image - baseline) * total / steps


for name, baseline in (
    ("black", tf.zeros([12, 12, 3])),
    ("noise", tf.random.stateless_uniform([12, 12, 3], [4, 2])),
):
    for n in (0, 5):
        image, target = tf.constant(x[n]), tf.constant(int(y[n]))
        result = attributions(baseline, image, target)
        ends = tf.nn.softmax(model(tf.stack([baseline, image])))[:, int(y[n])]
        mask = tf.reduce_sum(tf.abs(result), axis=-1)
        print("RESULT sum", name, n, float(tf.reduce_sum(result)), float(ends[1] - ends[0]))
        print("RESULT mask", name, n, float(tf.reduce_max(mask)), *mask[::5, ::5].numpy().ravel())
smooth = sum(
    attributions(
        tf.zeros([12, 12, 3]),
        x[0] + tf.random.stateless_normal([12, 12, 3], [n, 1]) * 0.05,
        y[0],
        20,
    )
    for n in range(3)
)
print("RESULT smooth", float(tf.reduce_mean(smooth)), float(tf.reduce_max(smooth)))
