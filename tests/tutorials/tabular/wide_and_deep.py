"""Wide and deep: crossed categories beside embeddings, a deep and cross network, and class weights."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(42)
rng = np.random.default_rng(42)
count = 380
numbers = rng.normal(size=(count, 4)).astype("float32")
first, second = rng.choice(list("abcde"), count), rng.choice(list("xyz"), count)
strength = {"ax": 2.0, "by": -2.0, "cz": 1.5}
bonus = np.array([strength.get(a + b, 0.0) for a, b in zip(first, second)])
y = (numbers[:, 0] + bonus + rng.normal(0, 0.5, count) > 0.8).astype("float32")
data = tf.data.Dataset.from_tensor_slices(
    ({"numbers": numbers, "first": first, "second": second}, y)
)
train, valid = data.take(300).shuffle(300, seed=1).batch(64), data.skip(300).batch(64)


def inputs_of():
    return {
        "numbers": keras.Input((4,), name="numbers"),
        "first": keras.Input((), name="first", dtype="string"),
        "second": keras.Input((), name="second", dtype="string"),
    }


def encode(inputs, embed):
    features = []
    for name, vocabulary in (("first", list("abcde")), ("second", list("xyz"))):
        lookup = layers.StringLookup(
            vocabulary=vocabulary, num_oov_indices=1, output_mode="int" if embed else "binary"
        )
        code = lookup(inputs[name] if embed else layers.Reshape((1,))(inputs[name]))
        features.append(layers.Embedding(len(vocabulary) + 1, 4)(code) if embed else code)
    return layers.concatenate([*features, inputs["numbers"]])


def wide_and_deep():
    inputs = inputs_of()
    wide = layers.BatchNormalization()(encode(inputs, embed=False))
    deep = encode(inputs, embed=True)
    for units in (24, 12):
        deep = layers.Dense(units)(deep)
        deep = layers.BatchNormalization()(deep)
        deep = layers.Dropout(0.1)(layers.ReLU()(deep))
    return keras.Model(
        inputs, layers.Dense(1, activation="sigmoid")(layers.concatenate([wide, deep]))
    )


def deep_and_cross():
    inputs = inputs_of()
    start = cross = layers.BatchNormalization()(encode(inputs, embed=True))
    for _ in range(2):
        cross = start * layers.Dense(cross.shape[-1])(cross) + cross
    deep = layers.Dense(16, activation="selu", kernel_initializer="lecun_normal")(start)
    return keras.Model(
        inputs, layers.Dense(1, activation="sigmoid")(layers.concatenate([cross, deep]))
    )


for name, build in (("wide", wide_and_deep), ("cross", deep_and_cross)):
    model = build()
    model.compile(
        keras.optimizers.Nadam(5e-3),
        "binary_crossentropy",
        metrics=[keras.metrics.Precision(), keras.metrics.Recall(), keras.metrics.AUC(curve="PR")],
    )
    history = model.fit(
        train, epochs=4, validation_data=valid, class_weight={0: 1.0, 1: 1.7}, verbose=0
    ).history
    print("RESULT loss", name, *history["loss"])
    print("RESULT val_loss", name, *history["val_loss"])
    print("RESULT predictions", name, model.predict(valid, verbose=0)[:6].ravel())
