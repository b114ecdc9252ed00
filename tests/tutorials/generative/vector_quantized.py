"""A VQ-VAE: a codebook between encoder and decoder, straight-through gradients, then a causal network over its codes."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(30)
rng = np.random.default_rng(30)
x = rng.random((40, 16, 16, 1)).astype("float32")
x[:, ::4] = 1 - x[:, ::4] * 0.1


class Codebook(layers.Layer):
    def __init__(self, codes, depth, beta=0.25):
        super().__init__()
        self.codes, self.depth, self.beta = codes, depth, beta
        start = tf.random_uniform_initializer(seed=3)
        self.table = tf.Variable(start((depth, codes)), name="table")

    def call(self, inputs):
        flat = tf.reshape(inputs, [-1, self.depth])
        chosen = tf.one_hot(self.nearest(flat), self.codes)
        quantized = tf.reshape(tf.matmul(chosen, self.table, transpose_b=True), tf.shape(inputs))
        commitment = tf.reduce_mean((tf.stop_gradient(quantized) - inputs) ** 2)
        fit = tf.reduce_mean((quantized - tf.stop_gradient(inputs)) ** 2)
        self.add_loss(self.beta * commitment + fit)
        return inputs + tf.stop_gradient(quantized - inputs)

    def nearest(self, flat):
        alike = tf.matmul(flat, self.table)
        distances = tf.reduce_sum(flat**2, axis=1, keepdims=True)
        distances += tf.reduce_sum(self.table**2, axis=0) - 2 * alike
        return tf.argmin(distances, axis=1)


codebook = Codebook(16, 6)
encoder = keras.Sequential(
    [
        keras.Input((16, 16, 1)),
        layers.Conv2D(8, 3, strides=2, activation="relu", padding="same"),
        layers.Conv2D(12, 3, strides=2, activation="relu", padding="same"),
        layers.Conv2D(6, 1),
    ]
)
decoder = keras.Sequential(
    [
        keras.Input((4, 4, 6)),
        layers.Conv2DTranspose(12, 3, strides=2, activation="relu", padding="same"),
        layers.Conv2DTranspose(8, 3, strides=2, activation="relu", padding="same"),
        layers.Conv2DTranspose(1, 3, padding="same"),
    ]
)
optimizer = keras.optimizers.Adam(2e-3)


@tf.function
def step(batch):
    with tf.GradientTape() as tape:
        restored = decoder(codebook(encoder(batch, training=True)), training=True)
        error = tf.reduce_mean((batch - restored) ** 2)
        loss = error + tf.add_n(codebook.losses)
    variables = [*encoder.trainable_variables, *decoder.trainable_variables, codebook.table]
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return error, loss


for epoch in range(3):
    for batch in tf.data.Dataset.from_tensor_slices(x).batch(10):
        error, loss = step(batch)
    print("RESULT loss", epoch, float(error), float(loss))

features = encoder(x)
codes = tf.reshape(codebook.nearest(tf.reshape(features, [-1, 6])), [40, 4, 4])
print("RESULT codes", codes.dtype.name, codes.shape, len(np.unique(codes)))


class Causal(layers.Layer):
    def __init__(self, kind, **options):
        super().__init__()
        self.kind, self.conv = kind, layers.Conv2D(**options)

    def build(self, shape):
        self.conv.build(shape)
        height, width, *_ = self.conv.kernel.shape
        mask = np.zeros(self.conv.kernel.shape, "float32")
        mask[: height // 2] = 1
        mask[height // 2, : width // 2] = 1
        if self.kind == "B":
            mask[height // 2, width // 2] = 1
        self.mask = mask

    def call(self, x):
        self.conv.kernel.assign(self.conv.kernel * self.mask)
        return self.conv(x)


inputs = keras.Input((4, 4), dtype="int64")
h = layers.Lambda(lambda c: tf.one_hot(c, 16), output_shape=(4, 4, 16))(inputs)
h = Causal("A", filters=12, kernel_size=3, activation="relu", padding="same")(h)
h = Causal("B", filters=12, kernel_size=1, activation="relu")(h)
prior = keras.Model(inputs, layers.Conv2D(16, 1)(h))
# The codes of another grid: those of the encoder hang on rounding where two are as near.
grid = rng.integers(0, 16, (40, 4, 4))
prior.compile(
    keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
print(
    "RESULT prior",
    *prior.fit(grid, grid, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"],
)
first = prior.predict(grid[:1] * 0, verbose=0)[0]
print("RESULT first", float(first.mean()), *first[0, 0, :4])
decoded = decoder(tf.reshape(tf.gather(tf.transpose(codebook.table), grid[:2]), [2, 4, 4, 6]))
print("RESULT decoded", decoded.shape, float(tf.reduce_mean(decoded)))
