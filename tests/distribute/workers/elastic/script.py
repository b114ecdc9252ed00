"""script.py WHAT: a script of Keras as people write them, in an elastic job; prints lines of JSON.

WHAT is JSON: `resize` ({how many steps were made: workers}, after which all wait until workers come or go), `job` (file of the job's address), `folder`.
"""

import json
import os
import sys
import time

import keras
import numpy as np
import tensorflow as tf

WHAT = json.loads(sys.argv[1])
BATCH, BATCHES, WAIT = 60, 3, 60.0


def dataset(seed):
    x = np.random.default_rng(seed).normal(size=(BATCH * BATCHES, 5)).astype("float32")
    made = tf.data.Dataset.from_tensor_slices((x, np.sin(x.sum(1, keepdims=True))))
    return made.shuffle(64, seed=3).batch(BATCH)


def say(kind, **what):
    print(json.dumps({"what": kind, **what}), flush=True)


class Follow(keras.callbacks.Callback):
    """Prints losses, and changes the number of workers."""

    def on_train_batch_end(self, batch, logs=None):
        step = int(self.model.optimizer.iterations)
        say("step", step=step, workers=strategy.num_replicas_in_sync, loss=float(logs["loss"]))
        wanted = WHAT.get("resize", {}).get(str(earlier + step))
        if wanted:
            if strategy.extended.should_checkpoint:
                from penstock._src.bridge.cli.cluster import resize

                resize.main([WHAT["job"], str(wanted)])
            until = time.monotonic() + WAIT
            while not strategy.extended.steps.is_pending and time.monotonic() < until:
                time.sleep(0.05)


def compile_model():
    with strategy.scope():
        optimizer = keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.8)
        model.compile(optimizer, "mse", metrics=["mae"])


def callbacks():
    name = f"{os.environ['PENSTOCK_ELASTIC_WORKER']}.weights.h5"
    return [
        Follow(),
        stopping,
        keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=0.2),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.ModelCheckpoint(
            os.path.join(WHAT["folder"], name), save_best_only=True, save_weights_only=True
        ),
    ]


earlier = 0  # steps of earlier fits, which workers that come later have not made
keras.utils.set_random_seed(1)
strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    model = keras.Sequential([keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1)])
compile_model()
stopping = keras.callbacks.EarlyStopping(patience=3, min_delta=0.1, restore_best_weights=True)
training, validation = dataset(0), dataset(1)
for epochs in (3, 1):
    history = model.fit(
        training, epochs=epochs, validation_data=validation, verbose=0, callbacks=callbacks()
    )
    earlier += BATCHES * len(history.epoch)
    say("history", history=history.history, epochs=history.epoch, wait=stopping.wait)
    say("evaluate", logs=model.evaluate(validation, verbose=0, return_dict=True))
    model.layers[0].trainable = False
    compile_model()
    model.optimizer.learning_rate = float(model.optimizer.learning_rate) * 0.5
say("weights", weights=[w.tolist() for w in model.get_weights()])
say("predictions", values=model.predict(validation, verbose=0)[:3].tolist())
