"""A network of int8 numbers: the digits' convolutional network, quantised by what its activations were for some images."""

from pathlib import Path

import keras
import numpy as np

import penstock as tf

DATA = Path(__file__).resolve().parents[2] / "examples" / "data" / "mnist_10k.npz"


def digits():
    """Images [10000, 28, 28, 1] from 0 to 1, and labels."""
    with np.load(DATA) as held:
        return held["images"].astype("float32")[..., None] / 255.0, held["labels"].astype("int32")


def trained(images, labels):
    """The network of examples/demo.py without its normalizations, trained a little."""
    layers = keras.layers
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(2e-3), loss)
    model.fit(images, labels, batch_size=64, epochs=1, verbose=0)
    return model


def quantised(model, images):
    """A function from int8 images (-127 is white) to scores, with int8 weights for each output and int8 activations."""
    steps, x, scale = [], tf.constant(images), 1 / 127.0
    for layer in model.layers:
        x = layer(x)
        if not layer.weights:
            steps.append(layer)
            continue
        kernel, bias = (w.numpy() for w in layer.weights)
        own = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(0) / 127.0
        after = float(np.abs(x.numpy()).max()) / 127.0
        whole = tf.Variable(np.clip(np.rint(kernel / own), -127, 127).astype(np.int8))
        steps.append((layer, whole, (scale * own).astype(np.float32), bias, np.float32(after)))
        scale = after

    def function(image):
        x = image
        for number, step in enumerate(steps):
            if not isinstance(step, tuple):
                x = (
                    tf.nn.max_pool2d(x, 2, 2, "VALID")
                    if "pool" in step.name
                    else tf.reshape(x, [x.shape[0], -1])
                )
                continue
            layer, kernel, scales, bias, after = step
            wide, weights = tf.cast(x, tf.int32), tf.cast(kernel, tf.int32)
            if len(kernel.shape) == 4:
                x = tf.nn.conv2d(wide, weights, 1, layer.padding.upper())
            else:
                x = wide @ weights
            x = tf.cast(x, tf.float32) * scales + bias
            if number < len(steps) - 1:
                x = tf.cast(tf.minimum(tf.round(tf.nn.relu(x) / after), 127.0), tf.int8)
        return {"scores": x}

    return function


def as_int8(images):
    """Images from 0 to 1 as the network takes them."""
    return np.rint(images * 127.0).astype(np.int8)
