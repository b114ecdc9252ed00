"""Text batches of ever new lengths: attention pooling with masks, dropout, and a remainder decides on the padding."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(202)
rng = np.random.default_rng(202)
VOCABULARY, WIDTH = 50, 16
glorot = tf.keras.initializers.GlorotUniform(seed=5)


class Reader(tf.Module):
    def __init__(self):
        super().__init__()
        self.table = tf.Variable(tf.random.normal([VOCABULARY, WIDTH], stddev=0.3), name="table")
        self.query = tf.Variable(tf.random.normal([WIDTH, 1]), name="query")
        self.kernel = tf.Variable(glorot([3, WIDTH, WIDTH]), name="kernel")
        self.out = tf.Variable(glorot([WIDTH, 3]), name="out")

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.bool)]
    )
    def __call__(self, ids, training):
        length = tf.shape(ids)[1]
        ids = tf.pad(ids, [[0, 0], [0, -length % 4]])  # to a multiple of four
        mask = tf.cast(ids != 0, tf.float32)
        x = tf.nn.embedding_lookup(self.table, ids)
        position = tf.cast(tf.range(tf.shape(ids)[1]), tf.float32)[:, None]
        rates = tf.exp(-tf.range(WIDTH / 2, dtype=tf.float32))
        x += 0.1 * tf.concat([tf.sin(position * rates), tf.cos(position * rates)], 1)
        x = tf.cond(training, lambda: tf.nn.dropout(x, 0.2), lambda: tf.identity(x))
        x = tf.nn.gelu(tf.nn.conv1d(x * mask[..., None], self.kernel, 1, "SAME"))
        scores = tf.squeeze(tf.tensordot(x, self.query, 1), -1)
        weights = tf.nn.softmax(tf.where(mask > 0, scores, -1e9))
        halves = tf.reshape(x, [tf.shape(x)[0], 2, tf.shape(x)[1] // 2, WIDTH])
        pooled = tf.einsum("bt,btw->bw", weights, x) + tf.reduce_max(halves, [1, 2])
        return pooled @ self.out


reader = Reader()
velocity = [tf.Variable(tf.zeros_like(v)) for v in reader.trainable_variables]


@tf.function(reduce_retracing=True)
def train(ids, labels, rate):
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, reader(ids, True))
        loss = tf.reduce_mean(losses)
    for v, m, g in zip(
        reader.trainable_variables, velocity, tape.gradient(loss, reader.trainable_variables)
    ):
        if isinstance(g, tf.IndexedSlices):
            g = tf.math.unsorted_segment_sum(g.values, g.indices, VOCABULARY)
        m.assign(0.8 * m + g)
        v.assign_sub(rate * m)
    return loss


def batch(rows, length):
    lengths = rng.integers(2, length + 1, rows)
    lengths[0] = length
    ids = rng.integers(1, VOCABULARY, (rows, length)) * (np.arange(length) < lengths[:, None])
    return ids.astype("int32"), ((ids % 7 == 0).sum(1) % 3).astype("int32")


for k, length in enumerate([5, 8, 13, 6, 21, 34, 7, 9, 10, 11, 12, 3, 17, 40, 19, 23]):
    ids, labels = batch(6 + k % 3, length)
    loss = train(tf.constant(ids), tf.constant(labels), tf.constant(0.05))
    print("RESULT", k, length, float(loss))
for length in (4, 5, 6, 7, 30):
    ids, labels = batch(3, length)
    print("RESULT logits", length, reader(ids, tf.constant(False)).numpy()[0])


@tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
def by_length(x):
    """What depends on the length by a remainder, a bit, a table and a comparison."""
    n = tf.size(x)
    table = tf.constant([0.5, 1.0, 2.0, 4.0])
    chosen = tf.switch_case(n % 3, [lambda: tf.reduce_sum(x), lambda: x[0], lambda: x[-1]])
    rolled = tf.roll(x, n // 2, 0)
    even = tf.reshape(x[: n - n % 2], [-1, 2])
    top = tf.math.top_k(x, tf.minimum(n, 3)).values
    return (
        chosen * table[n % 4],
        rolled[tf.bitwise.bitwise_and(n, 1)],
        tf.reduce_sum(even, 0),
        tf.reduce_mean(top),
        tf.reduce_sum(tf.linspace(0.0, 1.0, n) * x),
        tf.reduce_max(x, axis=n % 1),
    )


for n in (3, 4, 5, 6, 7, 8, 9, 10, 16, 31):
    values = by_length(tf.constant(rng.normal(size=n).astype("float32")))
    print("RESULT by", n, *(x for v in values for x in np.ravel(v)))
