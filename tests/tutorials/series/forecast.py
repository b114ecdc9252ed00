"""Several forecasts of one made weather record: linear, dense, convolution and LSTM by windows of a dataset."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(31)
rng = np.random.default_rng(31)
hours = np.arange(900)
table = np.stack(
    [
        10 * np.sin(2 * np.pi * hours / 24) + rng.normal(0, 1, 900),
        np.cos(2 * np.pi * hours / 24),
        rng.normal(1000, 8, 900),
    ],
    1,
)
train, valid = table[:700], table[700:]
mean, deviation = train.mean(0), train.std(0)
train, valid = (train - mean) / deviation, (valid - mean) / deviation
WIDTH, AHEAD = 24, 6


def windows(table, shuffle):
    data = keras.utils.timeseries_dataset_from_array(
        table.astype("float32"),
        targets=None,
        sequence_length=WIDTH + AHEAD,
        shuffle=shuffle,
        seed=3,
        batch_size=48,
    )

    def split(features):
        inputs, labels = features[:, :WIDTH], features[:, WIDTH:, :1]
        inputs.set_shape([None, WIDTH, None])
        labels.set_shape([None, AHEAD, None])
        return inputs, labels

    return data.map(split)


models = {
    "linear": [
        layers.Lambda(lambda x: x[:, -1:, :]),
        layers.Dense(AHEAD, kernel_initializer="zeros"),
        layers.Reshape([AHEAD, 1]),
    ],
    "dense": [
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dense(AHEAD),
        layers.Reshape([AHEAD, 1]),
    ],
    "conv": [
        layers.Lambda(lambda x: x[:, -8:, :]),
        layers.Conv1D(24, kernel_size=8, activation="relu"),
        layers.Dense(AHEAD),
        layers.Reshape([AHEAD, 1]),
    ],
    "lstm": [
        layers.LSTM(16),
        layers.Dense(AHEAD, kernel_initializer=tf.initializers.zeros()),
        layers.Reshape([AHEAD, 1]),
    ],
}
for name, stack in models.items():
    model = keras.Sequential(stack)
    model.compile(
        loss=keras.losses.MeanSquaredError(), optimizer=keras.optimizers.Adam(5e-3), metrics=["mae"]
    )
    history = model.fit(
        windows(train, True), epochs=3, validation_data=windows(valid, False), verbose=0
    ).history
    print("RESULT", name, *history["loss"], *history["val_loss"])
    prediction = model.predict(windows(valid, False).take(1), verbose=0)
    print("RESULT prediction", name, prediction.shape, prediction[0, :, 0])
