"""A Keras LSTM learns which of two symbols is more frequent in a sequence."""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(3)
random = np.random.default_rng(3)
tokens = random.integers(0, 2, (1024, 20)).astype("int32")
labels = (tokens.sum(1) > 10).astype("int32")

model = keras.Sequential(
    [
        keras.Input((20,), dtype="int32"),
        keras.layers.Embedding(2, 8),
        keras.layers.LSTM(16),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(tokens, labels, batch_size=64, epochs=6, verbose=2, validation_split=0.2)
probabilities = model.predict(tokens[:4], verbose=0)
print("probabilities", tf.squeeze(probabilities).numpy())
assert history.history["val_accuracy"][-1] > 0.9
