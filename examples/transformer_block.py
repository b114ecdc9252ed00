"""A small causal transformer learns to repeat a pattern, with Keras layers and a custom model class."""

import keras
import numpy as np
import tensorflow as tf

L = keras.layers
keras.utils.set_random_seed(5)


class Block(L.Layer):
    """Self-attention and a dense part, each with a residual connection."""

    def __init__(self, width, heads, **options):
        super().__init__(**options)
        self.attention = L.MultiHeadAttention(heads, width // heads)
        self.norms = [L.LayerNormalization(), L.LayerNormalization()]
        self.expand = L.Dense(4 * width, activation="gelu")
        self.contract = L.Dense(width)

    def call(self, x):
        y = self.norms[0](x)
        x = x + self.attention(y, y, use_causal_mask=True)
        return x + self.contract(self.expand(self.norms[1](x)))


inputs = keras.Input((24,), dtype="int32")
x = L.Embedding(16, 32)(inputs) + L.Embedding(24, 32)(tf.range(24))
for _ in range(2):
    x = Block(32, 4)(x)
model = keras.Model(inputs, L.Dense(16)(L.LayerNormalization()(x)))
model.compile(
    keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)

start = np.random.default_rng(5).integers(0, 16, (512, 1))
tokens = ((start + np.arange(25) * 3) % 16).astype("int32")
history = model.fit(tokens[:, :-1], tokens[:, 1:], batch_size=32, epochs=4, verbose=2)
assert history.history["loss"][-1] < 0.5
