"""Series classified by attention over time and by a fully convolutional network, with callbacks."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(34)
rng = np.random.default_rng(34)
y = rng.integers(0, 2, 250)
t = np.arange(60)
phase = rng.uniform(0, 6, (250, 1))
x = np.sin(t * (0.2 + 0.1 * y[:, None]) + phase) + rng.normal(0, 0.3, (250, 60))
x = x[..., None].astype("float32")
order = rng.permutation(250)
x, y = x[order], y[order]


def encoder(inputs):
    h = layers.MultiHeadAttention(key_dim=8, num_heads=2, dropout=0.1)(inputs, inputs)
    h = layers.Dropout(0.1)(h)
    h = layers.LayerNormalization(epsilon=1e-6)(h)
    residual = h + inputs
    h = layers.Conv1D(filters=4, kernel_size=1, activation="relu")(residual)
    h = layers.Conv1D(filters=inputs.shape[-1], kernel_size=1)(layers.Dropout(0.1)(h))
    return layers.LayerNormalization(epsilon=1e-6)(h) + residual


def attention_model():
    inputs = keras.Input((60, 1))
    h = layers.Conv1D(8, 3, strides=2, padding="same")(inputs)
    for _ in range(2):
        h = encoder(h)
    h = layers.GlobalAveragePooling1D(data_format="channels_last")(h)
    h = layers.Dropout(0.2)(layers.Dense(16, activation="relu")(h))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(h))


def convolutional_model():
    inputs = h = keras.Input((60, 1))
    for _ in range(3):
        h = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(16, 3, padding="same")(h)))
    return keras.Model(
        inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(h))
    )


for name, build in (("attention", attention_model), ("convolution", convolutional_model)):
    model = build()
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"]
    )
    callbacks = [
        keras.callbacks.ModelCheckpoint(f"{name}.keras", save_best_only=True, monitor="val_loss"),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_lr=1e-4),
        keras.callbacks.CSVLogger(f"{name}.csv"),
    ]
    history = model.fit(
        x, y, batch_size=32, epochs=4, callbacks=callbacks, validation_split=0.2, verbose=0
    ).history
    print("RESULT loss", name, *history["loss"])
    print("RESULT val_loss", name, *history["val_loss"])
    best = keras.models.load_model(f"{name}.keras")
    print(
        "RESULT best",
        name,
        best.evaluate(x[200:], y[200:], verbose=0)[0],
        best.predict(x[:3], verbose=0).ravel(),
    )
    print("RESULT lines", name, len(open(f"{name}.csv").readlines()))
