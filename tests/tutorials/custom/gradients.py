"""Gradients of one's own and of higher order: custom_gradient, Jacobians, Hessians, straight-through, checkpointing."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(98)
rng = np.random.default_rng(98)


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)
    return tf.math.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))


@tf.custom_gradient
def clip_gradients(y):
    return y, lambda dy: tf.clip_by_norm(dy, 0.5)


@tf.custom_gradient
def straight_through(x):
    return tf.round(x), lambda dy: dy


@tf.custom_gradient
def reverse(x):
    return tf.identity(x), lambda dy: -2.0 * dy


def slope(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(f(x) ** 2)
    return y, tape.gradient(y, x)


x = tf.constant([-2.3, -0.4, 0.2, 1.7, 3.6])
for name, f in (
    ("log1pexp", log1pexp),
    ("clip", clip_gradients),
    ("round", straight_through),
    ("reverse", reverse),
):
    y, g = slope(f, x)
    print("RESULT", name, float(y), g.numpy())
print(
    "RESULT large",
    log1pexp(tf.constant(20.0)).numpy(),
    slope(log1pexp, tf.constant([20.0]))[1].numpy(),
)

w = tf.constant(rng.normal(size=(5, 3)), tf.float32)
with tf.GradientTape(persistent=True) as tape:
    tape.watch(x)
    y = tf.tanh(tf.linalg.matvec(w, x, transpose_a=True))
print("RESULT jacobian", tape.jacobian(y, x).numpy().ravel())
print("RESULT no pfor", tape.jacobian(y, x, experimental_use_pfor=False).shape)
inputs = tf.constant(rng.normal(size=(4, 5)), tf.float32)
with tf.GradientTape() as tape:
    tape.watch(inputs)
    y = tf.nn.softmax(inputs @ w)
batch = tape.batch_jacobian(y, inputs)
print("RESULT batch jacobian", batch.shape, float(tf.norm(batch)), batch[1, 0].numpy())


@tf.function
def hessian(x):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = tf.reduce_logsumexp(x[:, None] * w) + tf.reduce_sum(tf.sin(x) * x**3)
        g = inner.gradient(y, x)
    return outer.jacobian(g, x)


h = hessian(x)
print(
    "RESULT hessian",
    float(tf.linalg.trace(h)),
    float(tf.reduce_max(tf.abs(h - tf.transpose(h)))) < 1e-5,
    h[0].numpy(),
)


@tf.function
def nth(x, order):
    if order == 0:
        return tf.exp(tf.sin(x))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = nth(x, order - 1)
    return tape.gradient(y, x)


print("RESULT orders", *(float(nth(tf.constant(0.7), order)) for order in range(6)))
with tf.autodiff.ForwardAccumulator(x, tf.constant([1.0, 0, 0, 2, 0])) as forward:
    y = tf.math.softplus(x) * tf.cumsum(x)
print("RESULT forward", forward.jvp(y).numpy())


@tf.recompute_grad
def heavy(x):
    for _ in range(4):
        x = tf.sin(x) * 1.5
    return x


y, g = slope(heavy, x)
print("RESULT recomputed", float(y), g.numpy())
with tf.GradientTape() as tape:
    tape.watch(x)
    a, b = x * 2, tf.stop_gradient(x * x)
    with tape.stop_recording():
        c = x**3
    y = tf.reduce_sum(a * b + c)
print("RESULT stopped", tape.gradient(y, x).numpy())
unconnected = tf.UnconnectedGradients.ZERO
with tf.GradientTape() as tape:
    tape.watch([x, w])
    y = tf.reduce_sum(x)
print("RESULT unconnected", tape.gradient(y, [x, w], unconnected_gradients=unconnected)[1].shape)
params = tf.Variable(rng.normal(size=(6, 2)).astype("float32"))
with tf.GradientTape() as tape:
    y = tf.reduce_sum(tf.gather(params, [0, 3, 3, 5]) ** 2)
g = tape.gradient(y, params)
print("RESULT slices", type(g).__name__, g.indices.numpy(), tf.convert_to_tensor(g).numpy().ravel())


@tf.function
def while_gradient(x, n):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x
        for _ in tf.range(n):
            y = tf.cos(y) + 0.1 * y * y
    return y, tape.gradient(y, x)


for n in (0, 1, 6):
    y, g = while_gradient(tf.constant([0.3, 1.2]), tf.constant(n))
    print("RESULT while", n, y.numpy(), g.numpy())


def implicit(a):
    """The root of z**3 + a z = 1 and its derivative by the implicit function theorem."""

    @tf.custom_gradient
    def root(a):
        z = tf.while_loop(
            lambda z: tf.reduce_any(tf.abs(z**3 + a * z - 1) > 1e-6),
            lambda z: (z - (z**3 + a * z - 1) / (3 * z**2 + a),),
            [tf.ones_like(a)],
        )[0]
        return z, lambda dz: -dz * z / (3 * z**2 + a)

    return root(a)


a = tf.constant([0.5, 1.0, 4.0])
with tf.GradientTape() as tape:
    tape.watch(a)
    z = implicit(a)
print("RESULT implicit", z.numpy(), tape.gradient(z, a).numpy())
