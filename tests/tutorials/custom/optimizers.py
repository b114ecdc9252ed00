"""Every optimizer of Keras on one problem, schedules, and an optimizer of one's own with slots."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

rng = np.random.default_rng(94)
x = rng.normal(size=(90, 5)).astype("float32")
y = np.tanh(x @ rng.normal(size=(5, 2))).astype("float32")


class Momentum(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.1, decay=0.9, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.decay = decay

    def build(self, variables):
        super().build(variables)
        self.speeds = [self.add_variable_from_reference(v, name="speed") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        speed = self.speeds[self._get_variable_index(variable)]
        rate = tf.cast(learning_rate, variable.dtype)
        speed.assign(self.decay * speed + gradient)
        variable.assign_sub(rate * (gradient + self.decay * speed))


schedules = keras.optimizers.schedules
optimizers = {
    "sgd": keras.optimizers.SGD(schedules.PiecewiseConstantDecay([4, 8], [0.1, 0.05, 0.01])),
    "adam": keras.optimizers.Adam(schedules.CosineDecayRestarts(0.05, 4), amsgrad=True),
    "adamw": keras.optimizers.AdamW(schedules.PolynomialDecay(0.05, 8, power=2.0, cycle=True)),
    "rmsprop": keras.optimizers.RMSprop(schedules.InverseTimeDecay(0.05, 3, 0.5)),
    "adadelta": keras.optimizers.Adadelta(1.0),
    "adagrad": keras.optimizers.Adagrad(0.2),
    "adamax": keras.optimizers.Adamax(0.05),
    "nadam": keras.optimizers.Nadam(0.05),
    "ftrl": keras.optimizers.Ftrl(0.5),
    "lion": keras.optimizers.Lion(0.01),
    "adafactor": keras.optimizers.Adafactor(0.05),
    "lamb": keras.optimizers.Lamb(0.05),
    "muon": keras.optimizers.Muon(0.02),
    "momentum": Momentum(0.05),
    "clipped": keras.optimizers.SGD(0.5, global_clipnorm=0.3, weight_decay=1e-3),
    "scaled": keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.05), initial_scale=64.0),
}
for name, optimizer in optimizers.items():
    keras.utils.set_random_seed(94)
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(12, activation="tanh"), keras.layers.Dense(2)]
    )
    model.compile(optimizer, "mse")
    history = model.fit(x, y, batch_size=25, epochs=3, shuffle=False, verbose=0).history
    slots = sum(float(tf.norm(tf.cast(v, tf.float32))) for v in optimizer.variables if len(v.shape))
    print("RESULT", name, *history["loss"], slots, int(optimizer.iterations))
