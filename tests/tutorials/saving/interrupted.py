"""Keras models trained in compiled steps, stopped within an epoch, rebuilt from nothing, and restored, beside one that goes on."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

rng = np.random.default_rng(311)
x = rng.normal(size=(112, 12, 3)).astype("float32")
y = (x[..., 0].sum(1) > 0).astype("int32") + (x[..., 1].max(1) > 2).astype("int32")


def dataset():
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(40, seed=9)
    data = data.interleave(
        lambda a, b: tf.data.Dataset.from_tensors((a, b)).repeat(1), cycle_length=2
    )
    return data.batch(16, drop_remainder=True).repeat().enumerate().prefetch(1)


def network():
    inputs = keras.Input((12, 3))
    h = layers.Conv1D(8, 3, padding="same")(inputs)
    h = layers.BatchNormalization()(h)
    h = layers.SpatialDropout1D(0.2, seed=5)(layers.ReLU()(h))
    h = layers.GRU(7)(h)
    return keras.Model(inputs, layers.Dense(3)(layers.Dropout(0.25, seed=6)(h)))


class Training:
    """All that a run consists of, made anew for each."""

    def __init__(self, folder, optimizer):
        keras.utils.set_random_seed(311)
        self.model = network()
        self.optimizer = optimizer()
        self.optimizer.build(self.model.trainable_variables)
        self.iterator = iter(dataset())
        self.loss = keras.metrics.Mean()
        self.accuracy = keras.metrics.SparseCategoricalAccuracy()
        self.average = [tf.Variable(v, trainable=False) for v in self.model.trainable_variables]
        self.checkpoint = tf.train.Checkpoint(
            model=self.model,
            optimizer=self.optimizer,
            iterator=self.iterator,
            metrics=[self.loss, self.accuracy],
            average=self.average,
        )
        self.manager = tf.train.CheckpointManager(self.checkpoint, folder, max_to_keep=1)

    @tf.function
    def steps(self, count):
        """Some steps in one call, which take their batches from the iterator within."""
        losses = tf.TensorArray(tf.float32, count)
        last = tf.constant(-1, tf.int64)
        for k in tf.range(count):
            last, (images, labels) = next(self.iterator)
            with tf.GradientTape() as tape:
                logits = self.model(images, training=True)
                loss = tf.reduce_mean(
                    keras.losses.sparse_categorical_crossentropy(labels, logits, True)
                )
            variables = self.model.trainable_variables
            self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
            for mean, variable in zip(self.average, variables):
                mean.assign_sub(0.1 * (mean - variable))
            self.loss.update_state(loss)
            self.accuracy.update_state(labels, logits)
            losses = losses.write(k, loss)
        return last, losses.stack()

    def state(self):
        """Sums over the weights, their averages, the optimizer's, and the metrics."""
        groups = (self.model.weights, self.average, self.optimizer.variables)
        sums = [sum(float(tf.reduce_sum(tf.abs(tf.cast(v, "float32")))) for v in g) for g in groups]
        return [*sums, float(self.loss.result()), float(self.accuracy.result())]


def rate():
    return keras.optimizers.schedules.PiecewiseConstantDecay([6, 12], [0.02, 0.01, 0.002])


optimizers = {
    "adam": lambda: keras.optimizers.Adam(rate(), amsgrad=True),
    "momentum": lambda: keras.optimizers.SGD(rate(), 0.9, nesterov=True, clipnorm=1.0),
    "ema": lambda: keras.optimizers.RMSprop(rate(), 0.8, use_ema=True, ema_momentum=0.7),
    "gathered": lambda: keras.optimizers.Lion(1e-3, gradient_accumulation_steps=3),
}
for name, optimizer in optimizers.items():
    whole = Training(f"whole-{name}", optimizer)
    last, losses = whole.steps(tf.constant(17))
    print("RESULT whole", name, int(last), *losses.numpy())
    print("RESULT state", name, *whole.state())
    for count in (5, 4, 8):
        run = Training(name, optimizer)
        found = run.manager.latest_checkpoint
        if found:
            run.checkpoint.restore(found).assert_consumed()
        last, part = run.steps(tf.constant(count))
        path = run.manager.save(checkpoint_number=int(last))
        print("RESULT piece", name, int(last), path.rsplit("/")[-1], int(run.optimizer.iterations))
        print("RESULT losses", name, *part.numpy())
    print("RESULT resumed", name, *run.state())

# The same within fit: a callback brings back the epoch, the weights and the optimizer.


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def fitted(*callbacks):
    keras.utils.set_random_seed(313)
    model = network()
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(True))
    try:
        history = model.fit(
            x, y, batch_size=28, epochs=4, shuffle=False, verbose=0, callbacks=list(callbacks)
        )
    except KeyboardInterrupt:
        return None
    return history.epoch, history.history["loss"]


epochs, losses = fitted()
print("RESULT fit", epochs, *losses)
backup = "backup"
print("RESULT stopped", fitted(keras.callbacks.BackupAndRestore(backup), Stop()))
epochs, again = fitted(keras.callbacks.BackupAndRestore(backup))
print("RESULT again", epochs, *again)
