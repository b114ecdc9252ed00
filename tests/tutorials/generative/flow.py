"""A normalizing flow of affine couplings (real NVP) on two moons, with log determinants, and its inverse."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers, regularizers

keras.utils.set_random_seed(66)
rng = np.random.default_rng(66)
angle = rng.uniform(0, np.pi, 330)
upper = rng.random(330) < 0.5
x = np.where(
    upper[:, None],
    np.stack([np.cos(angle), np.sin(angle)], 1),
    np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1),
)
x = (x + rng.normal(0, 0.05, x.shape)).astype("float32")
norm = layers.Normalization()
norm.adapt(x)
x = norm(x)


def coupling():
    inputs = keras.Input((2,))
    outputs = []
    for last in ("tanh", "linear"):
        h = inputs
        for _ in range(2):
            h = layers.Dense(32, activation="relu", kernel_regularizer=regularizers.l2(0.01))(h)
        outputs.append(
            layers.Dense(2, activation=last, kernel_regularizer=regularizers.l2(0.01))(h)
        )
    return keras.Model(inputs, outputs)


class RealNVP(keras.Model):
    def __init__(self, count):
        super().__init__()
        self.count = count
        self.masks = np.array([[0, 1], [1, 0]] * (count // 2), dtype="float32")
        self.tracker = keras.metrics.Mean(name="loss")
        self.parts = [coupling() for _ in range(count)]

    @property
    def metrics(self):
        return [self.tracker]

    def call(self, x, training=True):
        log_det, direction = 0, -1 if training else 1
        for k in range(self.count)[::direction]:
            masked = x * self.masks[k]
            reverse = 1 - self.masks[k]
            s, t = self.parts[k](masked)
            s, t = s * reverse, t * reverse
            gate = (direction - 1) / 2
            x = reverse * (x * tf.exp(direction * s) + direction * t * tf.exp(gate * s)) + masked
            log_det += gate * tf.reduce_sum(s, axis=1)
        return x, log_det

    def log_loss(self, data):
        y, logdet = self(data)
        log_prob = -0.5 * tf.reduce_sum(y**2, 1) - np.log(2 * np.pi)
        return -tf.reduce_mean(log_prob + logdet)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = self.log_loss(data)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

    def test_step(self, data):
        self.tracker.update_state(self.log_loss(data))
        return {"loss": self.tracker.result()}


model = RealNVP(4)
model.compile(optimizer=keras.optimizers.Adam(5e-3))
history = model.fit(x, batch_size=128, epochs=5, verbose=0, validation_split=0.2).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
z, log_det = model(x)
print(
    "RESULT z",
    tf.reduce_mean(z, 0).numpy(),
    tf.math.reduce_std(z, 0).numpy(),
    float(tf.reduce_mean(log_det)),
)
samples, _ = model(tf.random.stateless_normal([6, 2], [3, 1]), training=False)
print("RESULT samples", samples.numpy().ravel())
back, _ = model(z, training=False)
print("RESULT inverse", bool(tf.reduce_max(tf.abs(back - x)) < 1e-3))
