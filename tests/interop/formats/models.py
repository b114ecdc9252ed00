"""The models that go through every format: those that are timed, MobileNetV2, a BERT encoder and a U-Net."""

from collections.abc import Iterator
from typing import Any

import numpy as np

import penstock as tf
from bench import zoo

# Smaller than what is timed: it is values that are looked at.
SIZES = {
    "mlp": {},
    "convolutional": {},
    "residual": {},
    "recurrent": {},
    "transformer": {"length": 16, "blocks": 2, "vocabulary": 500},
    "mobilenet": {"side": 96},
    "bert_base": {"blocks": 2, "vocabulary": 500},
}


def unet(keras: Any) -> tuple[Any, np.ndarray]:
    """Two levels down and up, with what is wider carried across."""
    layers = keras.layers
    inputs = keras.Input((32, 32, 1))
    wide = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    narrow = layers.Conv2D(16, 3, padding="same", activation="swish")(layers.MaxPooling2D()(wide))
    low = layers.Conv2D(16, 3, padding="same", activation="relu")(
        layers.AveragePooling2D(2)(narrow)
    )
    up = layers.Conv2DTranspose(16, 3, strides=2, padding="same")(low)
    up = layers.UpSampling2D(interpolation="bilinear")(layers.Concatenate()([narrow, up]))
    outputs = layers.Conv2D(1, 1, activation="sigmoid")(layers.Concatenate()([wide, up]))
    return keras.Model(inputs, outputs), np.random.default_rng(2).random((2, 32, 32, 1), np.float32)


def models(only: str = "") -> Iterator[tuple[str, Any, np.ndarray]]:
    """Yields (name, model, two inputs); batch norms have statistics as after training.

    Args:
      only: the name of the only one wanted; empty: all.
    """
    keras = tf.keras
    for name, sizes in {**SIZES, "unet": None}.items():
        if only and name != only:
            continue
        keras.utils.set_random_seed(1)
        if sizes is None:
            model, x = unet(keras)
        else:
            model, x, _, _ = zoo.MODELS[name](keras, np.random.default_rng(1), **sizes)
        _settle(model)
        yield name, model, x[:2]


def _settle(model: Any) -> None:
    """Draws what training would have learned of means, variances, scales and offsets."""
    draw = np.random.default_rng(3)
    for layer in model._flatten_layers():
        if type(layer).__name__ == "BatchNormalization":
            for variable in layer.weights:
                variable.assign(draw.uniform(0.5, 1.5, variable.shape))
