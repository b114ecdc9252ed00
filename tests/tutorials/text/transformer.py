"""A transformer block with token and position embeddings classifies sequences."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(13)
rng = np.random.default_rng(13)
VOCABULARY, LENGTH = 40, 24
x = rng.integers(1, VOCABULARY, (350, LENGTH))
y = ((x[:, :12] < 8).sum(1) > (x[:, 12:] < 8).sum(1)).astype("int32")


class TransformerBlock(layers.Layer):
    def __init__(self, width, heads, hidden, rate=0.1):
        super().__init__()
        self.attention = layers.MultiHeadAttention(num_heads=heads, key_dim=width // heads)
        self.dense = keras.Sequential(
            [layers.Dense(hidden, activation="relu"), layers.Dense(width)]
        )
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.norm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs):
        h = self.norm1(inputs + self.dropout1(self.attention(inputs, inputs)))
        return self.norm2(h + self.dropout2(self.dense(h)))


class TokenAndPosition(layers.Layer):
    def __init__(self, length, vocabulary, width):
        super().__init__()
        self.tokens = layers.Embedding(vocabulary, width)
        self.positions = layers.Embedding(length, width)

    def call(self, x):
        return self.tokens(x) + self.positions(ops.arange(0, ops.shape(x)[-1]))


inputs = layers.Input((LENGTH,))
h = TokenAndPosition(LENGTH, VOCABULARY, 16)(inputs)
h = TransformerBlock(16, 2, 32)(h)
h = layers.GlobalAveragePooling1D()(h)
h = layers.Dropout(0.1)(h)
h = layers.Dense(20, activation="relu")(h)
model = keras.Model(inputs, layers.Dense(2, activation="softmax")(h))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x[:300], y[:300], batch_size=64, epochs=4, validation_data=(x[300:], y[300:]), verbose=0
).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
print("RESULT predictions", model.predict(x[300:306], verbose=0).ravel())
