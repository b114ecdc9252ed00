"""Bayes by backprop: layers with weight distributions by reparameterization and KL, and a Laplace approximation by Hessian."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(82)
rng = np.random.default_rng(82)
x = rng.uniform(-1, 1, (170, 2)).astype("float32")
y = (x[:, :1] ** 2 - 0.5 * x[:, 1:] + rng.normal(0, 0.1, (170, 1))).astype("float32")
data = tf.data.Dataset.from_tensor_slices((x, y)).batch(50)


class DenseVariational(tf.keras.layers.Layer):
    def __init__(self, units, kl_weight, activation=None):
        super().__init__()
        self.units, self.kl_weight = units, kl_weight
        self.activation = tf.keras.activations.get(activation)

    def build(self, shape):
        start = tf.keras.initializers.RandomNormal(stddev=0.3, seed=self.units)
        self.mean = self.add_weight(name="mean", shape=(shape[-1], self.units), initializer=start)
        self.rho = self.add_weight(
            name="rho",
            shape=(shape[-1], self.units),
            initializer=tf.keras.initializers.Constant(-3.0),
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
        self.random = tf.random.Generator.from_seed(self.units)

    def call(self, inputs):
        std = tf.math.softplus(self.rho)
        kernel = self.mean + std * self.random.normal(tf.shape(std))
        prior = 0.5
        kl = (
            tf.math.log(prior / std)
            + (tf.square(std) + tf.square(self.mean)) / (2 * prior**2)
            - 0.5
        )
        self.add_loss(self.kl_weight * tf.reduce_sum(kl))
        return self.activation(inputs @ kernel + self.bias)


model = tf.keras.Sequential([DenseVariational(16, 1 / 170, "tanh"), DenseVariational(1, 1 / 170)])
optimizer = tf.keras.optimizers.Adam(2e-2)
model(x[:1])


@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        error = tf.reduce_mean(tf.square(model(x, training=True) - y)) / (2 * 0.1**2)
        kl = tf.add_n(model.losses)
        loss = error + kl
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, error, kl


for epoch in range(6):
    rows = [[float(value) for value in step(*batch)] for batch in data]
    print("RESULT epoch", epoch, *np.mean(rows, 0))
draws = tf.stack([model(x[:4]) for _ in range(15)])
print(
    "RESULT prediction",
    tf.reduce_mean(draws, 0).numpy().ravel(),
    tf.math.reduce_std(draws, 0).numpy().ravel(),
)

labels = tf.constant((x[:, 0] + x[:, 1] > 0.2).astype("float32"))
features = tf.constant(np.concatenate([x, np.ones((170, 1), "float32")], 1))


def negative_log_posterior(w):
    logits = tf.linalg.matvec(features, w)
    return tf.reduce_sum(
        tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)
    ) + 0.05 * tf.reduce_sum(w * w)


@tf.function
def newton(w):
    with tf.GradientTape() as outer:
        outer.watch(w)
        with tf.GradientTape() as inner:
            inner.watch(w)
            value = negative_log_posterior(w)
        gradient = inner.gradient(value, w)
    hessian = outer.jacobian(gradient, w)
    delta = tf.linalg.solve(hessian, gradient[:, None])[:, 0]
    return w - delta, value, hessian


w = tf.zeros([3])
for k in range(6):
    w, value, hessian = newton(w)
    print("RESULT newton", k, float(value))
covariance = tf.linalg.inv(hessian)
print(
    "RESULT laplace",
    w.numpy(),
    tf.linalg.diag_part(covariance).numpy(),
    float(tf.linalg.logdet(hessian)),
)
cholesky = tf.linalg.cholesky(covariance)
samples = w + tf.linalg.matvec(cholesky, tf.random.stateless_normal([200, 3], [1, 2]))
print(
    "RESULT samples",
    tf.reduce_mean(
        tf.sigmoid(tf.linalg.matmul(features[:5], samples, transpose_b=True)), 1
    ).numpy(),
)
