"""A program that trains Keras models in pipeline stages, and prints what came out as JSON.

`penstock run training.py FOLDER none` trains without a strategy, `penstock launch -n 2 training.py FOLDER 1F1B 1` in two stages.
"""

import contextlib
import json
import sys

import keras
import numpy as np
import tensorflow as tf

folder = sys.argv[1]
schedule = sys.argv[2] if len(sys.argv) > 2 else "1F1B"
replicas = int(sys.argv[3]) if len(sys.argv) > 3 else 1
only = sys.argv[4].split(",") if len(sys.argv) > 4 else ["perceptron", "residual", "transformer"]
layers = keras.layers


def perceptron():
    """Dense layers with a regularizer."""
    return keras.Sequential(
        [
            keras.Input([6]),
            layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            layers.Dense(12, activation="tanh"),
            layers.Dense(8, activation="tanh", activity_regularizer="l2"),
            layers.Dense(4, activation="softmax"),
        ]
    )


def residual():
    """Convolutions with batch normalization and skips."""
    x = images = keras.Input([4, 4, 3])
    x = layers.Conv2D(8, 3, padding="same")(x)
    for _ in range(2):
        y = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.Conv2D(8, 3, padding="same")(y)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(4, activation="softmax")(x))


def transformer():
    """A block of attention over embedded words, of which zeros are masked."""
    words = keras.Input([6], dtype="int32")
    x = layers.Embedding(32, 8, mask_zero=True)(words)
    x = layers.Dense(8)(x)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    x = layers.LayerNormalization()(x + layers.Dense(8)(layers.Dense(16, "gelu")(x)))
    return keras.Model(words, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


def trained(name, inputs, labels):
    """What a model gives after some epochs of batches that are not all of one size."""
    keras.utils.set_random_seed(7)
    strategy = None
    if schedule != "none" or name == "residual":  # in which statistics are those of micro-batches
        strategy = tf.distribute.experimental.PipelineStrategy(
            micro_batches=2, schedule=schedule.replace("none", "GPipe"), replicas=replicas
        )
    with contextlib.nullcontext() if strategy is None else strategy.scope():
        model = globals()[name]()
        model.compile(
            keras.optimizers.Adam(0.01, global_clipnorm=0.5),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
    held = dict(validation_data=(inputs[:7], labels[:7]), batch_size=8, shuffle=False)
    history = model.fit(inputs, labels, epochs=2, verbose=0, **held).history

    def size(variables):
        return sum(
            int(v.value.handle._value.value.nbytes)
            for v in variables
            if v.value.handle._value.value is not None
        )

    made = {
        **history,
        "evaluated": model.evaluate(inputs, labels, batch_size=8, verbose=0),
        "predicted": model.predict(inputs[:5], batch_size=3, verbose=0).tolist(),
        "bytes": size(model.weights),
        "slots": size(model.optimizer.variables),
    }
    if strategy is not None:
        own = f"{folder}/{name}-{strategy.grid.size}-{strategy.grid.rank}"
        model.save(f"{own}.keras")
        tf.train.Checkpoint(model=model).write(f"{own}.checkpoint")
    made["weights"] = [
        np.asarray(w).ravel()[:3].tolist() + [float(np.abs(w).sum())] for w in model.get_weights()
    ]
    made["moments"] = [float(np.abs(v.numpy()).sum()) for v in model.optimizer.variables]
    model.layers[-2].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    again = model.fit(inputs, labels, batch_size=13, shuffle=False, verbose=0)
    made["again"] = again.history["loss"]
    return made


random = np.random.default_rng(1)
labels = random.integers(0, 4, 26)
data = {
    "perceptron": random.normal(size=[26, 6]).astype("float32"),
    "residual": random.normal(size=[26, 4, 4, 3]).astype("float32"),
    "transformer": random.integers(0, 32, [26, 6]).astype("int32"),
}
for name in only:
    print(json.dumps({"model": name, **trained(name, data[name], labels)}), flush=True)
