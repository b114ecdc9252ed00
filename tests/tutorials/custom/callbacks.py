"""Callbacks: logs, learning rates, early stopping written by hand, backups, and a model that resumes its training."""

import json
import os

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(95)
rng = np.random.default_rng(95)
x = rng.normal(size=(165, 7)).astype("float32")
y = (x.sum(1, keepdims=True) > 0).astype("float32")
seen = []


class Recorder(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        seen.append(("begin", sorted(logs or {})))

    def on_train_batch_end(self, batch, logs=None):
        seen.append((batch, round(float(logs["loss"]), 5)))

    def on_epoch_end(self, epoch, logs=None):
        seen.append((f"epoch {epoch}", sorted(logs)))


class StopAtMinimum(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience, self.best_weights = patience, None

    def on_train_begin(self, logs=None):
        self.wait, self.best = 0, np.inf

    def on_epoch_end(self, epoch, logs=None):
        current = logs["val_loss"]
        if current < self.best:
            self.best, self.wait = current, 0
            self.best_weights = self.model.get_weights()
        else:
            self.wait += 1
            if self.wait > self.patience:
                self.model.stop_training = True
                self.model.set_weights(self.best_weights)


def build():
    keras.utils.set_random_seed(95)
    model = keras.Sequential(
        [
            keras.Input((7,)),
            keras.layers.Dense(10, "sigmoid"),
            keras.layers.BatchNormalization(momentum=0.8),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    return model


model = build()
rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * (0.7 if epoch else 1.0))
lines = []
log = keras.callbacks.LambdaCallback(
    on_epoch_end=lambda epoch, logs: lines.append(
        json.dumps({"epoch": epoch, "loss": float(logs["loss"])})
    )
)
history = model.fit(
    x,
    y,
    batch_size=40,
    epochs=4,
    validation_split=0.2,
    callbacks=[Recorder(), StopAtMinimum(1), rates, log, keras.callbacks.TerminateOnNaN()],
    verbose=0,
)
print("RESULT batches", *(loss for name, loss in seen if isinstance(name, int)))
print("RESULT order", *(name for name, _ in seen[:6]), len(seen), len(lines))
print("RESULT rates", *history.history["learning_rate"])
print("RESULT val_loss", *history.history["val_loss"])

path = os.path.join("checkpoints", "{epoch:02d}-{val_loss:.2f}.weights.h5")
model = build()
keep = keras.callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq="epoch")
model.fit(x, y, batch_size=40, epochs=3, validation_split=0.2, callbacks=[keep], verbose=0)
files = sorted(os.listdir("checkpoints"))
fresh = build()
fresh.load_weights(os.path.join("checkpoints", files[-1]))
print("RESULT checkpoint", len(files), float(tf.reduce_max(tf.abs(fresh(x) - model(x)))))


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("interrupted")


resumed = build()
backup = keras.callbacks.BackupAndRestore("backup")
try:
    resumed.fit(
        x, y, batch_size=40, epochs=4, shuffle=False, callbacks=[backup, Interrupt()], verbose=0
    )
except RuntimeError as error:
    print("RESULT stopped", error)
resumed = build()
history = resumed.fit(
    x,
    y,
    batch_size=40,
    epochs=4,
    shuffle=False,
    callbacks=[keras.callbacks.BackupAndRestore("backup")],
    verbose=0,
)
whole = build().fit(x, y, batch_size=40, epochs=4, shuffle=False, verbose=0)
print("RESULT resumed", len(history.history["loss"]), *history.history["loss"])
print("RESULT whole", *whole.history["loss"])
