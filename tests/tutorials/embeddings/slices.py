"""Recommendation with many tables: hashed and shared embeddings, pairwise products, gradients accumulated as slices over batches."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(292)
rng = np.random.default_rng(292)
N, WIDTH = 160, 6
users, items = rng.integers(0, 500, N), rng.integers(0, 90, N)
history = rng.integers(0, 90, (N, 4))
dense = rng.lognormal(size=(N, 3)).astype("float32")
clicked = ((users % 7 + items % 5 + dense[:, 0]) > 6).astype("float32")


class Tables(keras.Model):
    """Bottom network, tables, products of all pairs, top network."""

    def __init__(self):
        super().__init__()
        self.hashing = layers.Hashing(50, salt=7)
        self.users = layers.Embedding(50, WIDTH, embeddings_regularizer=keras.regularizers.L2(1e-3))
        self.items = layers.Embedding(90, WIDTH, embeddings_initializer="he_normal")
        self.quotient = layers.Embedding(10, WIDTH)
        self.remainder = layers.Embedding(9, WIDTH)
        self.bottom = keras.Sequential([layers.Dense(8, "relu"), layers.Dense(WIDTH)])
        self.top = keras.Sequential([layers.Dense(8, "relu"), layers.Dense(1)])

    def call(self, inputs):
        user, item, past, numbers = inputs
        vectors = [
            self.bottom(tf.math.log1p(numbers)),
            self.users(self.hashing(user)),
            self.items(item),
            tf.reduce_mean(self.items(past), 1),
            self.quotient(item // 9) * self.remainder(item % 9),
        ]
        stacked = tf.stack(vectors, 1)
        products = tf.matmul(stacked, stacked, transpose_b=True)
        cells = [(i, j) for i in range(5) for j in range(i)]
        pairs = tf.stack([products[:, i, j] for i, j in cells], 1)
        return self.top(tf.concat([vectors[0], pairs], 1))[:, 0]


model = Tables()
arrays = (users, items, history, dense)


def rows(k, n):
    return tuple(a[k : k + n] for a in arrays)


model(rows(0, 2))
print(
    "RESULT variables",
    len(model.trainable_variables),
    sum(int(tf.size(v)) for v in model.trainable_variables),
)
variables = model.trainable_variables
dense_ones = [v for v in variables if "embeddings" not in v.path]
tables = [v for v in variables if "embeddings" in v.path]
adam, adagrad = (
    keras.optimizers.Adam(0.01),
    keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.01),
)
adam.build(dense_ones)
adagrad.build(tables)


for epoch in range(2):
    losses = []
    for k in range(0, N, 48):
        with tf.GradientTape(persistent=True) as tape:
            logits = model(rows(k, 48), training=True)
            loss = keras.losses.binary_crossentropy(clicked[k : k + 48], logits, from_logits=True)
            total = loss + tf.add_n(model.losses)
        adam.apply_gradients(zip(tape.gradient(total, dense_ones), dense_ones))
        slices = tape.gradient(total, tables)
        adagrad.apply_gradients(zip(slices, tables))
        losses.append(float(loss))
    kinds = [type(g).__name__ for g in slices]
    print(
        "RESULT epoch", epoch, *losses, *kinds, *[float(tf.linalg.global_norm([g])) for g in slices]
    )

# Accumulated over batches: slices of one table are joined, and added up once.
table = tf.Variable(rng.normal(size=(12, 3)).astype("float32"))
gathered = []
for _ in range(3):
    picked = tf.constant(rng.integers(0, 12, 5))
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(tf.gather(table, picked) ** 2)
    gathered.append(tape.gradient(value, table))
joined = tf.IndexedSlices(
    tf.concat([g.values for g in gathered], 0),
    tf.concat([g.indices for g in gathered], 0),
    gathered[0].dense_shape,
)
unique, where = tf.unique(joined.indices)
summed = tf.math.unsorted_segment_sum(joined.values, where, tf.size(unique))
print("RESULT unique", *unique.numpy(), float(tf.norm(summed)))
tf.compat.v1.scatter_sub(table, unique, 0.1 * summed)
print("RESULT scattered", float(tf.reduce_sum(table)))
table.scatter_max(tf.IndexedSlices(tf.fill([2, 3], 0.5), [0, 3]))
table.scatter_nd_add([[2, 1], [2, 1], [4, 0]], [1.0, 2.0, 3.0])
print("RESULT updated", *table.numpy()[:5].ravel())
scaled = tf.math.scalar_mul(0.5, gathered[0])
print(
    "RESULT scaled", type(scaled).__name__, float(tf.norm(scaled.values)), *scaled.indices.numpy()
)
clipped, norm = tf.clip_by_global_norm([gathered[0], tf.constant([3.0, 4.0])], 2.0)
print("RESULT clipped", type(clipped[0]).__name__, float(norm), float(tf.norm(clipped[0].values)))
added = tf.add_n([tf.convert_to_tensor(g) for g in gathered])
print("RESULT added", float(tf.norm(added)), float(tf.norm(tf.convert_to_tensor(joined) - added)))


@tf.function
def chosen(k):
    """Slices out of one branch, dense out of the other."""
    with tf.GradientTape() as tape:
        if k > 1:
            value = tf.reduce_sum(tf.gather(table, [k, k]))
        else:
            value = tf.reduce_sum(table**2) / 2
    return tf.convert_to_tensor(tape.gradient(value, table))


for k in (0, 2, 7):
    print("RESULT branch", k, float(tf.norm(chosen(tf.constant(k)))))
