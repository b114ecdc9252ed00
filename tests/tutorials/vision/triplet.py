"""Triplets by a custom model whose train_step computes the distances of anchor, positive and negative."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers, metrics

keras.utils.set_random_seed(5)
rng = np.random.default_rng(5)
centres = rng.normal(size=(6, 12, 12, 3))


def triplet(_):
    same, other = rng.choice(6, 2, replace=False)
    noise = rng.normal(0, 1.0, (3, 12, 12, 3))
    return np.stack([centres[same], centres[same], centres[other]]) + noise


triplets = np.stack([triplet(k) for k in range(150)]).astype("float32")
parts = tuple(triplets[:, k] for k in range(3))
data = tf.data.Dataset.zip(tuple(tf.data.Dataset.from_tensor_slices(part) for part in parts))
train, valid = data.take(120).batch(32), data.skip(120).batch(32)

embedding = keras.Sequential(
    [
        keras.Input((12, 12, 3)),
        layers.Conv2D(8, 3, strides=2, activation="relu"),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.BatchNormalization(),
        layers.Dense(8),
    ]
)


class Distance(layers.Layer):
    def call(self, anchor, positive, negative):
        near = tf.reduce_sum(tf.square(anchor - positive), -1)
        far = tf.reduce_sum(tf.square(anchor - negative), -1)
        return near, far


inputs = [keras.Input((12, 12, 3), name=name) for name in ("anchor", "positive", "negative")]
network = keras.Model(inputs, Distance()(*(embedding(image) for image in inputs)))


class Siamese(keras.Model):
    def __init__(self, network, margin=0.5):
        super().__init__()
        self.network = network
        self.margin = margin
        self.tracker = metrics.Mean(name="loss")

    def call(self, inputs):
        return self.network(inputs)

    def loss_of(self, data):
        near, far = self.network(data)
        return tf.maximum(near - far + self.margin, 0.0)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = self.loss_of(data)
        gradients = tape.gradient(loss, self.network.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.network.trainable_weights))
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

    def test_step(self, data):
        self.tracker.update_state(self.loss_of(data))
        return {"loss": self.tracker.result()}

    @property
    def metrics(self):
        return [self.tracker]


model = Siamese(network)
model.compile(optimizer=keras.optimizers.Adam(1e-3))
history = model.fit(train, epochs=4, validation_data=valid, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
cosine = metrics.CosineSimilarity()
a, p, n = (embedding(part[:20]) for part in parts)
positive = cosine(a, p).numpy()
cosine.reset_state()
print("RESULT similarity", positive, cosine(a, n).numpy())
