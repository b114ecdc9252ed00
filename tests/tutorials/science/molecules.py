"""GAT and MPNN by segment ops with GRU updates, on batched molecule graphs (ragged -> merged)."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(41)
rng = np.random.default_rng(41)
N = 30
graphs = []
for _ in range(N):
    k = int(rng.integers(3, 8))
    e = np.array(
        [(i, j) for i in range(k) for j in range(k) if i != j and rng.random() < 0.5]
        + [(i, i) for i in range(k)]
    )
    graphs.append(
        (
            rng.normal(size=(k, 6)).astype("float32"),
            rng.normal(size=(len(e), 4)).astype("float32"),
            e.astype("int64"),
        )
    )
X = tuple(
    tf.ragged.constant([g[i].tolist() for g in graphs], dtype=t)
    for i, t in enumerate((tf.float32, tf.float32, tf.int64))
)
y = np.array([float(g[0][:, 0].max() > 1) for g in graphs])


def prepare(x, y):
    atom, bond, pair = x
    na, nb = atom.row_lengths(), bond.row_lengths()
    idx = tf.range(len(na))
    ind = tf.repeat(idx, na)
    gi = tf.repeat(idx, nb)
    inc = tf.cumsum(na[:-1])
    inc = tf.pad(tf.gather(inc, tf.gather(idx[1:] - 1, tf.maximum(gi - 1, 0))), [(0, 0)]) * tf.cast(
        gi > 0, tf.int64
    )
    pair = pair.merge_dims(0, 1).to_tensor() + inc[:, None]
    return (atom.merge_dims(0, 1).to_tensor(), bond.merge_dims(0, 1).to_tensor(), pair, ind), y


ds = (
    tf.data.Dataset.from_tensor_slices((X, y))
    .shuffle(64, seed=1)
    .batch(8)
    .map(prepare, -1)
    .prefetch(-1)
)


class EdgeNetwork(layers.Layer):
    def build(self, s):
        self.d, self.b = s[0][-1], s[1][-1]
        self.kernel = self.add_weight(
            shape=(self.b, self.d * self.d), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(self.d * self.d,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs):
        a, b, p = inputs
        b = tf.reshape(tf.matmul(b, self.kernel) + self.bias, (-1, self.d, self.d))
        nb = tf.expand_dims(tf.gather(a, p[:, 1]), -1)
        t = tf.squeeze(tf.matmul(b, nb), -1)
        return tf.math.unsorted_segment_sum(t, p[:, 0], tf.shape(a)[0])


class MessagePassing(layers.Layer):
    def __init__(self, units, steps=3):
        super().__init__()
        self.units, self.steps = units, steps

    def build(self, s):
        self.step = EdgeNetwork()
        self.pad = max(0, self.units - s[0][-1])
        self.cell = layers.GRUCell(s[0][-1] + self.pad)
        self.built = True

    def call(self, inputs):
        a, b, p = inputs
        u = tf.pad(a, [(0, 0), (0, self.pad)])
        for _ in range(self.steps):
            agg = self.step([u, b, p])
            u, _ = self.cell(agg, u)
        return u


class GAT(layers.Layer):
    def __init__(self, units, heads):
        super().__init__()
        self.units, self.heads = units, heads

    def build(self, s):
        self.w = self.add_weight(
            shape=(s[0][-1], self.heads * self.units), name="w", initializer="glorot_uniform"
        )
        self.a = self.add_weight(
            shape=(2, self.heads, self.units), name="a", initializer="glorot_uniform"
        )
        self.built = True

    def call(self, inputs):
        a, p = inputs
        h = tf.reshape(a @ self.w, [-1, self.heads, self.units])
        s = tf.nn.leaky_relu(
            tf.reduce_sum(tf.gather(h, p[:, 0]) * self.a[0] + tf.gather(h, p[:, 1]) * self.a[1], -1)
        )
        s = tf.math.exp(tf.clip_by_value(s, -2, 2))
        n = tf.math.unsorted_segment_sum(s, p[:, 0], tf.shape(a)[0])
        al = s / tf.gather(n, p[:, 0])
        o = tf.math.unsorted_segment_sum(
            tf.gather(h, p[:, 1]) * al[..., None], p[:, 0], tf.shape(a)[0]
        )
        return tf.reshape(o, [-1, self.heads * self.units])


class Readout(layers.Layer):
    def call(self, inputs):
        a, ind = inputs
        parts = tf.dynamic_partition(a, tf.cast(ind, tf.int32), 8)
        mx = tf.math.segment_max(a, ind)
        mean = tf.math.segment_mean(a, ind)
        counts = tf.stack([tf.shape(q)[0] for q in parts])
        sqrt = tf.math.unsorted_segment_sqrt_n(a, ind, tf.shape(mx)[0])
        return tf.concat(
            [mx, mean, sqrt, tf.cast(counts[: tf.shape(mx)[0]], tf.float32)[:, None]], -1
        )


ins = [
    layers.Input((6,), dtype="float32"),
    layers.Input((4,), dtype="float32"),
    layers.Input((2,), dtype="int64"),
    layers.Input((), dtype="int64"),
]
x = MessagePassing(10)(ins[:3])
x = GAT(5, 2)([x, ins[2]])
x = Readout()([x, ins[3]])
x = layers.Dense(12, activation="relu")(x)
m = keras.Model(ins, layers.Dense(1, activation="sigmoid")(x))
m.compile(
    loss=keras.losses.BinaryCrossentropy(),
    optimizer=keras.optimizers.Adam(5e-3),
    metrics=[keras.metrics.AUC(name="AUC")],
)
h = m.fit(ds, epochs=5, class_weight={0: 2.0, 1: 0.5}, verbose=0)
print("RESULT", {k: np.round(v, 4).tolist() for k, v in h.history.items()})
for (a, b, p, i), _ in ds.take(1):
    print("RESULT", a.shape, b.shape, p.shape, int(tf.reduce_max(p)), i.dtype)
print("RESULT", m.count_params(), [w.path for w in m.weights][:6])
