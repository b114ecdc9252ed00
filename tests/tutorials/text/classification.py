"""Sentiment of made sentences: standardize, TextVectorization, an embedding averaged over words, raw strings exported."""

import re
import string

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(11)
rng = np.random.default_rng(11)
good = "wonderful charming warm clever moving superb".split()
bad = "dull awful clumsy boring weak tedious".split()
plain = "the film was and its story with a cast of actors in this it is".split()


def review(label):
    words = list(rng.choice(plain, rng.integers(5, 25)))
    for _ in range(3):
        words[rng.integers(len(words))] = rng.choice(good if label else bad)
    return " ".join(words).capitalize() + rng.choice([".", "!<br />", "..."])


labels = rng.integers(0, 2, 400)
texts = np.array([review(label) for label in labels])


def standardize(text):
    lowered = tf.strings.lower(text)
    stripped = tf.strings.regex_replace(lowered, "<br />", " ")
    return tf.strings.regex_replace(stripped, f"[{re.escape(string.punctuation)}]", "")


vectorize = layers.TextVectorization(
    standardize=standardize, max_tokens=60, output_mode="int", output_sequence_length=20
)
train = tf.data.Dataset.from_tensor_slices((texts[:330], labels[:330])).batch(32)
valid = tf.data.Dataset.from_tensor_slices((texts[330:], labels[330:])).batch(32)
vectorize.adapt(train.map(lambda text, label: text))
print("RESULT vocabulary", len(vectorize.get_vocabulary()), *vectorize.get_vocabulary()[:3])
print("RESULT codes", vectorize(texts[:2]).numpy().ravel())


def to_codes(text, label):
    return vectorize(tf.expand_dims(text, -1)), label


train_codes = train.map(to_codes).cache().prefetch(tf.data.AUTOTUNE)
valid_codes = valid.map(to_codes)
model = keras.Sequential(
    [
        layers.Embedding(60, 16),
        layers.Dropout(0.2),
        layers.GlobalAveragePooling1D(),
        layers.Dropout(0.2),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    loss=keras.losses.BinaryCrossentropy(),
    optimizer=keras.optimizers.Adam(0.02),
    metrics=[keras.metrics.BinaryAccuracy(threshold=0.5), keras.metrics.AUC()],
)
history = model.fit(train_codes, validation_data=valid_codes, epochs=5, verbose=0).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
export = keras.Sequential([keras.Input((1,), dtype="string"), vectorize, model])
examples = tf.constant(["A wonderful, warm film!", "It was dull.", "The story"])
print("RESULT export", export.predict(examples[:, None], verbose=0).ravel())
