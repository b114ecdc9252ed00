"""The Keras models that are timed, each with its data: `MODELS[name](keras, random) -> model, x, y, batch size`."""

import numpy as np


def mlp(keras, random):
    """Two hidden layers of 512 on flat digits."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, random.random((12800, 784), np.float32), random.integers(0, 10, 12800), 128


def convolutional(keras, random):
    """Two convolutions with pooling on digits."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, random.random((6400, 28, 28, 1), np.float32), random.integers(0, 10, 6400), 128


def residual(keras, random):
    """A residual network of 20 layers on images of 32 x 32."""
    layers = keras.layers

    def normalised(x, filters, strides=1):
        x = layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(normalised(inputs, 16))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters > 16 and block == 0 else 1
            y = normalised(layers.ReLU()(normalised(x, filters, strides)), filters)
            if x.shape[-1] != filters:
                x = layers.Conv2D(filters, 1, strides, use_bias=False)(x)
            x = layers.ReLU()(layers.Add()([x, y]))
    model = keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model, random.random((1280, 32, 32, 3), np.float32), random.integers(0, 10, 1280), 64


def recurrent(keras, random):
    """An LSTM of 128 units over 80 tokens."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((80,), dtype="int32"),
            layers.Embedding(10000, 128),
            layers.LSTM(128),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    tokens = random.integers(0, 10000, (1280, 80)).astype("int32")
    return model, tokens, random.integers(0, 2, 1280), 32


def transformer(keras, random):
    """Four causal blocks of width 256 over 128 tokens."""
    layers = keras.layers
    inputs = keras.Input((128,), dtype="int32")
    x = layers.Embedding(8000, 256)(inputs)
    for _ in range(4):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 64)(y, y, use_causal_mask=True)
        y = layers.Dense(1024, activation="gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dense(256)(y)
    model = keras.Model(inputs, layers.Dense(8000)(layers.LayerNormalization()(x)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    tokens = random.integers(0, 8000, (160, 129)).astype("int32")
    return model, tokens[:, :-1], tokens[:, 1:], 16


MODELS = {
    "mlp": mlp,
    "convolutional": convolutional,
    "residual": residual,
    "recurrent": recurrent,
    "transformer": transformer,
}
