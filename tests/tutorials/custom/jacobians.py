"""Advanced automatic differentiation: jacobians, batch jacobians, hessians, hvp, custom gradients, forward accumulators, gradient of while and cond."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(1)
x = tf.random.stateless_normal([7, 5], [1, 2])
l1 = tf.keras.layers.Dense(
    8, activation="elu", kernel_initializer=tf.keras.initializers.GlorotUniform(1)
)
l2 = tf.keras.layers.Dense(
    6, activation="gelu", kernel_initializer=tf.keras.initializers.GlorotUniform(2)
)
with tf.GradientTape() as t2:
    with tf.GradientTape() as t1:
        loss = tf.reduce_mean(l2(l1(x)) ** 2)
    g = t1.gradient(loss, l1.kernel)
h = t2.jacobian(g, l1.kernel)
print(
    "RESULT hessian",
    h.shape,
    float(tf.reduce_sum(tf.abs(h))),
    float(tf.linalg.trace(tf.reshape(h, [40, 40]))),
)
n = tf.reshape(h, [40, 40]) + tf.eye(40) * 0.01
step = tf.linalg.solve(n, tf.reshape(g, [40, 1]))
print("RESULT newton", float(tf.norm(step)), step[:3, 0].numpy())


@tf.function
def bj(x):
    with tf.GradientTape(persistent=True) as t:
        t.watch(x)
        y = l2(l1(x))
        z = tf.reduce_sum(y, 1)
    return (t.batch_jacobian(y, x), t.jacobian(z, l1.kernel), t.jacobian(y, [l1.bias, l2.bias]))


a, b, (c, d) = bj(x)
print(
    "RESULT batch",
    a.shape,
    b.shape,
    c.shape,
    d.shape,
    float(tf.norm(a)),
    float(tf.norm(b)),
    float(tf.norm(c)),
    float(tf.norm(d)),
)


@tf.custom_gradient
def clip(y):

    def back(dy, variables=None):
        return tf.clip_by_norm(dy, 0.5)

    return (tf.identity(y), back)


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)

    def grad(u):
        return u * (1 - 1 / (1 + e))

    return (tf.math.log(1 + e), grad)


@tf.function
def f(v):
    with tf.GradientTape() as t:
        t.watch(v)
        y = tf.reduce_sum(log1pexp(clip(v * 3) * 40.0))
    return t.gradient(y, v)


print("RESULT custom", f(tf.constant([1.0, 2.0, 3.0])).numpy())
with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as acc:
    with tf.GradientTape() as t:
        t.watch(x)
        y = tf.reduce_sum(tf.sin(l1(x)) * tf.cos(x[:, :1]))
    g = t.gradient(y, x)
print("RESULT hvp", acc.jvp(g).numpy()[0], float(acc.jvp(y)))


@tf.function
def loop(v, n):
    with tf.GradientTape() as t2:
        t2.watch(v)
        with tf.GradientTape() as t:
            t.watch(v)
            y = v
            i = 0
            while i < n:
                y = tf.cond(
                    tf.reduce_sum(y) > 2.0, lambda y=y: tf.sin(y) * v, lambda y=y: y * y + v
                )
                i += 1
            s = tf.reduce_sum(y)
        g = t.gradient(s, v)
        q = tf.reduce_sum(g**2)
    return (s, g, t2.gradient(q, v))


for k in (1, 3, 5):
    print(
        "RESULT loop",
        k,
        *[np.ravel(r) for r in loop(tf.constant([0.3, 0.5, -0.2]), tf.constant(k))],
    )


@tf.recompute_grad
def block(z):
    return l2(l1(z))


with tf.GradientTape() as t:
    t.watch(x)
    y = tf.reduce_sum(block(x) ** 3)
print("RESULT recompute", [float(tf.norm(q)) for q in t.gradient(y, [x, l1.kernel, l2.bias])])
print(
    "RESULT map",
    tf.map_fn(lambda r: tf.reduce_sum(r[:3]) * r, x).numpy()[0],
    tf.vectorized_map(lambda r: tf.linalg.diag(r) @ tf.ones([5, 1]), x).numpy()[1, :, 0],
)
print(
    "RESULT scan",
    tf.scan(lambda a, e: a * 0.5 + e, x).numpy()[-1],
    tf.foldl(lambda a, e: tf.maximum(a, e), x).numpy(),
)
