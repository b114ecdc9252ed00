"""ODE solvers in while_loop: adaptive RK45, neural ODE by adjoint with custom_gradient, shape invariants, TensorArray, nested loops."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(101)
C = tf.constant(
    [
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ],
    tf.float64,
)
E = tf.constant(
    [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40], tf.float64
)


@tf.function(
    input_signature=[
        tf.TensorSpec([None], tf.float64),
        tf.TensorSpec([], tf.float64),
        tf.TensorSpec([], tf.float64),
    ]
)
def rk45(y0, t1, tol):
    def f(t, y):
        return tf.stack([y[1], 1.5 * (1 - y[0] ** 2) * y[1] - y[0]]) * (1 + 0.1 * tf.sin(t))

    ts = tf.TensorArray(
        tf.float64, size=0, dynamic_size=True, clear_after_read=False, element_shape=[]
    )
    ys = tf.TensorArray(tf.float64, size=0, dynamic_size=True, infer_shape=False)
    t, y, h, n, rej = tf.constant(0.0, tf.float64), y0, tf.constant(0.1, tf.float64), 0, 0
    while t < t1 and n < 500:
        h = tf.minimum(h, t1 - t)
        k = tf.expand_dims(f(t, y), 0)
        for i in range(6):
            k = tf.concat([k, [f(t + h, y + h * tf.tensordot(C[i, : i + 1], k, 1))]], 0)
        new = y + h * tf.tensordot(tf.concat([C[5], [0.0]], 0)[:6], k[:6], 1)
        err = tf.reduce_max(tf.abs(h * tf.tensordot(E, k, 1)))
        if err <= tol:
            t, y = t + h, new
            ts = ts.write(n, t)
            ys = ys.write(n, y)
            n += 1
        else:
            rej += 1
        h = h * tf.clip_by_value(0.9 * (tol / (err + 1e-30)) ** 0.2, 0.2, 5.0)
    return ts.stack(), ys.concat(), n, rej


t, y, n, r = rk45([2.0, 0.0], 6.0, 1e-6)
print("RESULT", t.shape, n.numpy(), r.numpy(), t.numpy()[-2:], y.numpy()[-2:])
t, y, n, r = rk45([0.5, 0.5], 3.0, 1e-3)
print("RESULT", n.numpy(), r.numpy(), y.numpy()[-2:])

w = [tf.Variable(rng.normal(size=s).astype("float32") * 0.4) for s in ((2, 8), (8, 2))]


def field(z):
    return tf.tanh(z @ w[0]) @ w[1]


@tf.function
def forward(z, steps, h):
    def body(i, z):
        k1 = field(z)
        k2 = field(z + h / 2 * k1)
        k3 = field(z + h / 2 * k2)
        k4 = field(z + h * k3)
        return i + 1, z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return tf.while_loop(
        lambda i, z: i < steps,
        body,
        (tf.constant(0), z),
        maximum_iterations=50,
        parallel_iterations=1,
    )[1]


@tf.custom_gradient
def adjoint(z0):
    h, steps = 0.05, 20
    zT = forward(z0, steps, h)

    def grad(dz, variables=None):
        def body(i, z, a, *gs):
            with tf.GradientTape() as t:
                t.watch(z)
                f = field(z)
            g = t.gradient(f, [z, *variables], output_gradients=a)
            return (i + 1, z - h * f, a + h * g[0], *[p + h * q for p, q in zip(gs, g[1:])])

        out = tf.while_loop(
            lambda i, *_: i < steps,
            body,
            (tf.constant(0), zT, dz, *[tf.zeros_like(v) for v in variables]),
        )
        return out[2], list(out[3:])

    return zT, grad


z0 = tf.constant(rng.normal(size=(6, 2)).astype("float32"))
target = tf.constant(rng.normal(size=(6, 2)).astype("float32"))
opt = tf.keras.optimizers.Adam(0.05)


@tf.function
def train(direct):
    with tf.GradientTape() as t:
        o = forward(z0, 20, 0.05) if direct else adjoint(z0)
        l = tf.reduce_mean((o - target) ** 2)
    g = t.gradient(l, w)
    return l, g


for d in (True, False):
    l, g = train(d)
    print("RESULT", d, l.numpy(), [q.numpy().ravel()[:3] for q in g])
for _i in range(15):
    l, g = train(False)
    opt.apply_gradients(zip(g, w))
print("RESULT", l.numpy())


@tf.function
def collatz(n):
    out = tf.zeros([1], tf.int64)
    longest = tf.constant(0, tf.int64)
    for k in tf.range(1, n):
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[(out, tf.TensorShape([None]))], maximum_iterations=25
        )
        c, s = tf.cast(k, tf.int64), tf.constant(0, tf.int64)
        while c != 1:
            c = tf.where(c % 2 == 0, c // 2, 3 * c + 1)
            s += 1
            if s > 100:
                break
        if s % 5 == 0:
            continue
        out = tf.concat([out, [s]], 0)
        longest = tf.maximum(longest, s)
    return out, longest


o, l = collatz(40)
print("RESULT", o.numpy(), l.numpy())


@tf.function
def game_of_life(b, n):
    hist = tf.TensorArray(tf.int32, n)
    for i in tf.range(n):
        nb = sum(tf.roll(b, (dx, dy), (0, 1)) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)
        b = tf.where((nb == 3) | ((b == 1) & (nb == 2)), 1, 0)
        hist = hist.write(i, tf.reduce_sum(b))
    return b, hist.stack()


b, h = game_of_life(tf.constant(rng.integers(0, 2, (16, 16)), tf.int32), 12)
print("RESULT", h.numpy(), tf.reduce_sum(b * tf.range(16)).numpy())


@tf.function
def mandel(c, n):
    z, k = tf.zeros_like(c), tf.zeros(c.shape, tf.int32)
    for _ in tf.range(n):
        z = tf.where(tf.abs(z) < 4, z**2 + c, z)
        k += tf.cast(tf.abs(z) < 4, tf.int32)
    return k


X, Y = np.meshgrid(np.linspace(-2, 1, 24), np.linspace(-1, 1, 16))
k = mandel(tf.constant(X + 1j * Y), 30)
print("RESULT", tf.math.bincount(tf.reshape(k, [-1])).numpy())
try:
    tf.function(
        lambda: tf.while_loop(
            lambda x: tf.size(x) < 5, lambda x: tf.concat([x, x], 0), [tf.ones([1])]
        )
    )()
except ValueError as e:
    print("RESULT", type(e).__name__, "shape_invariants" in str(e) or str(e)[:200])
