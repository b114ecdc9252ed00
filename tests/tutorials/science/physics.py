"""Physics-informed networks: the heat and Burgers equations by second derivatives, an oscillator, and a neural ODE by Runge-Kutta."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(132)
rng = np.random.default_rng(132)


def network(inputs, outputs=1, units=20):
    layers = [tf.keras.layers.Dense(units, activation="tanh") for _ in range(3)]
    return tf.keras.Sequential([tf.keras.Input((inputs,)), *layers, tf.keras.layers.Dense(outputs)])


model = network(2)
optimizer = tf.keras.optimizers.Adam(5e-3)
inner = tf.constant(rng.uniform([0, -1], [1, 1], (75, 2)), tf.float32)
first = tf.constant(np.stack([np.zeros(20), np.linspace(-1, 1, 20)], 1), tf.float32)
sides = tf.constant(np.stack([rng.random(20), rng.choice([-1.0, 1.0], 20)], 1), tf.float32)


def residual(points, viscosity=0.05):
    t, x = points[:, :1], points[:, 1:]
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch([t, x])
            u = model(tf.concat([t, x], 1))
        u_x = tape.gradient(u, x)
        u_t = tape.gradient(u, t)
    u_xx = outer.gradient(u_x, x)
    return u_t + u * u_x - viscosity * u_xx


@tf.function
def step():
    with tf.GradientTape() as tape:
        equation = tf.reduce_mean(tf.square(residual(inner)))
        start = tf.reduce_mean(tf.square(model(first) + tf.sin(np.pi * first[:, 1:])))
        border = tf.reduce_mean(tf.square(model(sides)))
        loss = equation + start + border
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss, equation, start


for k in range(40):
    losses = step()
    if k % 10 == 9:
        print("RESULT burgers", k, *(float(loss) for loss in losses))
print("RESULT solution", model(tf.constant([[0.5, -0.5], [0.5, 0.5], [0.0, 0.25]])).numpy().ravel())

wave = network(1)
adam = tf.keras.optimizers.Adam(5e-3)
times = tf.reshape(tf.linspace(0.0, 2.0, 31), [-1, 1])
friction = tf.Variable(0.5)


@tf.function
def oscillate():
    with tf.GradientTape() as tape:
        with tf.GradientTape() as second:
            second.watch(times)
            with tf.GradientTape() as one:
                one.watch(times)
                y = wave(times)
            velocity = one.gradient(y, times)
        acceleration = second.gradient(velocity, times)
        physics = tf.reduce_mean((acceleration + friction * velocity + 9.0 * y) ** 2)
        start = (y[0, 0] - 1.0) ** 2 + velocity[0, 0] ** 2
        loss = 1e-2 * physics + start
    variables = [*wave.trainable_variables, friction]
    adam.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss, start


for k in range(30):
    losses = oscillate()
    if k % 10 == 9:
        print("RESULT oscillator", k, *(float(loss) for loss in losses), float(friction))

field = network(2, 2, 16)
truth = np.stack([np.cos(np.linspace(0, 3, 16)), -np.sin(np.linspace(0, 3, 16))], 1).astype(
    "float32"
)
descent = tf.keras.optimizers.Adam(1e-2)


@tf.function
def integrate(start, steps, h):
    states = tf.TensorArray(tf.float32, steps + 1).write(0, start)
    y = start
    for k in tf.range(steps):
        k1 = field(y)
        k2 = field(y + 0.5 * h * k1)
        k3 = field(y + 0.5 * h * k2)
        k4 = field(y + h * k3)
        y = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        y.set_shape(start.shape)
        states = states.write(k + 1, y)
    return states.stack()


@tf.function
def fit():
    with tf.GradientTape() as tape:
        path = integrate(tf.constant(truth[:1]), tf.constant(15), tf.constant(0.2))
        loss = tf.reduce_mean(tf.square(path[:, 0] - truth))
    descent.apply_gradients(
        zip(tape.gradient(loss, field.trainable_variables), field.trainable_variables)
    )
    return loss


for k in range(20):
    loss = fit()
    if k % 5 == 4:
        print("RESULT ode", k, float(loss))
print(
    "RESULT end",
    integrate(tf.constant(truth[:1]), tf.constant(30), tf.constant(0.1))[-1].numpy().ravel(),
)
u = np.zeros((20, 20), "float32")
u[8:12, 8:12] = 1
laplace = tf.constant([[0.05, 0.2, 0.05], [0.2, -1.0, 0.2], [0.05, 0.2, 0.05]])[:, :, None, None]


@tf.function
def diffuse(field, steps):
    for _ in tf.range(steps):
        padded = tf.pad(field[None, ..., None], [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
        field = field + 0.5 * tf.nn.conv2d(padded, laplace, 1, "VALID")[0, ..., 0]
    return field


heat = diffuse(tf.constant(u), tf.constant(30))
print("RESULT heat", float(tf.reduce_sum(heat)), float(tf.reduce_max(heat)), heat[10, ::5].numpy())
