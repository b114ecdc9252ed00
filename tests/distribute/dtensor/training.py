"""A program that trains Keras models under a distribution, and prints what came out as JSON.

`python training.py` runs it alone, without a distribution; `penstock launch -n 2 training.py model` in two processes.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

kind = sys.argv[1] if len(sys.argv) > 1 else "none"
count = tf.experimental.dtensor.num_clients()
random = np.random.default_rng(1)


def distribution():
    """The distribution of this run; None for none."""
    if kind == "data":
        return keras.distribution.DataParallel()
    if kind == "none":
        return None
    shape = (2, count // 2) if kind == "both" else (1, count)
    mesh = keras.distribution.DeviceMesh(shape, ("batch", "model"))
    layouts = keras.distribution.LayoutMap(mesh)
    layouts[".*up/kernel"] = (None, "model")
    layouts[".*(query|key|value)/kernel"] = (None, "model", None)
    layouts[".*up/bias"] = ("model",)
    layouts[".*down/kernel"] = ("model", None)
    layouts[".*attention_output/kernel"] = ("model", None, None)
    layouts[".*words/embeddings"] = ("model", None)
    return keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")


def perceptron():
    """A model of dense layers, divided by columns, then by rows, with dropout and a batch norm."""
    return keras.Sequential(
        [
            keras.layers.Dense(16, activation="relu", name="up"),
            keras.layers.Dropout(0.25, seed=3),
            keras.layers.Dense(8, use_bias=False, name="down"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )


def transformer():
    """A block of attention and dense layers over embedded words."""
    words = keras.Input([6], dtype="int32")
    x = keras.layers.Embedding(32, 8, name="words")(words)
    attended = keras.layers.MultiHeadAttention(4, 2, name="attention")(x, x)
    x = keras.layers.LayerNormalization()(x + attended)
    hidden = keras.layers.Dense(16, activation="gelu", name="up")(x)
    x = keras.layers.LayerNormalization()(x + keras.layers.Dense(8, name="down")(hidden))
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(words, keras.layers.Dense(4, activation="softmax")(x))


def trained(make, inputs, labels):
    """Losses of epochs, what the trained model gives, and how many bytes its kernels take here."""
    keras.utils.set_random_seed(7)
    model = make()
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(inputs, labels, batch_size=8, epochs=3, verbose=0)
    held = {
        v.path: int(v.value.handle._value.value.nbytes)
        for v in model.weights
        if "/kernel" in v.path or "embeddings" in v.path
    }
    return {
        "losses": history.history["loss"],
        "accuracy": history.history["accuracy"],
        "evaluated": model.evaluate(inputs, labels, batch_size=8, verbose=0),
        "predicted": model.predict(inputs[:3], verbose=0).tolist(),
        "weights": float(sum(abs(np.array(w)).sum() for w in model.get_weights())),
        "bytes": held,
        "moments": sorted(
            int(v.value.handle._value.value.nbytes) for v in model.optimizer.variables
        )[-4:],
    }


keras.distribution.initialize() if kind != "none" else None
made = distribution()
if made is not None:
    keras.distribution.set_distribution(made)
features = random.normal(size=[28, 6]).astype("float32")
labels = (features[:, 0] > 0) + 2 * (features[:, 1] > 0)
results = {"perceptron": trained(perceptron, features, labels)}
if kind != "both":
    words = random.integers(0, 32, [28, 6]).astype("int32")
    results["transformer"] = trained(transformer, words, random.integers(0, 4, 28))
print(json.dumps(results))
