"""Monte Carlo dropout, deep ensembles, and calibration by temperature."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(81)
rng = np.random.default_rng(81)
x = rng.uniform(-3, 3, (210, 1)).astype("float32")
y = (np.sin(x) + rng.normal(0, 0.1, x.shape)).astype("float32")


class AlwaysDropout(layers.Dropout):
    def call(self, inputs):
        return super().call(inputs, training=True)


inputs = keras.Input((1,))
h = layers.Dense(32, activation="relu")(inputs)
h = AlwaysDropout(0.2, seed=1)(h)
h = layers.Dense(32, activation="relu")(h)
h = AlwaysDropout(0.2, seed=2)(h)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile(keras.optimizers.Adam(1e-2), "mse")
print("RESULT loss", *model.fit(x, y, batch_size=64, epochs=5, verbose=0).history["loss"])
points = np.linspace(-4, 4, 9, dtype="float32")[:, None]
samples = np.stack([model(points) for _ in range(20)])
print("RESULT mean", samples.mean(0).ravel())
print("RESULT spread", samples.std(0).ravel())
noise = layers.GaussianNoise(0.5, seed=3)(tf.ones([400, 2]), training=True)
dropped = layers.GaussianDropout(0.3, seed=4)(tf.ones([400, 2]), training=True)
alpha = layers.AlphaDropout(0.2, seed=5)(tf.ones([400, 2]), training=True)
spatial = layers.SpatialDropout1D(0.5, seed=6)(tf.ones([3, 4, 6]), training=True)
for name, value in (
    ("noise", noise),
    ("gaussian", dropped),
    ("alpha", alpha),
    ("spatial", spatial),
):
    print("RESULT", name, float(tf.reduce_mean(value)), float(tf.math.reduce_std(value)))

members = []
for seed in range(3):
    keras.utils.set_random_seed(seed)
    member = keras.Sequential(
        [keras.Input((1,)), layers.Dense(24, activation="tanh"), layers.Dense(2)]
    )

    def likelihood(y_true, y_pred):
        mean, raw = y_pred[:, :1], y_pred[:, 1:]
        variance = tf.nn.softplus(raw) + 1e-4
        return tf.reduce_mean(
            0.5 * tf.math.log(variance) + 0.5 * tf.square(y_true - mean) / variance
        )

    member.compile(keras.optimizers.Adam(2e-2), likelihood)
    history = member.fit(x, y, batch_size=50, epochs=4, verbose=0).history
    print("RESULT member", seed, *history["loss"])
    members.append(member.predict(points, verbose=0))
means, variances = np.stack(members)[..., 0], np.log1p(np.exp(np.stack(members)[..., 1]))
print("RESULT ensemble", means.mean(0), (variances + means**2).mean(0) - means.mean(0) ** 2)

logits = tf.constant(rng.normal(0, 4, (300, 3)), tf.float32)
labels = tf.constant(tf.random.stateless_categorical(logits / 2.5, 1, seed=[1, 2])[:, 0])
temperature = tf.Variable(1.0)
optimizer = tf.keras.optimizers.SGD(0.5)
for _k in range(30):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits / temperature)
        )
    optimizer.apply_gradients([(tape.gradient(loss, temperature), temperature)])
print("RESULT temperature", float(temperature), float(loss))
