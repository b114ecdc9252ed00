"""A small BERT: masked words are predicted by a transformer encoder; loss and metrics in a custom train_step."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(17)
rng = np.random.default_rng(17)
WORDS, LENGTH, WIDTH, MASK = 30, 16, 24, 29
start = rng.integers(1, 28, (260, 1))
tokens = (start + np.arange(LENGTH) * rng.integers(1, 3, (260, 1)) - 1) % 28 + 1


def hide(encoded):
    hidden = rng.random(encoded.shape) < 0.15
    targets = np.where(hidden, encoded, -1)
    inputs = encoded.copy()
    inputs[hidden & (rng.random(encoded.shape) < 0.9)] = MASK
    return inputs, np.copy(encoded), (targets != -1).astype("float32")


data = tf.data.Dataset.from_tensor_slices(hide(tokens)).shuffle(260, seed=1).batch(40)


def encoder_block(h, index):
    attention = layers.MultiHeadAttention(2, WIDTH // 2, name=f"attention{index}")(h, h, h)
    h = layers.LayerNormalization(epsilon=1e-6)(h + layers.Dropout(0.1)(attention))
    dense = keras.Sequential([layers.Dense(48, activation="gelu"), layers.Dense(WIDTH)])(h)
    return layers.LayerNormalization(epsilon=1e-6)(h + layers.Dropout(0.1)(dense))


def positions():
    k, j = np.meshgrid(np.arange(LENGTH), np.arange(WIDTH), indexing="ij")
    angle = k / 10000 ** (2 * (j // 2) / WIDTH)
    return np.where(j % 2, np.cos(angle), np.sin(angle)).astype("float32")


entropy = keras.losses.SparseCategoricalCrossentropy(reduction=None)


class MaskedModel(keras.Model):
    def train_step(self, inputs):
        features, labels, weight = inputs
        with tf.GradientTape() as tape:
            predictions = self(features, training=True)
            loss = entropy(labels, predictions, sample_weight=weight)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        loss_tracker.update_state(loss, sample_weight=weight)
        hits.update_state(labels, predictions, sample_weight=weight)
        return {"loss": loss_tracker.result(), "hits": hits.result()}

    @property
    def metrics(self):
        return [loss_tracker, hits]


loss_tracker = keras.metrics.Mean(name="loss")
hits = keras.metrics.SparseCategoricalAccuracy(name="hits")
inputs = layers.Input((LENGTH,), dtype="int64")
h = layers.Embedding(WORDS, WIDTH)(inputs) + positions()
for index in range(2):
    h = encoder_block(h, index)
model = MaskedModel(inputs, layers.Dense(WORDS, activation="softmax")(h))
model.compile(optimizer=keras.optimizers.Adam(3e-3))
history = model.fit(data, epochs=4, verbose=0).history
print("RESULT loss", *history["loss"])
sample = tokens[:3].copy()
sample[:, 5] = MASK
best = tf.math.top_k(model.predict(sample, verbose=0)[:, 5], k=3)
print("RESULT top", best.values.numpy().ravel())
