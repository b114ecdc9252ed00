"""Energy models: Hopfield memories, a restricted Boltzmann machine by contrastive divergence, Ising spins, a self-organizing map."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(133)
rng = np.random.default_rng(133)
patterns = tf.constant(rng.choice([-1.0, 1.0], (3, 48)), tf.float32)
weights = tf.linalg.set_diag(tf.matmul(patterns, patterns, transpose_a=True) / 48.0, tf.zeros([48]))


@tf.function
def recall(state, rounds):
    energies = tf.TensorArray(tf.float32, size=rounds)
    for k in tf.range(rounds):
        state = tf.sign(tf.linalg.matvec(weights, state) + 1e-6)
        energies = energies.write(
            k, -0.5 * tf.tensordot(state, tf.linalg.matvec(weights, state), 1)
        )
    return state, energies.stack()


damaged = patterns.numpy().copy()
damaged[:, rng.choice(48, 10, replace=False)] *= -1
for k in range(3):
    state, energies = recall(tf.constant(damaged[k]), tf.constant(4))
    print("RESULT hopfield", k, float(tf.reduce_mean(state * patterns[k])), energies.numpy())
modern = tf.matmul(
    tf.nn.softmax(4.0 * tf.matmul(damaged, patterns, transpose_b=True) / np.sqrt(48)), patterns
)
print("RESULT modern", float(tf.reduce_mean(modern * patterns)))

data = (
    rng.random((95, 20))
    < np.where(rng.random((95, 1)) < 0.5, np.linspace(0.1, 0.9, 20), np.linspace(0.9, 0.1, 20))
).astype("float32")
w = tf.Variable(tf.random.stateless_normal([20, 8], [1, 1]) * 0.1)
visible, hidden = tf.Variable(tf.zeros([20])), tf.Variable(tf.zeros([8]))


def draw(probability, seed):
    return tf.cast(
        tf.random.stateless_uniform(tf.shape(probability), seed) < probability, tf.float32
    )


def free_energy(v):
    return -tf.linalg.matvec(v, visible) - tf.reduce_sum(tf.nn.softplus(v @ w + hidden), 1)


@tf.function
def contrast(v, k):
    chain = v
    for i in range(2):
        h = draw(tf.sigmoid(chain @ w + hidden), tf.stack([k, 2 * i]))
        chain = draw(
            tf.sigmoid(tf.matmul(h, w, transpose_b=True) + visible), tf.stack([k, 2 * i + 1])
        )
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(free_energy(v)) - tf.reduce_mean(free_energy(tf.stop_gradient(chain)))
    for variable, gradient in zip((w, visible, hidden), tape.gradient(loss, [w, visible, hidden])):
        variable.assign_sub(0.2 * gradient)
    return loss, tf.reduce_mean(tf.abs(v - chain))


k = 0
for epoch in range(5):
    rows = []
    for start in range(0, 95, 30):
        rows.append(
            [
                float(value)
                for value in contrast(tf.constant(data[start : start + 30]), tf.constant(k))
            ]
        )
        k += 1
    print("RESULT boltzmann", epoch, *np.mean(rows, 0))


@tf.function
def ising(spins, beta, sweeps):
    board = tf.cast((tf.range(12)[:, None] + tf.range(12)[None]) % 2, tf.float32)
    for k in tf.range(sweeps):
        for parity in (0, 1):
            mask = board if parity else 1.0 - board
            near = sum(tf.roll(spins, shift, axis) for axis in (0, 1) for shift in (-1, 1))
            flip = tf.random.stateless_uniform([12, 12], tf.stack([k, parity])) < tf.exp(
                -2.0 * beta * spins * near
            )
            spins = tf.where((mask > 0) & flip, -spins, spins)
    return spins


for beta in (0.2, 0.44, 0.8):
    spins = ising(
        tf.constant(rng.choice([-1.0, 1.0], (12, 12)), tf.float32),
        tf.constant(beta),
        tf.constant(25),
    )
    print(
        "RESULT ising",
        beta,
        float(tf.reduce_mean(spins)),
        float(tf.reduce_mean(spins * tf.roll(spins, 1, 0))),
    )

points = tf.constant(rng.uniform(0, 1, (60, 2)), tf.float32)
grid = tf.cast(tf.stack(tf.meshgrid(tf.range(5), tf.range(5), indexing="ij"), -1), tf.float32)


@tf.function
def organize(nodes, points, rate, width):
    for point in points:
        distance = tf.reduce_sum((nodes - point) ** 2, -1)
        best = tf.argmin(tf.reshape(distance, [-1]), output_type=tf.int32)
        place = tf.cast(tf.stack([best // 5, best % 5]), tf.float32)
        near = tf.exp(-tf.reduce_sum((grid - place) ** 2, -1) / (2.0 * width**2))
        nodes += rate * near[..., None] * (point - nodes)
    return nodes


nodes = tf.fill([5, 5, 2], 0.5) + 0.01 * grid
for epoch in range(4):
    nodes = organize(nodes, points, 0.3 / (1 + epoch), 2.0 / (1 + epoch))
    error = tf.reduce_min(tf.norm(points[:, None, None] - nodes[None], axis=-1), [1, 2])
    print("RESULT map", epoch, float(tf.reduce_mean(error)))

step = tf.Variable(tf.random.stateless_uniform([6, 2], [9, 9], -1, 1))
optimizer = tf.keras.optimizers.SGD(0.02)
for _ in range(25):
    with tf.GradientTape() as tape:
        gaps = tf.norm(step[:, None] - step[None] + 1e-6, axis=-1) + tf.eye(6)
        energy = tf.reduce_sum((1 - tf.eye(6)) / gaps) / 2 + tf.reduce_sum(step**2)
    optimizer.apply_gradients([(tape.gradient(energy, step), step)])
print("RESULT charges", float(energy), float(tf.reduce_mean(tf.norm(step, axis=1))))
