"""Fraud among few: initial bias from the odds, class weights, many metrics, focal loss, resampled datasets."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(43)
rng = np.random.default_rng(43)
x = rng.normal(size=(1200, 10)).astype("float32")
y = (x[:, 0] * 1.5 + x[:, 1] ** 2 + rng.normal(0, 0.5, 1200) > 3.5).astype("int32")
positive = int(y.sum())
print("RESULT positive", positive)
METRICS = [
    keras.metrics.TruePositives(name="tp"),
    keras.metrics.FalsePositives(name="fp"),
    keras.metrics.BinaryCrossentropy(name="entropy"),
    keras.metrics.MeanSquaredError(name="brier"),
    keras.metrics.AUC(name="auc"),
    keras.metrics.PrecisionAtRecall(0.8, name="par"),
]


def build(bias=None):
    if bias is not None:
        bias = keras.initializers.Constant(bias)
    return keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid", bias_initializer=bias),
        ]
    )


model = build()
model.compile("adam", keras.losses.BinaryCrossentropy())
careless = model.evaluate(x, y[:, None], batch_size=500, verbose=0)
model = build(np.log([positive / (1200 - positive)]))
model.compile("adam", keras.losses.BinaryCrossentropy(), metrics=METRICS)
print("RESULT initial", careless, *model.evaluate(x, y[:, None], batch_size=500, verbose=0))
weights = {0: 1200 / (2.0 * (1200 - positive)), 1: 1200 / (2.0 * positive)}
history = model.fit(
    x, y[:, None], batch_size=250, epochs=4, class_weight=weights, verbose=0
).history
print("RESULT weighted", *history["loss"])
print("RESULT weighted metrics", *history["entropy"], *history["brier"])

model = build()
focal = keras.losses.BinaryFocalCrossentropy(gamma=2.0, alpha=0.75, apply_class_balancing=True)
model.compile(keras.optimizers.Lion(1e-3), focal)
print(
    "RESULT focal", *model.fit(x, y[:, None], batch_size=250, epochs=3, verbose=0).history["loss"]
)


def by_hand(y_true, y_pred):
    y_true = tf.cast(y_true, tf.float32)
    p = tf.where(y_true == 1, y_pred, 1 - y_pred)
    return -tf.reduce_mean((1 - p) ** 2 * tf.math.log(tf.clip_by_value(p, 1e-7, 1.0)), -1)


model.compile("adam", by_hand)
print(
    "RESULT by hand", *model.fit(x, y[:, None], batch_size=250, epochs=3, verbose=0).history["loss"]
)


def endless(label):
    rows = x[y == label]
    data = tf.data.Dataset.from_tensor_slices((rows, np.full((len(rows), 1), label)))
    return data.shuffle(500, seed=label).repeat()


balanced = tf.data.Dataset.sample_from_datasets(
    [endless(0), endless(1)], weights=[0.5, 0.5], seed=9
)
balanced = balanced.batch(100).prefetch(2)
share = [float(tf.reduce_mean(tf.cast(labels, tf.float32))) for _, labels in balanced.take(4)]
print("RESULT share", *share)
model = build()
model.compile(keras.optimizers.Adam(3e-3), keras.losses.BinaryCrossentropy())
history = model.fit(
    balanced, epochs=3, steps_per_epoch=8, verbose=0, validation_data=(x, y[:, None])
).history
print("RESULT balanced", *history["loss"], *history["val_loss"])
