"""Recurrent cells of one's own: layer normalization, zoneout, peepholes, minimal and multiplicative gates, nested states, constants, stacks."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import initializers, layers

tf.keras.utils.set_random_seed(431)
rng = np.random.default_rng(431)


@tf.keras.utils.register_keras_serializable("tutorials")
class NormalizedLSTMCell(layers.Layer):
    """An LSTM with layer normalization, peepholes and a zoned out state."""

    def __init__(self, units, zoneout=0.1, **kwargs):
        super().__init__(**kwargs)
        self.units, self.zoneout = units, zoneout
        self.state_size, self.output_size = [units, units], units
        self.norm = layers.LayerNormalization(epsilon=1e-4)

    def build(self, input_shape):
        make = initializers.GlorotUniform(seed=3)
        self.kernel = self.add_weight(
            shape=(input_shape[-1], 4 * self.units), initializer=make, name="kernel"
        )
        self.recurrent = self.add_weight(
            shape=(self.units, 4 * self.units),
            initializer=initializers.Orthogonal(seed=4),
            name="recurrent",
        )
        self.bias = self.add_weight(shape=(4 * self.units,), initializer="zeros", name="bias")
        self.peephole = self.add_weight(
            shape=(3, self.units),
            initializer=initializers.RandomUniform(-0.3, 0.3, seed=5),
            name="peephole",
        )
        self.norm.build((None, 4 * self.units))
        self.built = True

    def call(self, inputs, states, training=None):
        h, c = states
        gates = self.norm(tf.matmul(inputs, self.kernel) + tf.matmul(h, self.recurrent)) + self.bias
        i, f, g, o = tf.split(gates, 4, axis=-1)
        p = self.peephole
        new_c = tf.sigmoid(f + 1.0 + p[0] * c) * c + tf.sigmoid(i + p[1] * c) * tf.tanh(g)
        new_h = tf.sigmoid(o + p[2] * new_c) * tf.tanh(new_c)
        keep = 1 - self.zoneout
        return new_h, [self.zoneout * h + keep * new_h, self.zoneout * c + keep * new_c]

    def get_config(self):
        return {**super().get_config(), "units": self.units, "zoneout": self.zoneout}


class MinimalCell(layers.Layer):
    """A gate for what is forgotten, and a clock that counts."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.gate = layers.Dense(units, "sigmoid", kernel_initializer=initializers.HeNormal(seed=6))
        self.value = layers.Dense(units, "tanh", kernel_initializer=initializers.HeNormal(seed=7))

    def build(self, input_shape):
        width = input_shape[-1] + self.units
        self.gate.build((None, width + 1))
        self.value.build((None, width))
        self.built = True

    def call(self, inputs, states):
        h, clock = states
        f = self.gate(tf.concat([inputs, h, tf.sin(clock)], -1))
        h = (1 - f) * h + f * self.value(tf.concat([inputs, f * h], -1))
        return h, [h, clock + 1.0]

    def get_initial_state(self, batch_size=None):
        return [tf.zeros([batch_size, self.units]), tf.ones([batch_size, 1])]


def show(name, *tensors):
    print(
        "RESULT",
        name,
        *[v for t in tensors for v in (*np.shape(t), *np.ravel(t)[:5], float(np.sum(t)))],
    )


x = rng.normal(size=(5, 7, 3)).astype("float32")
x[0, 4:], x[1, :2], x[2, 3] = 0.0, 0.0, 0.0
mask = np.any(x != 0, -1)
for cell in (NormalizedLSTMCell(6), MinimalCell(4)):
    layer = layers.RNN(cell, return_sequences=True, return_state=True)
    outputs, *states = layer(x)
    show(type(cell).__name__, outputs, *states)
    show("masked", *layer(x, mask=tf.constant(mask)))
    backwards = layers.RNN(
        cell, go_backwards=True, zero_output_for_mask=True, return_sequences=True
    )
    show("backwards", backwards(x, mask=tf.constant(mask)))
    unrolled = layers.RNN(cell, unroll=True, return_sequences=True)
    show("unrolled", unrolled(x), np.abs(unrolled(x) - outputs).max() < 1e-5)

