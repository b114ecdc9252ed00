"""training.py WHAT: trains by Keras's `fit` in an elastic job, and prints a line of JSON per step: number, workers, loss.

WHAT is JSON: `steps` (in all), `first` (that is made), `resize` ({step: workers}, after which all wait until workers come or go), `kill` ({step:
rank}, which kills itself in the middle of the step), `folder` (of the checkpoint that is restored and written), `job` (file of the job's address),
`pause` (seconds after a step), `varied` (True for a model with normalization, dropout and a schedule of learning rates).
"""

import json
import os
import signal
import sys
import time

import keras
import numpy as np
import tensorflow as tf

WHAT = json.loads(sys.argv[1])
BATCH, STEPS = 60, WHAT["steps"]  # a batch that one to six workers divide evenly
WAIT = 60.0  # seconds until workers come


def batches():
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(BATCH * STEPS, 5)).astype("float32")
    y = np.sin(x.sum(1, keepdims=True))
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(64, seed=3).batch(BATCH)
    return dataset.skip(WHAT.get("first", 0))


class Follow(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()  # losses of one batch each

    def on_train_batch_end(self, batch, logs=None):
        number = batch + WHAT.get("first", 0) + 1
        if logs:  # none on a worker that came later
            print(
                json.dumps([number, strategy.num_replicas_in_sync, float(logs["loss"])]), flush=True
            )
        time.sleep(WHAT.get("pause", 0))
        wanted = WHAT.get("resize", {}).get(str(number))
        if wanted and logs:
            if strategy.extended.should_checkpoint:
                resize(wanted)
            until = time.monotonic() + WAIT
            while not strategy.extended.steps.is_pending and time.monotonic() < until:
                time.sleep(0.05)


def resize(count):
    from penstock._src.bridge.cli.cluster import resize as command

    command.main([WHAT["job"], str(count)])


class Dying(keras.layers.Layer):
    """Passes values on; kills its process in the gradient of the steps that `kill` names: after the step has begun, before its sums are complete."""

    def build(self, shape):
        self.done = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)

    def call(self, x):
        self.done.assign_add(1)
        number = self.done + 0

        @tf.custom_gradient
        def passed(x):
            def gradient(dy):
                with tf.control_dependencies([tf.py_function(die, [number], [])]):
                    return tf.identity(dy)

            return tf.identity(x), gradient

        return passed(x)


def die(number):
    rank = WHAT.get("kill", {}).get(str(int(number)))
    if (
        rank is not None
        and strategy.extended._cluster.rank == rank
        and not os.path.exists(mark(number))
    ):
        open(mark(number), "w").close()
        os.kill(os.getpid(), signal.SIGKILL)


def mark(number):
    return os.path.join(WHAT["folder"], f"killed-{int(number)}")


keras.utils.set_random_seed(1)
strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    layers, rate = [keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)], 0.01
    if "kill" in WHAT:
        layers.insert(1, Dying())
    if WHAT.get("varied"):
        layers[1:1] = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
        rate = keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.8)
    model = keras.Sequential([keras.layers.Input((5,)), *layers])
    model.compile(keras.optimizers.Adam(rate), "mse")
    model.optimizer.build(model.trainable_variables)
others = [variable.value for variable in model.non_trainable_variables]  # seeds among them
checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer, others=others)
path = os.path.join(WHAT["folder"], "checkpoint")
if WHAT.get("first"):
    checkpoint.read(path).expect_partial()
left = WHAT.get("last", STEPS) - WHAT.get("first", 0)
model.fit(batches().take(left), verbose=0, callbacks=[Follow()])
if strategy.extended.should_checkpoint:
    checkpoint.write(path)
    print(json.dumps({"weights": [w.tolist() for w in model.get_weights()]}), flush=True)
