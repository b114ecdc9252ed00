"""Averages of weights: stochastic weight averaging over epochs, Polyak's moving average, a model soup, and a lookahead by hand."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(213)
x = rng.normal(size=(160, 10)).astype("float32")
y = (np.sin(x[:, :1] * 2) + 0.5 * x[:, 1:2] * x[:, 2:3]).astype("float32")
train, test = slice(0, 128), slice(128, 160)


def build(seed):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(24, "silu", kernel_regularizer=keras.regularizers.L2(1e-4)),
            layers.BatchNormalization(),
            layers.Dense(1),
        ]
    )


class Averaging(keras.callbacks.Callback):
    """Averages the weights at the ends of epochs from `start` on, and puts the average in place at the end."""

    def __init__(self, start):
        super().__init__()
        self.start, self.count, self.mean = start, 0, None

    def on_epoch_end(self, epoch, logs=None):
        if epoch < self.start:
            return
        weights = self.model.get_weights()
        self.count += 1
        if self.mean is None:
            self.mean = weights
        else:
            self.mean = [m + (w - m) / self.count for m, w in zip(self.mean, weights)]

    def on_train_end(self, logs=None):
        self.model.set_weights(self.mean)


class Cyclic(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, low, high, period):
        self.low, self.high, self.period = low, high, period

    def __call__(self, step):
        phase = tf.cast(step % self.period, tf.float32) / self.period
        return self.high + (self.low - self.high) * phase

    def get_config(self):
        return {"low": self.low, "high": self.high, "period": self.period}


model = build(1)
model.compile(keras.optimizers.SGD(Cyclic(0.01, 0.1, 4), momentum=0.9), "mse")
swa = Averaging(2)
history = model.fit(x[train], y[train], batch_size=32, epochs=5, verbose=0, callbacks=[swa]).history
print("RESULT swa", *history["loss"], swa.count)
print("RESULT averaged", float(model.evaluate(x[test], y[test], verbose=0)))
for layer in model.layers:  # the statistics are those of other weights
    if isinstance(layer, layers.BatchNormalization):
        layer.moving_mean.assign(tf.zeros_like(layer.moving_mean))
        layer.moving_variance.assign(tf.ones_like(layer.moving_variance))
        layer.momentum = 0.0
model(x[train], training=True)
print("RESULT refreshed", float(model.evaluate(x[test], y[test], verbose=0)))

model = build(2)
optimizer = keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=5)
model.compile(optimizer, "huber")
history = model.fit(x[train], y[train], batch_size=16, epochs=2, verbose=0).history
print("RESULT ema", *history["loss"])
optimizer.finalize_variable_values(model.trainable_variables)
print("RESULT final", float(model.evaluate(x[test], y[test], verbose=0)))

soup, alone = None, []
for seed in (3, 4, 5):
    model = build(7)  # all begin alike
    model.compile(keras.optimizers.Adam(3e-3 * seed), "mse")
    model.fit(x[train], y[train], batch_size=32, epochs=2, verbose=0, shuffle=False)
    alone.append(float(model.evaluate(x[test], y[test], verbose=0)))
    soup = (
        model.get_weights() if soup is None else [a + b for a, b in zip(soup, model.get_weights())]
    )
model.set_weights([w / 3 for w in soup])
print("RESULT soup", *alone, float(model.evaluate(x[test], y[test], verbose=0)))

model = build(8)
fast = model.trainable_variables
slow = [tf.Variable(v) for v in fast]
ema = tf.train.ExponentialMovingAverage(0.8, zero_debias=True)
adam = keras.optimizers.Adamax(0.02)
adam.build(fast)
steps = tf.Variable(0, dtype=tf.int64)


@tf.function(jit_compile=False)
def lookahead(images, values):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.math.squared_difference(model(images, training=True), values))
        loss += tf.add_n(model.losses)
    adam.apply_gradients(zip(tape.gradient(loss, fast), fast))
    steps.assign_add(1)
    if steps % 3 == 0:
        for v, s in zip(fast, slow):
            s.assign_add(0.5 * (v - s))
            v.assign(s)
    return loss


for k in range(8):
    rows = slice(16 * k, 16 * k + 16)
    loss = lookahead(x[rows], y[rows])
    ema.apply(slow)
    print("RESULT lookahead", float(loss), float(tf.norm(ema.average(slow[0]))))
print("RESULT distance", float(tf.linalg.global_norm([a - b for a, b in zip(fast, slow)])))
