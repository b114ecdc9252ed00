"""Adversarial examples by the sign of the gradient, in one step and by projection, and training on them."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(28)
rng = np.random.default_rng(28)
x = rng.random((96, 10, 10, 1)).astype("float32")
y = (x[:, :, :5].sum((1, 2, 3)) > x[:, :, 5:].sum((1, 2, 3))).astype("int32")
entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network():
    return keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Rescaling(2.0, -1.0),
            layers.Conv2D(8, 3, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def gradient(model, images, labels):
    with tf.GradientTape() as tape:
        tape.watch(images)
        loss = entropy(labels, model(images, training=False))
    return tape.gradient(loss, images)


@tf.function
def signed(model, images, labels, size):
    return tf.clip_by_value(images + size * tf.sign(gradient(model, images, labels)), 0, 1)


@tf.function
def projected(model, images, labels, size, rate, steps):
    moved = images + tf.random.stateless_uniform(tf.shape(images), [1, 2], -size, size)
    for _ in tf.range(steps):
        flat = tf.reshape(gradient(model, moved, labels), [tf.shape(images)[0], -1])
        flat = tf.math.divide_no_nan(flat, tf.norm(flat, axis=1, keepdims=True))
        change = tf.clip_by_norm(
            moved - images + rate * tf.reshape(flat, tf.shape(images)), size, axes=[1, 2, 3]
        )
        moved = tf.clip_by_value(images + change, 0.0, 1.0)
    return moved


model = network()
model.compile(keras.optimizers.Adam(3e-3), entropy, metrics=["accuracy"])
print("RESULT loss", *model.fit(x, y, epochs=4, shuffle=False, verbose=0).history["loss"])
images, labels = tf.constant(x), tf.constant(y)
for size in (0.0, 0.01, 0.1):
    print("RESULT signed", size, float(entropy(labels, model(signed(model, images, labels, size)))))
for steps in (1, 5):
    moved = projected(model, images, labels, 0.5, 0.2, steps)
    norms = tf.norm(tf.reshape(moved - images, [96, -1]), axis=1)
    print(
        "RESULT projected", steps, float(entropy(labels, model(moved))), float(tf.reduce_max(norms))
    )

robust, optimizer = network(), keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True)


@tf.function
def step(images, labels):
    wrong = signed(robust, images, labels, 0.05)
    with tf.GradientTape() as tape:
        clean = entropy(labels, robust(images, training=True))
        loss = clean + 0.3 * entropy(labels, robust(wrong, training=True))
    variables = robust.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return clean, loss


for start in range(0, 96, 24):
    clean, loss = step(images[start : start + 24], labels[start : start + 24])
    print("RESULT step", float(clean), float(loss))
attacked = signed(robust, images, labels, 0.05)
print("RESULT robust", float(entropy(labels, robust(attacked))))
