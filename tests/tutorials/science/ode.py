"""Differential equations in loops: an adaptive Dormand-Prince step, a neural ODE by the adjoint method, and events found by bisection."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(361)
A = [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
]
A += [
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
]
FOURTH = [5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40]


def try_step(f, t, y, h):
    slopes = []
    for row in A:
        slopes.append(
            f(t + h * sum(row), y + h * sum((a * k for a, k in zip(row, slopes)), tf.zeros_like(y)))
        )
    better = y + h * sum(a * k for a, k in zip(A[-1], slopes))
    other = y + h * sum(b * k for b, k in zip(FOURTH, slopes))
    return better, tf.reduce_max(tf.abs(better - other))


@tf.function(
    input_signature=[
        tf.TensorSpec([None], tf.float64),
        tf.TensorSpec([], tf.float64),
        tf.TensorSpec([], tf.float64),
    ]
)
def pendulum(y, end, tolerance):
    """Integrates with steps as large as the tolerance allows; all accepted states, and how many were refused."""

    def f(t, y):
        return tf.stack([y[1], -tf.sin(y[0]) - 0.1 * y[1] + 0.2 * tf.cos(t)])

    t, h = tf.constant(0.0, tf.float64), tf.constant(0.1, tf.float64)
    states = tf.TensorArray(tf.float64, 0, dynamic_size=True, element_shape=[3])
    refused = 0
    while t < end - 1e-12:
        h = tf.minimum(h, end - t)
        new, error = try_step(f, t, y, h)
        if error <= tolerance:
            t, y = t + h, new
            states = states.write(states.size(), tf.concat([[t], y], 0))
        else:
            refused += 1
        h *= tf.clip_by_value(0.9 * (tolerance / (error + 1e-30)) ** 0.2, 0.2, 5.0)
    return states.stack(), refused


for end, tolerance in [(3.0, 1e-6), (3.0, 1e-9), (8.0, 1e-7), (0.5, 1e-4)]:
    states, refused = pendulum(*(tf.constant(v, tf.float64) for v in ([1.0, 0.0], end, tolerance)))
    print("RESULT pendulum", states.shape[0], int(refused), *states[-1].numpy())

weights = [tf.Variable(rng.normal(0, 0.4, s).astype("float32")) for s in ((3, 12), (12, 2))]


def field(t, y):
    inputs = tf.concat([y, tf.fill([tf.shape(y)[0], 1], t)], 1)
    return tf.tanh(inputs @ weights[0]) @ weights[1]


def fixed(f, y, start, end, steps):
    h = (end - start) / steps

    def body(k, *parts):
        t = start + h * tf.cast(k, tf.float32)
        k1 = f(t, *parts)
        k2 = f(t + h / 2, *[p + h / 2 * s for p, s in zip(parts, k1)])
        return (k + 1, *[p + h * s for p, s in zip(parts, k2)])

    return tf.while_loop(
        lambda k, *_: k < int(steps), body, (0, *y), maximum_iterations=int(steps)
    )[1:]


@tf.custom_gradient
def solve(y):
    """The state at time 1; its gradient integrates backwards, and keeps no states."""
    end = fixed(lambda t, y: (field(t, y),), (y,), 0.0, 1.0, 12.0)[0]

    def gradient(dy, variables=None):
        def backwards(t, y, a, *_):
            with tf.GradientTape() as tape:
                tape.watch(y)
                f = field(t, y)
            dy, *dw = tape.gradient(f, [y, *variables], output_gradients=-a)
            return (f, dy, *dw)

        start = (end, dy, *[tf.zeros_like(v) for v in variables])
        _, a, *dw = fixed(backwards, start, 1.0, 0.0, 12.0)
        return a, dw

    return end, gradient


start = rng.normal(size=(16, 2)).astype("float32")
goal = tf.constant(start @ np.array([[0, 1], [-1, 0.5]], "float32"))


@tf.function
def train(adjoint):
    with tf.GradientTape() as tape:
        y = tf.constant(start)
        end = solve(y) if adjoint else fixed(lambda t, y: (field(t, y),), (y,), 0.0, 1.0, 12.0)[0]
        loss = tf.reduce_mean((end - goal) ** 2)
    gradients = tape.gradient(loss, weights)
    return loss, gradients


for k in range(5):
    loss, exact = train(False)
    _, near = train(True)
    apart = tf.linalg.global_norm([a - b for a, b in zip(exact, near)]) / tf.linalg.global_norm(
        exact
    )
    for w, g in zip(weights, exact):
        w.assign_sub(0.4 * g)
    print("RESULT ode", k, float(loss), float(apart) < 0.05, float(tf.linalg.global_norm(exact)))


@tf.function
def landing(speed, angle):
    """The time at which a thrown ball is down, by bisection until the bracket is small."""

    def height(t):
        return speed * tf.sin(angle) * t - 4.905 * t**2

    low, high = 0.1 * speed / 9.81, 3.0 * speed / 9.81
    n = 0
    while tf.reduce_max(high - low) > 1e-4:
        middle = (low + high) / 2
        up = height(middle) > 0
        low, high = tf.where(up, middle, low), tf.where(up, high, middle)
        n += 1
    return (low + high) / 2, n


for count in (1, 4, 7):
    speed = tf.constant(rng.uniform(3, 20, count).astype("float32"))
    times, n = landing(speed, tf.constant(0.7))
    print("RESULT landing", count, int(n), *times.numpy())
