"""Networks of sets: deep sets and set attention with induced points, on sets of any number of points, padded or flat."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(205)
rng = np.random.default_rng(205)


def dense(units, activation=None):
    return layers.Dense(units, activation, kernel_initializer="he_normal")


class Induced(layers.Layer):
    """A set attends to learned points, which then attend to it."""

    def __init__(self, points, width, heads):
        super().__init__()
        self.width, self.heads, self.points = width, heads, points
        self.q, self.k, self.v, self.o = (dense(width) for _ in range(4))
        self.norm = layers.LayerNormalization()

    def build(self, shape):
        self.seeds = self.add_weight(
            shape=(1, self.points, self.width), initializer="glorot_uniform", name="seeds"
        )
        for layer in (self.q, self.k, self.v, self.o):
            layer.build((None, None, self.width))
        self.norm.build((None, None, self.width))

    def attend(self, queries, keys, mask):
        def split(x):
            x = tf.reshape(
                x, [tf.shape(x)[0], tf.shape(x)[1], self.heads, self.width // self.heads]
            )
            return tf.transpose(x, [0, 2, 1, 3])

        q, k, v = split(self.q(queries)), split(self.k(keys)), split(self.v(keys))
        scores = tf.matmul(q, k, transpose_b=True) / (self.width / self.heads) ** 0.5
        if mask is not None:
            scores += -1e9 * (1.0 - tf.cast(mask, tf.float32))[:, None, None, :]
        mixed = tf.transpose(tf.nn.softmax(scores) @ v, [0, 2, 1, 3])
        mixed = tf.reshape(mixed, [tf.shape(mixed)[0], -1, self.width])
        return self.norm(queries + self.o(mixed))

    def call(self, x, present):
        seeds = tf.repeat(self.seeds, tf.shape(x)[0], axis=0)
        return self.attend(x, self.attend(seeds, x, present), None)


class SetNet(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = dense(16, "relu")
        self.induced = Induced(4, 16, 2)
        self.rho = keras.Sequential([dense(16, "relu"), dense(3)])

    def call(self, points, training=False):
        present = tf.reduce_any(points != 0, -1)
        x = self.induced(self.first(points), present)
        weight = tf.cast(present, x.dtype)[..., None]
        mean = tf.reduce_sum(x * weight, 1) / tf.reduce_sum(weight, 1)
        return self.rho(tf.concat([mean, tf.reduce_max(x - 1e9 * (1 - weight), 1)], -1))


def make(size):
    kind = int(rng.integers(3))
    angle = rng.uniform(0, 2 * np.pi, size)
    scale = [1.0, np.abs(np.cos(2 * angle)), rng.uniform(0.2, 1, size)][kind]
    return (np.stack([np.cos(angle), np.sin(angle)], 1) * np.reshape(scale, (-1, 1))).astype(
        "float32"
    ), kind


def batches(sizes, rows):
    for size in sizes:
        sets, kinds = zip(*[make(int(rng.integers(2, size + 1))) for _ in range(rows)])
        padded = keras.utils.pad_sequences(sets, padding="post", dtype="float32")
        yield padded, np.array(kinds)


net = SetNet()
net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
sizes = [7, 12, 5, 20, 31, 8, 9, 10, 11, 40, 6, 3]
for padded, kinds in batches(sizes, 10):
    print("RESULT loss", padded.shape[1], float(net.train_on_batch(padded, kinds)))
for padded, _ in batches([4, 9, 25], 5):
    logits = net.predict_on_batch(padded)
    order = rng.permutation(padded.shape[1])
    moved = net.predict_on_batch(padded[:, order])
    print("RESULT same", padded.shape[1], np.allclose(logits, moved, atol=1e-4), logits[0])


@tf.function(input_signature=[tf.TensorSpec([None, 2]), tf.TensorSpec([None], tf.int32)])
def chamfer(points, owner):
    """The distance between consecutive sets in a flat list of points."""
    count = tf.reduce_max(owner) + 1
    squares = tf.reduce_sum((points[:, None] - points[None]) ** 2, -1)
    pair = owner[:, None] + 1 == owner[None]
    nearest = tf.reduce_min(tf.where(pair, squares, 1e3), 1)
    return tf.math.segment_mean(
        tf.boolean_mask(nearest, owner < count - 1), tf.boolean_mask(owner, owner < count - 1)
    )


for _ in range(5):
    counts = rng.integers(1, 7, int(rng.integers(2, 6)))
    points = np.concatenate([make(n)[0] for n in counts])
    print(
        "RESULT chamfer",
        *chamfer(points, np.repeat(np.arange(len(counts)), counts).astype("int32")).numpy(),
    )