stacked = layers.RNN(
    [
        layers.GRUCell(
            5,
            reset_after=False,
            kernel_initializer=initializers.GlorotNormal(seed=8),
            recurrent_initializer=initializers.Orthogonal(seed=9),
        ),
        NormalizedLSTMCell(4),
        layers.SimpleRNNCell(
            3,
            kernel_initializer=initializers.GlorotNormal(seed=10),
            recurrent_initializer=initializers.Orthogonal(seed=11),
        ),
    ],
    return_sequences=True,
    return_state=True,
)
outputs, *states = stacked(x)
show("stacked", outputs, *tf.nest.flatten(states))
print(
    "RESULT weights",
    len(stacked.trainable_weights),
    [tuple(w.shape) for w in stacked.trainable_weights][:4],
)

stateful = layers.GRU(
    4,
    stateful=True,
    kernel_initializer=initializers.GlorotNormal(seed=12),
    recurrent_initializer=initializers.Orthogonal(seed=13),
)
show("stateful", stateful(x[:, :3]), stateful(x[:, 3:]))
stateful.reset_state()
show("reset", stateful(x))

inputs = layers.Input((None, 3))
masked = layers.Masking()(inputs)
h = layers.Bidirectional(
    layers.RNN(NormalizedLSTMCell(6, name="cell"), return_sequences=True), merge_mode="sum"
)(masked)
h = layers.Bidirectional(
    layers.GRU(
        4,
        kernel_initializer=initializers.GlorotNormal(seed=14),
        recurrent_initializer=initializers.Orthogonal(seed=15),
    ),
    backward_layer=layers.LSTM(
        4,
        go_backwards=True,
        kernel_initializer=initializers.GlorotNormal(seed=16),
        recurrent_initializer=initializers.Orthogonal(seed=17),
    ),
)(h)
outputs = layers.Dense(1, kernel_initializer=initializers.GlorotNormal(seed=18))(h)
model = tf.keras.Model(inputs, outputs)
target = np.cumsum(x[..., 0], 1)[:, -1:] > 0
model.compile(
    tf.keras.optimizers.Nadam(0.02),
    tf.keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[tf.keras.metrics.BinaryAccuracy(threshold=0.0)],
)
history = model.fit(x, target.astype("float32"), epochs=5, batch_size=2, shuffle=False, verbose=0)
print("RESULT losses", *history.history["loss"], *history.history["binary_accuracy"])
for length in (7, 4, 2):
    print("RESULT predicted", length, *model.predict(x[:, :length], verbose=0).ravel())
model.save("cells.keras")
again = tf.keras.models.load_model("cells.keras")
print(
    "RESULT loaded", float(np.abs(again.predict(x, verbose=0) - model.predict(x, verbose=0)).max())
)

encoder = layers.LSTM(
    5,
    return_state=True,
    kernel_initializer=initializers.GlorotNormal(seed=19),
    recurrent_initializer=initializers.Orthogonal(seed=20),
)
decoder = layers.LSTMCell(
    5,
    kernel_initializer=initializers.GlorotNormal(seed=21),
    recurrent_initializer=initializers.Orthogonal(seed=22),
)
project = layers.Dense(3, kernel_initializer=initializers.GlorotNormal(seed=23))


@tf.function(input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([], tf.int32)])
def continued(x, steps):
    """What comes after x, each output being the next input, until all are small or the steps are over."""
    _, *state = encoder(x)
    last = x[:, -1]
    written = tf.TensorArray(tf.float32, 0, dynamic_size=True, element_shape=[None, 3])
    for t in tf.range(steps):
        h, state = decoder(last, state)
        last = project(h)
        written = written.write(t, last)
        if tf.reduce_all(tf.abs(last) < 0.05):
            break
    return tf.transpose(written.stack(), [1, 0, 2])


decoder.build((None, 3))
for steps in (1, 4, 9):
    show("continued", continued(x, tf.constant(steps)))
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(continued(x, tf.constant(4)) ** 2)
gradients = tape.gradient(loss, encoder.trainable_weights + decoder.trainable_weights)
print("RESULT gradients", float(loss), *[float(tf.norm(g)) for g in gradients])
