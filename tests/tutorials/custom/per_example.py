"""Gradients of each example: vectorized_map, jacobians and clipped noisy sums, recompute_grad, and a spectral norm by power iteration."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(301)
rng = np.random.default_rng(301)
x = rng.normal(size=(64, 6)).astype("float32")
y = (x[:, 0] - x[:, 1] ** 2 > 0).astype("float32")
glorot = tf.keras.initializers.GlorotNormal(seed=2)
weights = [tf.Variable(glorot([6, 8])), tf.Variable(tf.zeros([8])), tf.Variable(glorot([8, 1]))]


def logits_of(x):
    return tf.squeeze(tf.tanh(x @ weights[0] + weights[1]) @ weights[2], -1)


def loss_of_one(x, y):
    return tf.nn.sigmoid_cross_entropy_with_logits(y, logits_of(x[None])[0])


@tf.function
def one_by_one(x, y):
    """The gradient of each example's loss, by vectorized_map."""

    def gradient(pair):
        with tf.GradientTape() as tape:
            loss = loss_of_one(*pair)
        return tape.gradient(loss, weights)

    return tf.vectorized_map(gradient, (x, y))


@tf.function
def by_jacobian(x, y, pfor):
    with tf.GradientTape() as tape:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(y, logits_of(x))
    return tape.jacobian(losses, weights, experimental_use_pfor=pfor)


single, whole = one_by_one(x[:9], y[:9]), by_jacobian(x[:9], y[:9], True)
slow = by_jacobian(x[:9], y[:9], False)
for a, b, c in zip(single, whole, slow):
    print(
        "RESULT shapes",
        a.shape,
        np.allclose(a, b, atol=1e-6),
        np.allclose(a, c, atol=1e-6),
        float(tf.norm(a)),
    )


@tf.function(reduce_retracing=True)
def private_step(x, y, bound, seed):
    """Each gradient is clipped, noise goes onto their sum."""
    gradients = one_by_one(x, y)
    squares = [tf.reduce_sum(tf.reshape(g, [tf.shape(g)[0], -1]) ** 2, 1) for g in gradients]
    norms = tf.sqrt(tf.add_n(squares))
    factor = tf.minimum(1.0, bound / norms)
    for k, (w, g) in enumerate(zip(weights, gradients)):
        total = tf.einsum("n,n...->...", factor, g)
        noise = tf.random.stateless_normal(tf.shape(total), seed + k, stddev=0.1 * bound)
        w.assign_sub(0.3 * (total + noise) / tf.cast(tf.shape(x)[0], tf.float32))
    return tf.reduce_mean(norms), tf.math.count_nonzero(factor < 1)


for k, size in enumerate([16, 12, 20, 16]):
    rows = slice(12 * k, 12 * k + size)
    norm, clipped = private_step(x[rows], y[rows], tf.constant(0.4), tf.constant([k, 7]))
    print("RESULT private", size, float(norm), int(clipped), float(tf.linalg.global_norm(weights)))

# Fisher information, influence and curvature.
per_example = tf.concat([tf.reshape(g, [64, -1]) for g in one_by_one(x, y)], 1)
fisher = tf.matmul(per_example, per_example, transpose_a=True) / 64
damped = fisher + 0.05 * tf.eye(fisher.shape[0])
solved = tf.linalg.cholesky_solve(tf.linalg.cholesky(damped), tf.transpose(per_example[:3]))
influence = tf.matmul(per_example[:5], solved)
print("RESULT fisher", float(tf.linalg.trace(fisher)), float(tf.linalg.logdet(damped)))
print("RESULT influence", *tf.linalg.diag_part(influence).numpy(), float(influence[4, 0]))
with tf.GradientTape() as outer:
    with tf.GradientTape() as inner:
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, logits_of(x)))
    slopes = inner.gradient(loss, weights[2])
hessian = outer.jacobian(slopes, weights[2])
print(
    "RESULT hessian", hessian.shape, *tf.linalg.eigvalsh(tf.reshape(hessian, [8, 8])).numpy()[-3:]
)
direction = tf.ones_like(weights[0])
with tf.autodiff.ForwardAccumulator(weights[0], direction) as accumulator:
    losses = tf.nn.sigmoid_cross_entropy_with_logits(y, logits_of(x))
print("RESULT forward", *accumulator.jvp(losses).numpy()[:4])

deep = [tf.Variable(0.6 * glorot([6, 6])) for _ in range(4)]


@tf.recompute_grad
def heavy(h, *kernels):
    for kernel in kernels:
        h = tf.tanh(h @ kernel) + h
    return h


@tf.function
def checkpointed(x):
    with tf.GradientTape() as tape:
        h = heavy(x, *deep[:2])
        loss = tf.reduce_mean(heavy(h, *deep[2:]) ** 2)
    return loss, tape.gradient(loss, deep)


loss, gradients = checkpointed(x)
with tf.GradientTape() as tape:
    h = x
    for kernel in deep:
        h = tf.tanh(h @ kernel) + h
    plain = tf.reduce_mean(h**2)
same = [np.allclose(a, b, rtol=1e-4) for a, b in zip(gradients, tape.gradient(plain, deep))]
print("RESULT recomputed", float(loss), float(plain), same)


@tf.function(input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([], tf.int32)])
def spectral_norm(w, steps):
    u = tf.ones([tf.shape(w)[0]])
    v = tf.zeros([tf.shape(w)[1]])
    for _ in tf.range(steps):
        v = tf.math.l2_normalize(tf.linalg.matvec(w, u, transpose_a=True))
        u = tf.math.l2_normalize(tf.linalg.matvec(w, v))
    u, v = tf.stop_gradient(u), tf.stop_gradient(v)
    return tf.reduce_sum(u * tf.linalg.matvec(w, v))


for rows, columns in ((3, 5), (5, 3), (4, 4), (7, 2)):
    w = tf.constant(rng.normal(size=(rows, columns)).astype("float32"))
    with tf.GradientTape() as tape:
        tape.watch(w)
        norm = spectral_norm(w, tf.constant(30))
    exact = tf.linalg.svd(w, compute_uv=False)[0]
    g = tape.gradient(norm, w)
    print(
        "RESULT spectral",
        float(norm),
        abs(float(norm - exact)) < 1e-3,
        float(tf.norm(g)),
        *g.numpy()[0],
    )
