"""Graph convolution, attention over edges by segment softmax, and graph-level readout with ragged batches."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(6)
rng = np.random.default_rng(6)
N, F, C = (90, 10, 4)
lab = rng.integers(0, C, N)
feat = (np.eye(C)[lab] @ rng.normal(size=(C, F)) + rng.normal(0, 1.5, (N, F))).astype("float32")
edges = np.array(
    [
        (i, j)
        for i in range(N)
        for j in range(N)
        if i != j and rng.random() < (0.12 if lab[i] == lab[j] else 0.015)
    ]
)
src, dst = (tf.constant(edges[:, 0]), tf.constant(edges[:, 1]))


class GAT(keras.layers.Layer):
    def __init__(self, units, heads):
        super().__init__()
        self.u, self.h = (units, heads)

    def build(self, shape):
        self.k = self.add_weight(
            shape=(shape[-1], self.h, self.u), initializer="glorot_uniform", name="k"
        )
        self.a = self.add_weight(shape=(self.h, 2 * self.u), initializer="glorot_uniform", name="a")

    def call(self, x):
        z = tf.einsum("nf,fhu->nhu", x, self.k)
        pair = tf.concat([tf.gather(z, src), tf.gather(z, dst)], -1)
        e = tf.nn.leaky_relu(tf.einsum("ehu,hu->eh", pair, self.a), 0.2)
        e = tf.clip_by_value(e, -2, 2)
        mx = tf.gather(tf.math.unsorted_segment_max(e, dst, N), dst)
        w = tf.exp(e - mx)
        w = w / (tf.gather(tf.math.unsorted_segment_sum(w, dst, N), dst) + 1e-09)
        out = tf.math.unsorted_segment_sum(w[..., None] * tf.gather(z, src), dst, N)
        return tf.reshape(out, [N, self.h * self.u])


class GCN(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.d = keras.layers.Dense(units)

    def call(self, x):
        deg = tf.math.unsorted_segment_sum(tf.ones_like(dst, tf.float32), dst, N) + 1
        norm = tf.math.rsqrt(tf.gather(deg, src) * tf.gather(deg, dst))
        h = self.d(x)
        return (
            tf.math.unsorted_segment_sum(norm[:, None] * tf.gather(h, src), dst, N)
            + h / deg[:, None]
        )


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.g1, self.g2 = (GAT(6, 3), GCN(16))
        self.drop, self.out = (keras.layers.Dropout(0.3), keras.layers.Dense(C))
        self.bn = keras.layers.LayerNormalization()

    def call(self, idx, training=False):
        h = tf.nn.elu(self.g1(self.drop(feat, training=training)))
        h = self.bn(tf.nn.relu(self.g2(h)))
        return tf.gather(self.out(h), tf.reshape(idx, [-1]))


m = Net()
m.compile(
    keras.optimizers.Adam(0.01),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
idx = np.arange(N)
h = m.fit(
    idx[:70], lab[:70], batch_size=32, epochs=5, validation_data=(idx[70:], lab[70:]), verbose=0
)
for k in ("loss", "val_loss", "accuracy"):
    print("RESULT", k, *h.history[k])
print("RESULT logits", m.predict(idx[:3], verbose=0).ravel())
sizes = rng.integers(3, 9, 20)
nodes = tf.RaggedTensor.from_row_lengths(rng.normal(size=(sizes.sum(), 5)).astype("float32"), sizes)
target = tf.constant(sizes % 2, tf.float32)
d1, d2 = (keras.layers.Dense(8, activation="tanh"), keras.layers.Dense(1))
d1.build((None, 5))
d2.build((None, 24))
opt = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)


@tf.function
def step(rag, y):
    with tf.GradientTape() as tape:
        h = d1(rag.values)
        ids = rag.value_rowids()
        r = tf.concat(
            [
                tf.math.segment_mean(h, ids),
                tf.math.segment_max(h, ids),
                tf.math.segment_sum(h, ids) / 4,
            ],
            -1,
        )
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, d2(r)[:, 0]))
    v = d1.trainable_variables + d2.trainable_variables
    opt.apply_gradients(zip(tape.gradient(loss, v), v))
    return loss


for e in range(4):
    print(
        "RESULT graphs", e, *[float(step(nodes[a : a + 8], target[a : a + 8])) for a in (0, 8, 16)]
    )
