"""Recurrent layers of Keras 3 and of tf_keras: masks, states, directions, fixed and free time."""

# ruff: noqa: E731
import importlib

from tests.graph.recorded.functions.cases import f, i, maker
from tests.graph.recorded.functions.layers import called, keras_of, sequential, settled

# Name -> (the layer, by `layers` of Keras; time, None if it is free).
CELLS = {
    "lstm": (lambda k: k.LSTM(3), 5),
    "lstm_free": (lambda k: k.LSTM(3), None),
    "lstm_sequences": (lambda k: k.LSTM(3, return_sequences=True), 5),
    "lstm_sequences_free": (lambda k: k.LSTM(3, return_sequences=True), None),
    "lstm_backwards": (lambda k: k.LSTM(3, go_backwards=True), 5),
    "lstm_backwards_free": (lambda k: k.LSTM(3, go_backwards=True, return_sequences=True), None),
    "lstm_unrolled": (lambda k: k.LSTM(3, unroll=True), 3),
    "lstm_no_bias": (lambda k: k.LSTM(3, use_bias=False), 5),
    "lstm_hard": (lambda k: k.LSTM(3, recurrent_activation="hard_sigmoid"), 5),
    "gru": (lambda k: k.GRU(3), 5),
    "gru_free": (lambda k: k.GRU(3), None),
    "gru_sequences": (lambda k: k.GRU(3, return_sequences=True), None),
    "gru_before": (lambda k: k.GRU(3, reset_after=False), 5),
    "gru_backwards": (lambda k: k.GRU(3, go_backwards=True), None),
    "simple": (lambda k: k.SimpleRNN(3), 5),
    "simple_free": (lambda k: k.SimpleRNN(3, return_sequences=True), None),
    "simple_relu": (lambda k: k.SimpleRNN(3, activation="relu"), 5),
    "bidirectional_lstm": (lambda k: k.Bidirectional(k.LSTM(3)), 5),
    "bidirectional_sequences": (lambda k: k.Bidirectional(k.LSTM(3, return_sequences=True)), None),
    "bidirectional_gru": (lambda k: k.Bidirectional(k.GRU(3), merge_mode="sum"), None),
    "rnn_of_cell": (lambda k: k.RNN(k.LSTMCell(3), return_sequences=True), 5),
    "rnn_of_cells": (lambda k: k.RNN([k.LSTMCell(3), k.GRUCell(2)]), None),
    "rnn_stacked": (
        lambda k: k.RNN(k.StackedRNNCells([k.SimpleRNNCell(3), k.SimpleRNNCell(2)])),
        5,
    ),
}


def _register(name):
    make_layer, time = CELLS[name]
    make = lambda tf: sequential(tf, (time, 4), make_layer)
    make.__name__, make.__module__ = f"keras_{name}", __name__
    maker(f(None, time, 4))(make)

    def make_old(tf):
        return old_sequential(tf, (time, 4), make_layer)

    make_old.__name__, make_old.__module__ = f"tf_keras_{name}", __name__
    maker(f(None, time, 4), kind="tf_keras")(make_old)


def old_keras_of(tf):
    """tf_keras, once TensorFlow is there, or Penstock in its place."""
    keras_of(tf)
    keras = importlib.import_module("tf_keras")
    keras.backend.clear_session()
    return keras


def old_sequential(tf, shape, *layers):
    """The function that calls a model of tf_keras."""
    keras = old_keras_of(tf)
    return called(
        tf, keras.Sequential([keras.Input(shape), *(make(keras.layers) for make in layers)])
    )


for _name in CELLS:
    _register(_name)


@maker(f(None, None, 4))
def stacked_lstm(tf):
    first = lambda k: k.LSTM(3, return_sequences=True)
    return sequential(tf, (None, 4), first, lambda k: k.LSTM(3), lambda k: k.Dense(1))


@maker(f(None, 5, 4))
def masked_lstm(tf):
    return sequential(tf, (5, 4), lambda k: k.Masking(), lambda k: k.LSTM(3))


@maker(f(None, None, 4))
def masked_gru_sequences(tf):
    last = lambda k: k.GRU(3, return_sequences=True)
    return sequential(tf, (None, 4), lambda k: k.Masking(), last)


@maker(f(None, None, 4))
def masked_bidirectional(tf):
    last = lambda k: k.Bidirectional(k.LSTM(3, return_sequences=True))
    return sequential(tf, (None, 4), lambda k: k.Masking(), last)


