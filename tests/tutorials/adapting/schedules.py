"""Rates, decays and clips that change with the steps: every schedule, warm restarts, callbacks, gradients accumulated by hand, early thaw."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(214)
rng = np.random.default_rng(214)
x = rng.normal(size=(120, 6)).astype("float32")
y = (np.tanh(x @ rng.normal(size=(6, 2))) + 0.1 * rng.normal(size=(120, 2))).astype("float32")
schedules = keras.optimizers.schedules


class Warm(schedules.LearningRateSchedule):
    """Rises for some steps, then follows another schedule."""

    def __init__(self, steps, after):
        self.steps, self.after = steps, after

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        return tf.cond(
            step < self.steps,
            lambda: self.after(0) * (step + 1) / self.steps,
            lambda: self.after(step - self.steps),
        )

    def get_config(self):
        return {"steps": self.steps, "after": self.after}


rates = {
    "exponential": schedules.ExponentialDecay(0.1, 4, 0.7, staircase=True),
    "inverse": schedules.InverseTimeDecay(0.1, 3, 0.5),
    "piecewise": schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01]),
    "polynomial": schedules.PolynomialDecay(0.1, 6, 0.01, power=2.0, cycle=True),
    "cosine": schedules.CosineDecay(0.02, 8, alpha=0.1, warmup_target=0.1, warmup_steps=3),
    "restarts": schedules.CosineDecayRestarts(0.1, 3, t_mul=2.0, m_mul=0.8),
    "warm": Warm(3, schedules.ExponentialDecay(0.08, 5, 0.5)),
}


def build(optimizer):
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(10, "mish"), layers.Dense(2)])
    model.compile(optimizer, "log_cosh")
    return model


for name, rate in rates.items():
    model = build(keras.optimizers.SGD(rate, momentum=0.9))
    history = model.fit(x, y, batch_size=30, epochs=2, verbose=0, shuffle=False).history["loss"]
    print(
        "RESULT",
        name,
        *history,
        *[float(rate(k)) for k in (0, 1, 3, 5, 7, 11)],
        float(model.optimizer.learning_rate),
    )

copied = keras.optimizers.deserialize(
    keras.optimizers.serialize(keras.optimizers.Adam(rates["cosine"], clipvalue=0.5))
)
print("RESULT copied", float(copied.learning_rate), copied.get_config()["clipvalue"])
seen = []
callbacks = [
    keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * (0.5 if epoch else 1.0)),
    keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(float(model.optimizer.learning_rate))
    ),
    keras.callbacks.TerminateOnNaN(),
]
model = build(keras.optimizers.AdamW(0.02, weight_decay=0.1, clipnorm=0.3))
model.optimizer.exclude_from_weight_decay(var_names=["bias"])
print(
    "RESULT scheduled",
    *model.fit(
        x, y, batch_size=40, epochs=3, verbose=0, callbacks=callbacks, shuffle=False
    ).history["loss"],
    *seen,
)
model = build(keras.optimizers.SGD(1e6))
print(
    "RESULT stopped",
    len(
        model.fit(
            x * 1e6,
            y,
            epochs=4,
            verbose=0,
            callbacks=[keras.callbacks.TerminateOnNaN()],
            shuffle=False,
        ).history["loss"]
    ),
)

# By hand: gradients of several batches are added, and the rate is found by a backtracking search.
kernel, bias = tf.Variable(rng.normal(0, 0.3, (6, 2)).astype("float32")), tf.Variable(tf.zeros(2))
sums = [tf.Variable(tf.zeros_like(v), trainable=False) for v in (kernel, bias)]


def loss_of(images, values):
    return tf.reduce_mean(tf.keras.losses.huber(values, tf.tanh(images @ kernel + bias)))


@tf.function(reduce_retracing=True)
def accumulate(images, values):
    with tf.GradientTape() as tape:
        loss = loss_of(images, values) * tf.cast(tf.shape(images)[0], tf.float32)
    for total, g in zip(sums, tape.gradient(loss, [kernel, bias])):
        total.assign_add(g)
    return loss


@tf.function
def search(count):
    """Halves the rate until the loss falls by enough."""
    before, rate = loss_of(x, y), tf.constant(8.0)
    old = [tf.identity(kernel), tf.identity(bias)]
    steps = [t / count for t in sums]
    slope = tf.add_n([tf.reduce_sum(s**2) for s in steps])
    tries = tf.constant(0)
    after = before
    while tries < 12:
        for v, o, s in zip((kernel, bias), old, steps):
            v.assign(o - rate * s)
        after = loss_of(x, y)
        tries += 1
        if after <= before - 1e-4 * rate * slope:
            break
        rate *= 0.5
    for total in sums:
        total.assign(tf.zeros_like(total))
    return after, rate, tries


for _k in range(4):
    losses = [float(accumulate(x[i : i + 50], y[i : i + 50])) for i in range(0, 120, 50)]
    after, rate, tries = search(tf.constant(120.0))
    print("RESULT search", *losses, float(after), float(rate), int(tries))
