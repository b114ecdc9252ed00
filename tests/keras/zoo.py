"""Small models of many kinds, each `make(keras, random) -> model, x, y`, for losses beside TensorFlow's."""

import numpy as np

ROWS = 12


def dense(keras, random):
    """Regularised layers, weight decay, momentum."""
    layers, l2 = keras.layers, keras.regularizers.L2(0.01)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(
                16, activation="tanh", kernel_regularizer=l2, kernel_initializer="he_normal"
            ),
            layers.Dropout(0.3),
            layers.LayerNormalization(),
            layers.Dense(8, activation="selu", kernel_initializer="lecun_uniform"),
            layers.GaussianNoise(0.1),
            layers.Dense(2, kernel_initializer="orthogonal"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), "huber")
    return model, random.normal(size=(ROWS, 6)), random.normal(size=(ROWS, 2))


def images(keras, random):
    """Separable, depthwise and strided convolutions, two kinds of pooling, batch normalisation."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("swish"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.SeparableConv2D(6, 3, dilation_rate=2, padding="same", activation="elu"),
            layers.AveragePooling2D(2),
            layers.SpatialDropout2D(0.2),
            layers.GlobalMaxPooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.AdamW(0.01, weight_decay=0.02), "sparse_categorical_crossentropy"
    )
    return model, random.random((ROWS, 12, 12, 3)), random.integers(0, 4, ROWS)


def autoencoder(keras, random):
    """Transposed convolution and upsampling."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.UpSampling2D(interpolation="bilinear"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    model.compile(keras.optimizers.RMSprop(0.01, centered=True), "binary_crossentropy")
    x = random.random((ROWS, 8, 8, 1))
    return model, x, x


def signals(keras, random):
    """One dimension: causal and strided convolutions, group normalisation."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((20, 4)),
            layers.Conv1D(8, 5, padding="causal", activation="relu"),
            layers.GroupNormalization(2),
            layers.Conv1D(8, 3, strides=2, groups=2),
            layers.PReLU(),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adagrad(0.05), "log_cosh")
    return model, random.normal(size=(ROWS, 20, 4)), random.normal(size=(ROWS, 1))


def recurrent(keras, random):
    """Bidirectional GRU over masked tokens, then a simple recurrent layer."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((9,), dtype="int32"),
            layers.Embedding(20, 8, mask_zero=True),
            layers.Bidirectional(layers.GRU(6, return_sequences=True, recurrent_dropout=0.1)),
            layers.SimpleRNN(5),
            layers.Dense(3),
        ]
    )
    model.compile(
        keras.optimizers.Nadam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    tokens = random.integers(1, 20, (ROWS, 9))
    tokens[::3, 6:] = 0
    return model, tokens, random.integers(0, 3, ROWS)


def stacked_lstm(keras, random):
    """Two LSTMs, the second running backwards, clipped gradients."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((7, 5)),
            layers.LSTM(6, return_sequences=True, dropout=0.2),
            layers.LSTM(4, go_backwards=True, unit_forget_bias=False),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02, clipnorm=0.5, amsgrad=True), "mse")
    return model, random.normal(size=(ROWS, 7, 5)), random.normal(size=(ROWS, 1))


def attention(keras, random):
    """An encoder block with dropout in its attention, positions by embedding."""
    layers = keras.layers
    inputs = keras.Input((10,), dtype="int32")
    positions = layers.Embedding(10, 16)(keras.ops.arange(10))
    x = layers.Embedding(30, 16)(inputs) + positions
    y = layers.MultiHeadAttention(2, 8, dropout=0.1)(x, x)
    x = layers.LayerNormalization()(x + y)
    x = layers.LayerNormalization()(x + layers.Dense(16)(layers.Dense(32, activation="gelu")(x)))
    outputs = layers.Dense(2)(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.Lion(0.002), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    return model, random.integers(0, 30, (ROWS, 10)), random.integers(0, 2, ROWS)


def two_inputs(keras, random):
    """Two inputs, two outputs with losses and weights of their own."""
    layers = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((6,), name="b")
    joint = layers.Concatenate()([layers.Dense(5, activation="relu")(a), b])
    joint = layers.Dense(7, activation="softplus")(joint)
    value = layers.Dense(1, name="value")(joint)
    kind = layers.Dense(3, activation="softmax", name="kind")(joint)
    model = keras.Model({"a": a, "b": b}, {"value": value, "kind": kind})
    model.compile(
        keras.optimizers.Adamax(0.02),
        {"value": "mae", "kind": "categorical_crossentropy"},
        loss_weights={"value": 0.5, "kind": 2.0},
    )
    x = {"a": random.normal(size=(ROWS, 4)), "b": random.normal(size=(ROWS, 6))}
    return (
        model,
        x,
        {
            "value": random.normal(size=(ROWS, 1)),
            "kind": np.eye(3)[random.integers(0, 3, ROWS)],
        },
    )


def own_step(keras, random):
    """A subclass with a training step and a loss of its own, and an exponential schedule."""
    import tensorflow as tf

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = keras.layers.Dense(8, activation="mish")
            self.last = keras.layers.Dense(1)

        def call(self, x, training=False):
            return self.last(self.hidden(x))

        def train_step(self, data):
            x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
            with tf.GradientTape() as tape:
                answers = self(x, training=True)
                loss = tf.reduce_mean((answers - y) ** 2) + 0.001 * tf.add_n(
                    [tf.nn.l2_loss(w) for w in self.trainable_variables]
                )
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    model = Model()
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.7)
    model.compile(keras.optimizers.Ftrl(rate))
    return model, random.normal(size=(ROWS, 5)), random.normal(size=(ROWS, 1))


def volumes(keras, random):
    """Three dimensions, a ConvLSTM, local pooling of time."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((3, 6, 6, 2)),
            layers.ConvLSTM2D(4, 3, padding="same", return_sequences=True),
            layers.Conv3D(3, 2, padding="same", activation="relu"),
            layers.MaxPooling3D((1, 2, 2)),
            layers.TimeDistributed(layers.Flatten()),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adadelta(0.5), "mse")
    return model, random.random((ROWS, 3, 6, 6, 2)), random.random((ROWS, 1))


KINDS = (
    dense,
    images,
    autoencoder,
    signals,
    recurrent,
    stacked_lstm,
    attention,
    two_inputs,
    own_step,
    volumes,
)


def losses(keras, make, steps=10):
    """The losses of the first steps from fixed seeds."""
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(7)
    model, x, y = make(keras, np.random.default_rng(1))

    def typed(value):
        return value.astype("int32" if value.dtype.kind == "i" else "float32")

    x, y = keras.tree.map_structure(typed, x), keras.tree.map_structure(typed, y)
    found = []
    for _ in range(steps):
        logs = model.train_on_batch(x, y, return_dict=True)
        found.append(float(logs["loss"]))
    return found
