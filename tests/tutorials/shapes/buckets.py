"""Sequences sorted into buckets by length, whose last batches are partial, for a masked GRU with Keras's fit."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(203)
rng = np.random.default_rng(203)
lengths = rng.integers(1, 30, 150)
rows = [rng.integers(1, 20, n).astype("int64") for n in lengths]
labels = np.array([float((row > 10).mean() > 0.5) for row in rows], "float32")


def examples():
    yield from zip(rows, labels)


data = tf.data.Dataset.from_generator(
    examples,
    output_signature=(tf.TensorSpec([None], tf.int64), tf.TensorSpec([], tf.float32)),
)


def bucketed(drop):
    return data.bucket_by_sequence_length(
        lambda row, label: tf.size(row),
        bucket_boundaries=[8, 16, 24],
        bucket_batch_sizes=[16, 12, 8, 5],
        pad_to_bucket_boundary=False,
        drop_remainder=drop,
    )


shapes = [tuple(x.shape) for x, _ in bucketed(False)]
print("RESULT batches", len(shapes), sum(s[0] for s in shapes), *[n for s in shapes for n in s])
print("RESULT dropped", sum(x.shape[0] for x, _ in bucketed(True)))
within = data.filter(lambda row, label: tf.size(row) < 24).bucket_by_sequence_length(
    lambda row, label: tf.shape(row)[0], [9, 17, 25], [10] * 4, pad_to_bucket_boundary=True
)
print("RESULT boundaries", *sorted({int(x.shape[1]) for x, _ in within}))

model = keras.Sequential(
    [
        keras.Input((None,), dtype="int64"),
        layers.Embedding(20, 8, mask_zero=True),
        layers.GRU(10, return_sequences=True),
        layers.Bidirectional(layers.GRU(6)),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    keras.optimizers.Nadam(5e-3),
    "binary_crossentropy",
    metrics=["accuracy", keras.metrics.AUC(num_thresholds=50, name="auc")],
)
history = model.fit(bucketed(False), epochs=3, verbose=0).history
for name in ("loss", "accuracy", "auc"):
    print("RESULT", name, *history[name])
print("RESULT evaluate", *model.evaluate(bucketed(True), verbose=0))
print("RESULT predict", float(model.predict(bucketed(False), verbose=0).sum()))

by_size = data.group_by_window(
    key_func=lambda row, label: tf.cast(tf.size(row) // 10, tf.int64),
    reduce_func=lambda key, window: window.padded_batch(
        7, padding_values=(tf.constant(-1, tf.int64), 0.0)
    ),
    window_size_func=lambda key: 7 * (key + 1),
)
for x, y in by_size.take(4):
    print("RESULT window", x.shape, int(tf.reduce_sum(x)), float(tf.reduce_sum(y)))
