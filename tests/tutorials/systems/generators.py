"""Data of unknown length, from Python generators, filters and windows, with dropout and optimizers that count."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

rng = np.random.default_rng(0)
x = rng.normal(size=(100, 8)).astype("float32")
y = x.sum(1, keepdims=True)


def rows():
    return zip(x, y)


def batches():
    for at in range(0, 100, 16):
        yield x[at : at + 16], y[at : at + 16]


signature = tf.TensorSpec([8]), tf.TensorSpec([1])
data = tf.data.Dataset.from_generator(rows, output_signature=signature).batch(16)
filtered = tf.data.Dataset.from_tensor_slices((x, y)).filter(lambda a, b: a[0] > -1).batch(16)
ways = {
    "adamw": (keras.optimizers.AdamW(1e-2, weight_decay=0.1), data, {}),
    "averaged": (keras.optimizers.SGD(1e-2, use_ema=True, ema_momentum=0.9), data, {}),
    "accumulated": (keras.optimizers.Adam(1e-2, gradient_accumulation_steps=3), data, {}),
    "nadam": (keras.optimizers.Nadam(1e-2), filtered, {}),
    "scaled": (keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2), 8.0), filtered, {}),
    "executed": (keras.optimizers.RMSprop(1e-2), data, {"steps_per_execution": 3}),
}
for name, (optimizer, train, options) in ways.items():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.GaussianNoise(0.1),
            keras.layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1, kernel_constraint=keras.constraints.MaxNorm(1.0)),
        ]
    )
    model.compile(optimizer, "mse", **options)
    history = model.fit(train, epochs=4, validation_data=data, verbose=0).history
    print("RESULT", name, *history["loss"], *history["val_loss"], int(optimizer.iterations))

keras.utils.set_random_seed(4)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(1e-2), "mae")
print("RESULT steps", *model.fit(batches(), verbose=0).history["loss"])
history = model.fit(data.repeat(), steps_per_epoch=5, epochs=3, verbose=0).history
print("RESULT repeated", *history["loss"], model.evaluate(filtered, verbose=0))
