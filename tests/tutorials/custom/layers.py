"""Layers of one's own: weights made in build, nested layers, state, constraints, regularizers, initializers, saving."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(92)
rng = np.random.default_rng(92)
x = rng.normal(size=(150, 6)).astype("float32")
y = (x[:, :1] * x[:, 1:2]).astype("float32")


@keras.utils.register_keras_serializable("tutorial")
class Linear(keras.layers.Layer):
    def __init__(self, units=8, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=scaled,
            regularizer=orthogonal,
            constraint=UnitColumns(),
            trainable=True,
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.utils.register_keras_serializable("tutorial")
def scaled(shape, dtype=None):
    return tf.random.stateless_normal(shape, seed=[shape[0], shape[1]], dtype=dtype) / tf.sqrt(
        float(shape[0])
    )


@keras.utils.register_keras_serializable("tutorial")
def orthogonal(w):
    product = tf.matmul(w, w, transpose_a=True)
    return 1e-3 * tf.reduce_sum(tf.square(product - tf.eye(tf.shape(w)[1])))


@keras.utils.register_keras_serializable("tutorial")
class UnitColumns(keras.constraints.Constraint):
    def __call__(self, w):
        return w / tf.maximum(tf.norm(w, axis=0, keepdims=True), 1.0)


@keras.utils.register_keras_serializable("tutorial")
class RunningScale(keras.layers.Layer):
    """Divides by the largest magnitude met so far."""

    def build(self, shape):
        self.largest = self.add_weight(shape=(shape[-1],), initializer="ones", trainable=False)

    def call(self, inputs, training=False):
        if training:
            self.largest.assign(tf.maximum(self.largest, tf.reduce_max(tf.abs(inputs), 0)))
        return inputs / self.largest


@keras.utils.register_keras_serializable("tutorial")
class Antirectifier(keras.layers.Layer):
    def call(self, inputs):
        centred = inputs - tf.reduce_mean(inputs, axis=-1, keepdims=True)
        unit = tf.math.l2_normalize(centred, axis=-1)
        return tf.concat([tf.nn.relu(unit), tf.nn.relu(-unit)], -1)


@keras.utils.register_keras_serializable("tutorial")
class Maxout(keras.layers.Layer):
    def __init__(self, units, pieces=3, **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces
        self.dense = keras.layers.EinsumDense(
            "bi,ipu->bpu", output_shape=(pieces, units), bias_axes="pu"
        )

    def call(self, inputs):
        return tf.reduce_max(self.dense(inputs), axis=1)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "pieces": self.pieces}


model = keras.Sequential(
    [
        keras.Input((6,)),
        RunningScale(),
        Linear(16),
        Antirectifier(),
        Maxout(8),
        keras.layers.Dense(1),
    ]
)
model.compile(keras.optimizers.Adam(1e-2), "mse")
history = model.fit(x, y, batch_size=40, epochs=5, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT scale", model.layers[0].largest.numpy())
print(
    "RESULT columns",
    tf.norm(model.layers[1].w, axis=0).numpy(),
    len(model.losses),
    float(model.losses[0]),
)
model.save("layers.keras")
again = keras.models.load_model("layers.keras")
print(
    "RESULT again",
    float(tf.reduce_max(tf.abs(again(x) - model(x)))),
    type(again.layers[1]).__name__,
)
print("RESULT predictions", model.predict(x[:6], verbose=0).ravel())


class Mlp(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.blocks = [Linear(4), Linear(3)]

    def call(self, inputs):
        for block in self.blocks:
            inputs = tf.nn.relu(block(inputs))
        return inputs


mlp = Mlp()
mlp(tf.ones((3, 6)))
print("RESULT nested", len(mlp.weights), len(mlp.trainable_weights), len(mlp.losses))
