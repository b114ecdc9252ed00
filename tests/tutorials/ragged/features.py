"""Ragged features of customers: baskets of baskets through ragged maps, sorts, masks, sparse and segment operations, and a Keras model."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(262)
rng = np.random.default_rng(262)
baskets = [
    [list(map(int, rng.integers(1, 30, rng.integers(0, 5)))) for _ in range(rng.integers(0, 4))]
    for _ in range(40)
]
items = tf.ragged.constant(baskets, ragged_rank=2, dtype=tf.int64)
prices = tf.ragged.map_flat_values(lambda k: tf.cast(k, tf.float32) * 0.5 + 1.0, items)
print(
    "RESULT shape",
    items.shape,
    *items.bounding_shape().numpy(),
    *[len(s) for s in items.nested_row_splits],
)
print(
    "RESULT lengths",
    *items.row_lengths().numpy()[:8],
    *items.row_lengths(axis=2).flat_values.numpy()[:8],
)

totals = tf.reduce_sum(prices, axis=2)
print("RESULT totals", totals.shape, *totals[:6].flat_values.numpy())
print("RESULT per customer", *tf.reduce_sum(totals, 1).numpy()[:6], float(tf.reduce_sum(prices)))
for name, reduce in (
    ("max", tf.reduce_max),
    ("mean", tf.reduce_mean),
    ("std", tf.math.reduce_std),
    ("any", None),
):
    if reduce is None:
        found = tf.reduce_any(items > 25, axis=[1, 2])
        print("RESULT any", int(tf.reduce_sum(tf.cast(found, tf.int32))))
    else:
        values = reduce(prices.merge_dims(1, 2)[:9], axis=1)
        print("RESULT", name, *np.nan_to_num(values.numpy(), posinf=-1, neginf=-1))

flat = items.merge_dims(1, 2)
unsorted = flat.to_tensor(default_value=0)
ordered = tf.RaggedTensor.from_tensor(tf.sort(unsorted, direction="DESCENDING"), padding=0)
print(
    "RESULT sorted",
    *ordered[:5].flat_values.numpy(),
    tf.reduce_all(ordered.row_lengths() == flat.row_lengths()).numpy(),
)
kept = tf.ragged.boolean_mask(flat, flat % 2 == 0)
print("RESULT even", *kept.row_lengths().numpy()[:10], *kept.flat_values.numpy()[:6])
firsts = flat[:, :2]
lasts = flat[:, -1:]
both = tf.concat([firsts, lasts, tf.fill([flat.nrows(), 1], tf.constant(99, tf.int64))], axis=1)
print("RESULT both", *both[:4].flat_values.numpy(), *both.row_lengths().numpy()[:6])
sparse = flat.to_sparse()
print(
    "RESULT sparse",
    *sparse.dense_shape.numpy(),
    sparse.values.shape,
    *tf.sparse.reduce_sum(sparse, 1).numpy()[:5],
)
one_hot = tf.one_hot(flat, 30)
counts = tf.reduce_sum(one_hot, axis=1)
print("RESULT counts", counts.shape, *tf.reduce_sum(counts, 0).numpy()[:8])
print(
    "RESULT bincount",
    *tf.math.bincount(flat[:3], minlength=8, axis=-1).shape,
    int(tf.reduce_sum(tf.math.bincount(flat[:3], axis=-1))),
)
gathered = tf.gather(flat, tf.ragged.constant([[0, 3], [], [5, 5, 1]]))
print("RESULT gathered", gathered.shape, gathered.ragged_rank, int(tf.reduce_sum(gathered)))
equal = tf.ragged.stack([flat[:2], flat[2:5]], axis=0)
print("RESULT stacked", equal.shape, *equal.nested_row_lengths()[0].numpy())
ranges = tf.ragged.range([0, 5, 2], [3, 5, 11], [1, 1, 4])
print("RESULT ranges", *ranges.flat_values.numpy(), *ranges.row_lengths().numpy())
expanded = tf.expand_dims(flat[:5], 2) * tf.constant([[[1, 10]]], tf.int64)
print("RESULT expanded", expanded.shape, int(tf.reduce_sum(expanded)))
pairs = tf.matmul(tf.expand_dims(prices[:6].merge_dims(1, 2).to_tensor(), 2), tf.ones([6, 1, 2]))
print("RESULT pairs", pairs.shape, float(tf.reduce_sum(pairs)))

words = tf.ragged.map_flat_values(tf.strings.as_string, flat[:4])
print(
    "RESULT words",
    tf.strings.reduce_join(words, axis=1, separator="-").numpy().astype(str).tolist(),
)
grams = tf.strings.ngrams(words, 2, separator="_")
print(
    "RESULT grams",
    *grams.row_lengths().numpy(),
    *[g.decode() for g in grams.flat_values.numpy()[:3]],
)
letters = tf.strings.unicode_split(tf.strings.join(["é", tf.constant(["ab", "", "xyz"])]), "UTF-8")
print("RESULT letters", *letters.row_lengths().numpy())


class Basket(layers.Layer):
    """The mean embedding of each ragged row, zero where a row is empty."""

    def __init__(self, size, width):
        super().__init__()
        self.table = self.add_weight(shape=(size, width), initializer="uniform", name="table")

    def call(self, row_ids, owners, rows):
        vectors = tf.gather(self.table, row_ids)
        return tf.math.unsorted_segment_sqrt_n(vectors, owners, rows)


basket, out = Basket(30, 6), layers.Dense(1)
target = tf.math.log1p(tf.reduce_sum(totals, 1))[:, None]
optimizer = keras.optimizers.Adam(0.05)


@tf.function(
    input_signature=[tf.RaggedTensorSpec([None, None], tf.int64), tf.TensorSpec([None, 1])]
)
def step(rows, wanted):
    with tf.GradientTape() as tape:
        pooled = basket(rows.values, rows.value_rowids(), rows.nrows())
        length = tf.cast(rows.row_lengths(), tf.float32)[:, None]
        loss = tf.reduce_mean((out(tf.concat([pooled, tf.sqrt(length)], 1)) - wanted) ** 2)
    variables = basket.trainable_variables + out.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss


for epoch in range(3):
    losses = [float(step(flat[k : k + 11], target[k : k + 11])) for k in range(0, 40, 11)]
    print("RESULT epoch", epoch, *losses)
