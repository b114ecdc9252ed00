"""A training loop from scratch: tapes, metrics, gradient accumulation, clipping, and regularization losses."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(91)
rng = np.random.default_rng(91)
x = rng.normal(size=(235, 12)).astype("float32")
y = (x[:, :3] @ rng.normal(size=(3, 4))).argmax(1)
train = tf.data.Dataset.from_tensor_slices((x[:200], y[:200])).shuffle(200, seed=1).batch(32)
valid = tf.data.Dataset.from_tensor_slices((x[200:], y[200:])).batch(16)


@keras.utils.register_keras_serializable()
class ActivityRegularization(keras.layers.Layer):
    def call(self, inputs):
        self.add_loss(1e-2 * tf.reduce_mean(tf.square(inputs)))
        return inputs


inputs = keras.Input(shape=(12,), name="digits")
h = keras.layers.Dense(24, activation="relu", kernel_regularizer="l2")(inputs)
h = ActivityRegularization()(h)
model = keras.Model(inputs, keras.layers.Dense(4, name="predictions")(h))
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
optimizer = keras.optimizers.SGD(
    keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.9, staircase=True), momentum=0.9
)
train_accuracy = keras.metrics.SparseCategoricalAccuracy()
valid_accuracy = keras.metrics.SparseCategoricalAccuracy()


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits)
        loss_value += sum(model.losses)
    gradients = tape.gradient(loss_value, model.trainable_weights)
    gradients = [tf.clip_by_norm(gradient, 0.5) for gradient in gradients]
    optimizer.apply_gradients(zip(gradients, model.trainable_weights))
    train_accuracy.update_state(y, logits)
    return loss_value


@tf.function
def test_step(x, y):
    valid_accuracy.update_state(y, model(x, training=False))


for epoch in range(4):
    losses = [float(train_step(*batch)) for batch in train]
    for batch in valid:
        test_step(*batch)
    print("RESULT epoch", epoch, *losses[-2:], float(train_accuracy.result()))
    train_accuracy.reset_state()
    valid_accuracy.reset_state()
print("RESULT rate", float(optimizer.learning_rate), int(optimizer.iterations))

sums = [tf.Variable(tf.zeros_like(v), trainable=False) for v in model.trainable_weights]
count = tf.Variable(0)
slow = keras.optimizers.Adam(1e-3)
slow.build(model.trainable_variables)


@tf.function
def accumulate(x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y, model(x, training=True))
    for total, gradient in zip(sums, tape.gradient(loss, model.trainable_weights)):
        total.assign_add(gradient)
    count.assign_add(1)
    if count == 3:
        slow.apply_gradients([(total / 3.0, v) for total, v in zip(sums, model.trainable_weights)])
        for total in sums:
            total.assign(tf.zeros_like(total))
        count.assign(0)
    return loss


for epoch in range(2):
    print(
        "RESULT accumulated",
        epoch,
        *(float(accumulate(*batch)) for batch in valid),
        int(slow.iterations),
    )
built_in = keras.optimizers.Adam(
    1e-3, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.9
)
model.compile(built_in, loss_fn)
print("RESULT built in", *model.fit(train, epochs=2, verbose=0).history["loss"])
print("RESULT weights", *(float(tf.norm(w)) for w in model.trainable_weights))