@maker(f(None, 5, 4))
def masked_zero_output(tf):
    def last(layers):
        return layers.RNN(layers.GRUCell(3), zero_output_for_mask=True, return_sequences=True)

    return sequential(tf, (5, 4), lambda k: k.Masking(), last)


@maker(i(None, None))
def text_classifier(tf):
    keras = keras_of(tf)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(10, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3)),
            layers.Dense(1, "sigmoid"),
        ]
    )
    return called(tf, model)


@maker(f(None, 5, 4))
def lstm_states(tf):
    keras = keras_of(tf)
    inputs = keras.Input((5, 4))
    outputs = keras.layers.LSTM(3, return_state=True)(inputs)
    return called(tf, keras.Model(inputs, outputs))


@maker(f(None, None, 4), f(None, 3), f(None, 3))
def lstm_initial_state(tf):
    keras = keras_of(tf)
    x, h, c = keras.Input((None, 4)), keras.Input((3,)), keras.Input((3,))
    layer = keras.layers.LSTM(3, return_sequences=True, return_state=True)
    model = settled(tf, keras.Model([x, h, c], layer(x, initial_state=[h, c])))
    return lambda x, h, c: model([x, h, c], training=False)


@maker(f(2, 5, 4))
def gru_stateful(tf):
    keras = keras_of(tf)
    inputs = keras.Input(batch_shape=(2, 5, 4))
    return called(tf, keras.Model(inputs, keras.layers.GRU(3, stateful=True)(inputs)))


@maker(f(None, 4, 6, 6, 1))
def conv_lstm(tf):
    return sequential(tf, (4, 6, 6, 1), lambda k: k.ConvLSTM2D(2, 3, padding="same"))


@maker(f(None, 5, 4))
def encoder_decoder(tf):
    keras = keras_of(tf)
    layers = keras.layers
    inputs = keras.Input((5, 4))
    _, h, c = layers.LSTM(3, return_state=True, name="encoder")(inputs)
    steps = layers.RepeatVector(2)(h)
    x = layers.LSTM(3, return_sequences=True, name="decoder")(steps, initial_state=[h, c])
    return called(tf, keras.Model(inputs, layers.TimeDistributed(layers.Dense(1))(x)))


@maker(f(None, 5, 4))
def own_cell(tf):
    keras = keras_of(tf)

    class Minimal(keras.layers.Layer):
        state_size = 3

        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")
            self.recurrent = self.add_weight(shape=(3, 3), name="recurrent")

        def call(self, inputs, states):
            h = tf.tanh(tf.matmul(inputs, self.kernel) + tf.matmul(states[0], self.recurrent))
            return h, [h]

    inputs = keras.Input((5, 4))
    return called(tf, keras.Model(inputs, keras.layers.RNN(Minimal())(inputs)))


@maker(f(None, None, 4))
def loop_of_cell(tf):
    keras = keras_of(tf)
    cell = keras.layers.LSTMCell(3)
    cell.build((None, 4))
    settled(tf, cell)

    def run(x):
        h = c = tf.zeros([tf.shape(x)[0], 3])
        out = tf.TensorArray(tf.float32, tf.shape(x)[1])
        for t in tf.range(tf.shape(x)[1]):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(h, tf.TensorShape([None, 3])), (c, tf.TensorShape([None, 3]))]
            )
            h, (h, c) = cell(x[:, t], [h, c])
            out = out.write(t, h)
        return tf.transpose(out.stack(), [1, 0, 2])

    return run


@maker(f(2, 5, 4))
def lstm_gradient(tf):
    keras = keras_of(tf)
    model = keras.Sequential([keras.Input((5, 4)), keras.layers.LSTM(3)])
    settled(tf, model)

    def slopes(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(x) ** 2)
        return tape.gradient(loss, model.trainable_variables)

    return slopes


@maker(f(None, None, 4), kind="tf_keras")
def tf_keras_masked_lstm(tf):
    return old_sequential(tf, (None, 4), lambda k: k.Masking(), lambda k: k.LSTM(3))


@maker(f(None, 8, 8, 3), kind="tf_keras")
def tf_keras_convolutional(tf):
    layers = [
        lambda k: k.Conv2D(4, 3, activation="relu"),
        lambda k: k.BatchNormalization(),
        lambda k: k.MaxPooling2D(),
        lambda k: k.Flatten(),
        lambda k: k.Dropout(0.5),
        lambda k: k.Dense(2, "softmax"),
    ]
    return old_sequential(tf, (8, 8, 3), *layers)
