"""Structured data by Keras's preprocessing layers: numbers normalized, strings and integers looked up, all merged."""

import numpy as np
import pandas as pd
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(41)
rng = np.random.default_rng(41)
count = 400
frame = pd.DataFrame(
    {
        "breed": rng.choice(["tabby", "collie", "poodle", "siamese"], count),
        "age": rng.integers(0, 12, count),
        "fee": rng.gamma(2.0, 40, count).round(1),
        "photos": rng.integers(0, 8, count),
        "colour": rng.choice(["black", "white", "brown"], count, p=[0.5, 0.3, 0.2]),
    }
)
score = (frame.breed == "collie") * 1.5 - frame.age * 0.3 + frame.photos * 0.3 - frame.fee * 0.01
frame["target"] = (score + rng.normal(0, 0.4, count) > -0.5).astype(int)
train, test = frame[:330], frame[330:]


def dataset(part, shuffle=True, batch=64):
    part = part.copy()
    labels = part.pop("target")
    columns = {key: np.array(value)[:, tf.newaxis] for key, value in part.items()}
    data = tf.data.Dataset.from_tensor_slices((columns, labels))
    if shuffle:
        data = data.shuffle(len(part), seed=5)
    return data.batch(batch).prefetch(batch)


data = dataset(train)
inputs, encoded = {}, []
for name in ("fee", "photos"):
    norm = layers.Normalization(axis=None)
    norm.adapt(data.map(lambda x, y, name=name: tf.cast(x[name], tf.float32)))
    inputs[name] = tf.keras.Input((1,), name=name)
    encoded.append(norm(inputs[name]))
    print("RESULT normalized", name, float(tf.squeeze(norm.mean)), float(tf.squeeze(norm.variance)))
age = layers.IntegerLookup(max_tokens=8)
age.adapt(data.map(lambda x, y: x["age"]))
inputs["age"] = tf.keras.Input((1,), name="age", dtype="int64")
encoded.append(
    layers.CategoryEncoding(num_tokens=age.vocabulary_size(), output_mode="one_hot")(
        age(inputs["age"])
    )
)
for name in ("breed", "colour"):
    lookup = layers.StringLookup(output_mode="one_hot")
    lookup.adapt(data.map(lambda x, y, name=name: x[name]))
    inputs[name] = tf.keras.Input((1,), name=name, dtype="string")
    encoded.append(lookup(inputs[name]))
    print("RESULT vocabulary", name, sorted(lookup.get_vocabulary()))
crossed = layers.HashedCrossing(num_bins=12, output_mode="one_hot")(
    (inputs["breed"], inputs["colour"])
)
features = layers.concatenate([*encoded, crossed])
h = layers.Dense(32, activation="relu")(features)
h = layers.Dropout(0.3)(h)
model = tf.keras.Model(inputs, layers.Dense(1)(h))
model.compile(
    optimizer=tf.keras.optimizers.Adam(1e-2),
    loss=tf.keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=[tf.keras.metrics.BinaryAccuracy(threshold=0), tf.keras.metrics.AUC(from_logits=True)],
)
history = model.fit(data, epochs=4, validation_data=dataset(test, False), verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
sample = {"breed": "collie", "age": 2, "fee": 30.0, "photos": 3, "colour": "green"}
answer = model.predict(
    {name: tf.convert_to_tensor([[value]]) for name, value in sample.items()}, verbose=0
)
print("RESULT probability", float(tf.sigmoid(answer)[0, 0]))
