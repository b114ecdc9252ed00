"""A GAN whose critic is held by spectral norms, with hinge losses, two rates, an averaged generator, and an inverse flow beside it."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(351)
rng = np.random.default_rng(351)
angle = rng.uniform(0, 2 * np.pi, 256)
ring = (np.stack([np.cos(angle), np.sin(angle)], 1) * 2 + rng.normal(0, 0.1, (256, 2))).astype(
    "float32"
)
label = (angle // (np.pi / 2)).astype("int32")

make = keras.Sequential(
    [keras.Input((8,)), layers.Dense(16, "relu"), layers.UnitNormalization(), layers.Dense(2)]
)
critic = keras.Sequential(
    [
        keras.Input((6,)),
        layers.SpectralNormalization(layers.Dense(16), power_iterations=2),
        layers.PReLU(),
        layers.SpectralNormalization(layers.Dense(1)),
    ]
)
average = keras.models.clone_model(make)
average.set_weights(make.get_weights())
slow, fast = keras.optimizers.Adam(1e-3, 0.0, 0.9), keras.optimizers.Adam(4e-3, 0.0, 0.9)
generator = tf.random.Generator.from_seed(5, alg="philox")


def noise(labels):
    return tf.concat([generator.normal([tf.size(labels), 4]), tf.one_hot(labels, 4)], 1)


@tf.function(reduce_retracing=True)
def step(points, labels):
    kinds = tf.one_hot(labels, 4)
    for _ in range(2):
        with tf.GradientTape() as tape:
            fake = tf.stop_gradient(make(noise(labels)))
            real = critic(tf.concat([points, kinds], 1), training=True)
            false = critic(tf.concat([fake, kinds], 1), training=True)
            hinge = tf.reduce_mean(tf.nn.relu(1 - real)) + tf.reduce_mean(tf.nn.relu(1 + false))
        fast.apply_gradients(
            zip(tape.gradient(hinge, critic.trainable_variables), critic.trainable_variables)
        )
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(critic(tf.concat([make(noise(labels)), kinds], 1)))
    slow.apply_gradients(
        zip(tape.gradient(loss, make.trainable_variables), make.trainable_variables)
    )
    for a, b in zip(average.variables, make.variables):
        a.assign(0.9 * a + 0.1 * b)
    return hinge, loss


data = tf.data.Dataset.from_tensor_slices((ring, label)).shuffle(256, seed=6).batch(60)
for epoch in range(3):
    values = [float(v) for points, labels in data for v in step(points, labels)]
    print("RESULT epoch", epoch, *values)
drawn = average(noise(tf.constant([0, 1, 2, 3] * 5)))
print(
    "RESULT drawn",
    drawn.shape,
    float(tf.reduce_mean(tf.norm(drawn, axis=1))),
    *drawn[:2].numpy().ravel(),
)
norms = [
    float(tf.linalg.svd(v, compute_uv=False)[0])
    for v in critic.trainable_variables
    if v.shape.rank == 2
]
print("RESULT norms", *norms, len(critic.non_trainable_variables))


class Spline(tf.Module):
    """An invertible map of the line, piecewise linear, with learned widths and heights; planar flows after it."""

    def __init__(self, bins, planes):
        super().__init__()
        draw = np.random.default_rng(3)
        self.widths = tf.Variable(tf.zeros([2, bins]))
        self.heights = tf.Variable(tf.constant(draw.normal(0, 0.1, (2, bins)), tf.float32))
        self.planes = [
            tf.Variable(draw.normal(0, 0.3, (5,)).astype("float32")) for _ in range(planes)
        ]

    def forward(self, x):
        def ends(logits):
            return tf.pad(tf.cumsum(8 * tf.nn.softmax(logits), 1), [[0, 0], [1, 0]]) - 4

        xs, ys = ends(self.widths), ends(self.heights)
        total, out = 0.0, []
        for k in range(2):
            inside = tf.clip_by_value(x[:, k], -3.999, 3.999)
            bin_ = tf.searchsorted(xs[k], inside, side="right") - 1
            x0, x1 = tf.gather(xs[k], bin_), tf.gather(xs[k], bin_ + 1)
            y0, y1 = tf.gather(ys[k], bin_), tf.gather(ys[k], bin_ + 1)
            slope = (y1 - y0) / (x1 - x0)
            out.append(y0 + (inside - x0) * slope)
            total += tf.math.log(slope)
        z = tf.stack(out, 1)
        for plane in self.planes:
            w, u, b = plane[:2], plane[2:4], plane[4]
            dot = tf.tensordot(w, u, 1)
            u += (tf.nn.softplus(dot) - 1 - dot) * w / tf.reduce_sum(w**2)
            h = tf.tanh(tf.linalg.matvec(z, w) + b)
            total += tf.math.log1p((1 - h**2) * tf.tensordot(w, u, 1))
            z += h[:, None] * u
        return z, total


spline = Spline(6, 2)
optimizer = keras.optimizers.Adagrad(0.2)


@tf.function
def fit(points):
    with tf.GradientTape() as tape:
        z, log = spline.forward(points)
        loss = tf.reduce_mean(0.5 * tf.reduce_sum(z**2, 1) - log) + np.log(2 * np.pi)
    optimizer.apply_gradients(
        zip(tape.gradient(loss, spline.trainable_variables), spline.trainable_variables)
    )
    return loss


print("RESULT flow", *[float(fit(ring[k : k + 64])) for k in (0, 64, 128, 192, 0, 64)])
with tf.GradientTape() as tape:
    some = tf.constant(ring[:4])
    tape.watch(some)
    z, log = spline.forward(some)
jacobian = tape.batch_jacobian(z, some)
print(
    "RESULT volume", np.allclose(tf.math.log(tf.linalg.det(jacobian)), log, atol=1e-4), *log.numpy()
)
