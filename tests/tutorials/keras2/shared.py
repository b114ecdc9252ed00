"""As Keras 2 was written: shared layers and several outputs, a train_step of one's own, stateful recurrence, K functions, generators."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import Input, Model, Sequential
from tensorflow.keras import backend as K
from tensorflow.keras.layers import (
    GRU,
    LSTM,
    BatchNormalization,
    Dense,
    Embedding,
    Flatten,
    Multiply,
    Reshape,
    concatenate,
    dot,
)
from tensorflow.keras.optimizers import SGD, Adam
from tensorflow.keras.preprocessing.sequence import pad_sequences
from tensorflow.keras.utils import to_categorical

tf.keras.utils.set_random_seed(222)
rng = np.random.RandomState(222)

questions = pad_sequences([rng.randint(1, 20, rng.randint(2, 9)) for _ in range(90)], maxlen=8)
answers = pad_sequences(
    [rng.randint(1, 20, rng.randint(2, 9)) for _ in range(90)],
    maxlen=8,
    padding="post",
    truncating="post",
)
match = ((questions.sum(1) + answers.sum(1)) % 2).astype("float32")
topic = to_categorical(questions[:, -1] % 3, 3)

embed, encode = Embedding(20, 8, mask_zero=True), LSTM(10, recurrent_dropout=0.0)
q_in, a_in = (
    Input(shape=(8,), dtype="int32", name="question"),
    Input(shape=(8,), dtype="int32", name="answer"),
)
q, a = encode(embed(q_in)), encode(embed(a_in))
near = dot([q, a], axes=1, normalize=True)
both = concatenate([q, a, Multiply()([q, a]), near])
first = Dense(1, activation="sigmoid", name="match")(BatchNormalization()(both))
second = Dense(3, activation="softmax", name="topic")(q)
model = Model(inputs=[q_in, a_in], outputs=[first, second])
model.compile(
    optimizer=Adam(learning_rate=0.01),
    loss={"match": "binary_crossentropy", "topic": "categorical_crossentropy"},
    loss_weights={"match": 1.0, "topic": 0.3},
    metrics={"match": "accuracy", "topic": ["accuracy", "top_k_categorical_accuracy"]},
)
history = model.fit(
    {"question": questions, "answer": answers},
    {"match": match, "topic": topic},
    batch_size=32,
    epochs=3,
    validation_split=0.2,
    verbose=0,
)
for key in sorted(history.history):
    print("RESULT", key, *history.history[key])
print(
    "RESULT shared",
    len(model.weights),
    model.count_params(),
    [tuple(o.shape) for o in model.outputs],
)
middle = Model(model.inputs, near)
print("RESULT near", *middle.predict([questions[:4], answers[:4]], verbose=0).ravel())


class Reconstructor(Model):
    """Denoises, with noise and metrics of its own."""

    def __init__(self):
        super().__init__()
        self.net = Sequential([Flatten(), Dense(12, activation="tanh"), Dense(8), Reshape((4, 2))])
        self.seen = tf.keras.metrics.Mean(name="loss")
        self.error = tf.keras.metrics.MeanAbsoluteError(name="mae")

    @property
    def metrics(self):
        return [self.seen, self.error]

    def call(self, x):
        return self.net(x)

    def train_step(self, data):
        x, _, weights = tf.keras.utils.unpack_x_y_sample_weight(data)
        noisy = x + 0.1 * tf.random.normal(tf.shape(x), seed=3)
        with tf.GradientTape() as tape:
            again = self(noisy, training=True)
            loss = tf.reduce_mean(tf.square(again - x), axis=[1, 2])
            loss = tf.reduce_mean(loss if weights is None else loss * weights)
        self.optimizer.apply_gradients(
            zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        )
        self.seen.update_state(loss)
        self.error.update_state(x, again)
        return {m.name: m.result() for m in self.metrics}

    def test_step(self, data):
        x = data[0] if isinstance(data, tuple) else data
        self.error.update_state(x, self(x))
        return {"mae": self.error.result()}


signals = np.cumsum(rng.randn(70, 4, 2), 1).astype("float32")
denoiser = Reconstructor()
denoiser.compile(SGD(0.05, momentum=0.9))
weights = np.linspace(0.5, 1.5, 70).astype("float32")
history = denoiser.fit(
    signals, sample_weight=weights, batch_size=20, epochs=3, verbose=0, shuffle=False
)
print("RESULT denoised", *history.history["loss"], *history.history["mae"])
print("RESULT evaluated", denoiser.evaluate(signals, verbose=0, return_dict=True)["mae"])

series = np.sin(np.arange(120) / 5).astype("float32").reshape(4, 30, 1)
stateful = Sequential(
    [
        Input(batch_shape=(4, 5, 1)),
        GRU(6, stateful=True, return_sequences=True),
        GRU(5, stateful=True),
        Dense(1),
    ]
)
stateful.compile(Adam(0.02), "mse")
for epoch in range(2):
    losses = []
    for start in range(0, 25, 5):
        losses.append(stateful.train_on_batch(series[:, start : start + 5], series[:, start + 5]))
    for layer in stateful.layers[:2]:
        layer.reset_state()
    print("RESULT stateful", epoch, *map(float, losses))
once = stateful.predict(series[:, :5], verbose=0)
twice = stateful.predict(series[:, :5], verbose=0)
print(
    "RESULT state",
    *once.ravel(),
    *twice.ravel(),
    float(tf.reduce_sum(stateful.layers[0].states[0])),
)
print("RESULT backend", K.epsilon(), K.floatx(), K.image_data_format())
