"""Losses and metrics of one's own in compile, several outputs with weights, and many of Keras's losses on fixed numbers."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(93)
rng = np.random.default_rng(93)
x = rng.normal(size=(220, 8)).astype("float32")
number = x[:, :1] - 0.5 * x[:, 1:2]
kind = (x[:, 2:].sum(1) > 0).astype("int64") + (x[:, 3] > 1)


class Expectile(keras.losses.Loss):
    def __init__(self, tau=0.7, name="expectile"):
        super().__init__(name=name)
        self.tau = tau

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return tf.reduce_mean(
            tf.abs(self.tau - tf.cast(error < 0, tf.float32)) * tf.square(error), -1
        )


class F1(keras.metrics.Metric):
    def __init__(self, classes, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.matrix = self.add_weight(name="matrix", shape=(classes, classes), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        found = tf.argmax(y_pred, -1)
        true = tf.reshape(tf.cast(y_true, tf.int64), [-1])
        self.matrix.assign_add(
            tf.math.confusion_matrix(true, found, self.classes, dtype=tf.float32)
        )

    def result(self):
        matrix = tf.convert_to_tensor(self.matrix)
        hits = tf.linalg.diag_part(matrix)
        both = tf.reduce_sum(matrix, 0) + tf.reduce_sum(matrix, 1)
        return tf.reduce_mean(tf.math.divide_no_nan(2 * hits, both))


inputs = keras.Input((8,))
h = layers.Dense(24, activation="mish")(inputs)
h = layers.UnitNormalization()(layers.Dense(16, activation=tf.nn.silu)(h))
outputs = {"number": layers.Dense(1, name="number")(h), "kind": layers.Dense(3, name="kind")(h)}
model = keras.Model(inputs, outputs)
model.compile(
    keras.optimizers.Adam(1e-2),
    loss={
        "number": Expectile(),
        "kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"number": 2.0, "kind": 0.5},
    metrics={
        "number": ["mae", keras.metrics.MeanSquaredLogarithmicError()],
        "kind": ["accuracy", F1(3, name="f1")],
    },
)
history = model.fit(
    x[:180], {"number": number[:180], "kind": kind[:180]}, batch_size=50, epochs=4, verbose=0
).history
for name in ("loss", "number_loss", "kind_loss", "number_mae", "kind_f1"):
    print("RESULT", name, *history[name])
result = model.evaluate(
    x[180:], {"number": number[180:], "kind": kind[180:]}, verbose=0, return_dict=True
)
print("RESULT evaluate", *(result[name] for name in sorted(result)))

a, b = (
    tf.constant(rng.uniform(0.05, 0.95, (6, 4)), tf.float32),
    tf.constant(rng.uniform(0.05, 0.95, (6, 4)), tf.float32),
)
one_hot = tf.one_hot(rng.integers(0, 4, 6), 4)
hinge = tf.constant(rng.choice([-1.0, 1.0], (6, 4)), tf.float32)
calls = {
    "kl": (keras.losses.KLDivergence(), a, b),
    "poisson": (keras.losses.Poisson(), a, b),
    "cosine": (keras.losses.CosineSimilarity(axis=-1), a, b),
    "logcosh": (keras.losses.LogCosh(), a, b),
    "msle": (keras.losses.MeanSquaredLogarithmicError(), a, b),
    "hinge": (keras.losses.Hinge(), hinge, b),
    "squared hinge": (keras.losses.SquaredHinge(), hinge, b),
    "categorical hinge": (keras.losses.CategoricalHinge(), one_hot, b),
    "focal": (keras.losses.CategoricalFocalCrossentropy(), one_hot, b),
    "dice": (keras.losses.Dice(), one_hot, b),
    "tversky": (keras.losses.Tversky(0.3, 0.7), one_hot, b),
    "circle": (keras.losses.Circle(), tf.constant([0, 1, 0, 1, 2, 2]), tf.math.l2_normalize(b, -1)),
}


@tf.function
def with_gradient(loss, y_true, y_pred):
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(y_true, y_pred)
    return value, tape.gradient(value, y_pred)


for name, (loss, y_true, y_pred) in calls.items():
    value, gradient = with_gradient(loss, y_true, y_pred)
    print("RESULT loss of", name, float(value), float(tf.norm(gradient)))
