"""Keras's fit over a dataset and over arrays."""

import numpy as np

from bench.data.cases import case

COUNT = 8192


def _model(tf):
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            tf.keras.Input([64]),
            layers.Dense(256, activation="relu"),
            layers.Dense(256, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    return model


def _arrays():
    random = np.random.default_rng(6)
    return random.random((COUNT, 64), np.float32), random.integers(0, 10, COUNT)


@case(keras=True)
def fit_arrays(tf, files):
    """An epoch over arrays."""
    model, (x, y) = _model(tf), _arrays()

    def epoch():
        model.fit(x, y, batch_size=64, verbose=0)
        return COUNT

    return epoch


@case(keras=True)
def fit_dataset(tf, files):
    """An epoch over a dataset of the same arrays: shuffle, batch, prefetch."""
    model, rows = _model(tf), _arrays()
    dataset = tf.data.Dataset.from_tensor_slices(rows).shuffle(COUNT).batch(64)
    dataset = dataset.prefetch(tf.data.AUTOTUNE)

    def epoch():
        model.fit(dataset, verbose=0)
        return COUNT

    return epoch
