"""An LSTM cell that feeds its own predictions back, unrolled in Python and in a symbolic loop."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(32)
rng = np.random.default_rng(32)
t = np.arange(1200)[:, None]
waves = np.sin(t * np.array([[0.1, 0.23]]) + rng.normal(0, 0.05, (1200, 2))).astype("float32")
data = tf.data.Dataset.from_tensor_slices(waves).window(24, shift=7, drop_remainder=True)
data = data.flat_map(lambda window: window.batch(24)).map(lambda w: (w[:16], w[16:])).batch(36)


class FeedBack(tf.keras.Model):
    def __init__(self, units, steps):
        super().__init__()
        self.steps = steps
        self.cell = tf.keras.layers.LSTMCell(units)
        self.rnn = tf.keras.layers.RNN(self.cell, return_state=True)
        self.dense = tf.keras.layers.Dense(2)

    def warmup(self, inputs):
        x, *state = self.rnn(inputs)
        return self.dense(x), state

    def call(self, inputs, training=None):
        prediction, state = self.warmup(inputs)
        predictions = [prediction]
        for _ in range(1, self.steps):
            x, state = self.cell(prediction, states=state, training=training)
            prediction = self.dense(x)
            predictions.append(prediction)
        return tf.transpose(tf.stack(predictions), [1, 0, 2])


model = FeedBack(20, 8)
model.compile(loss="mse", optimizer=tf.keras.optimizers.Adam(5e-3), metrics=["mae"])
print("RESULT loss", *model.fit(data, epochs=5, verbose=0).history["loss"])
inputs, wanted = next(iter(data.skip(2)))
print("RESULT prediction", model.predict(inputs, verbose=0)[0].ravel())


@tf.function
def forecast(inputs, steps):
    prediction, (h, c) = model.warmup(inputs)
    result = tf.TensorArray(tf.float32, size=steps, element_shape=[None, 2])
    for k in tf.range(steps):
        result = result.write(k, prediction)
        x, (h, c) = model.cell(prediction, states=[h, c])
        prediction = model.dense(x)
    return tf.transpose(result.stack(), [1, 0, 2])


for steps in (3, 8, 30):
    predicted = forecast(inputs, tf.constant(steps))
    print(
        "RESULT forecast",
        steps,
        predicted.shape,
        predicted[1, -1].numpy(),
        float(tf.reduce_mean(predicted)),
    )
