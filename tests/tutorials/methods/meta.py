"""Meta learning: MAML with second derivatives through inner steps, Reptile, and prototypical networks."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(123)
rng = np.random.default_rng(123)


def task():
    amplitude, phase = rng.uniform(0.5, 2), rng.uniform(0, np.pi)
    x = rng.uniform(-3, 3, (20, 1)).astype("float32")
    y = (amplitude * np.sin(x + phase)).astype("float32")
    return x[:10], y[:10], x[10:], y[10:]


sizes = [(1, 20), (20, 20), (20, 1)]
weights = []
for number, (a, b) in enumerate(sizes):
    weights += [
        tf.Variable(tf.random.stateless_normal([a, b], [number, 1]) / np.sqrt(a)),
        tf.Variable(tf.zeros([b])),
    ]


def forward(weights, x):
    for k in range(0, len(weights), 2):
        x = x @ weights[k] + weights[k + 1]
        if k + 2 < len(weights):
            x = tf.nn.tanh(x)
    return x


def loss_of(weights, x, y):
    return tf.reduce_mean(tf.square(forward(weights, x) - y))


optimizer = tf.keras.optimizers.Adam(1e-2)


@tf.function
def maml(xs, ys, xq, yq):
    with tf.GradientTape() as outer:
        losses = []
        for k in range(3):
            fast = [tf.identity(w) for w in weights]
            for _ in range(2):
                with tf.GradientTape() as inner:
                    inner.watch(fast)
                    loss = loss_of(fast, xs[k], ys[k])
                fast = [w - 0.05 * g for w, g in zip(fast, inner.gradient(loss, fast))]
            losses.append(loss_of(fast, xq[k], yq[k]))
        total = tf.add_n(losses) / 3.0
    gradients = outer.gradient(total, weights)
    optimizer.apply_gradients(zip(gradients, weights))
    return total, tf.linalg.global_norm(gradients)


for k in range(6):
    batch = [np.stack(part) for part in zip(*(task() for _ in range(3)))]
    print("RESULT maml", k, *(float(value) for value in maml(*map(tf.constant, batch))))

model = tf.keras.Sequential(
    [tf.keras.Input((1,)), tf.keras.layers.Dense(20, "tanh"), tf.keras.layers.Dense(1)]
)
model.compile(tf.keras.optimizers.SGD(0.05), "mse")
for k in range(4):
    old = model.get_weights()
    xs, ys, xq, yq = task()
    losses = [float(model.train_on_batch(xs, ys)) for _ in range(3)]
    model.set_weights([a + 0.3 * (b - a) for a, b in zip(old, model.get_weights())])
    print("RESULT reptile", k, *losses, float(model.test_on_batch(xq, yq)))

centres = rng.normal(size=(8, 12)).astype("float32")
embed = tf.keras.Sequential(
    [tf.keras.Input((12,)), tf.keras.layers.Dense(16, "relu"), tf.keras.layers.Dense(6)]
)
adam = tf.keras.optimizers.Adam(5e-3)


@tf.function
def prototypical(support, query):
    ways, shots = support.shape[0], support.shape[1]
    with tf.GradientTape() as tape:
        prototypes = tf.reduce_mean(
            tf.reshape(embed(tf.reshape(support, [-1, 12])), [ways, shots, -1]), 1
        )
        flat = embed(tf.reshape(query, [-1, 12]))
        distances = tf.reduce_sum((flat[:, None] - prototypes[None]) ** 2, -1)
        labels = tf.repeat(tf.range(ways), query.shape[1])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, -distances))
        hits = tf.reduce_mean(tf.cast(tf.argmin(distances, 1, tf.int32) == labels, tf.float32))
    adam.apply_gradients(
        zip(tape.gradient(loss, embed.trainable_variables), embed.trainable_variables)
    )
    return loss, hits


for k in range(6):
    chosen = centres[rng.choice(8, 4, replace=False)]
    draws = chosen[:, None] + rng.normal(0, 0.8, (4, 8, 12)).astype("float32")
    print(
        "RESULT prototypes",
        k,
        float(prototypical(tf.constant(draws[:, :5]), tf.constant(draws[:, 5:]))[0]),
    )
