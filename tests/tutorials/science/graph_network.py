"""Graph networks: gathered messages and segment sums on edges, a graph convolution by sparse products, attention on edges."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(131)
rng = np.random.default_rng(131)
NODES, CLASSES = 70, 3
kinds = rng.integers(0, CLASSES, NODES)
likely = np.where(kinds[:, None] == kinds[None], 0.2, 0.03)
left, right = np.nonzero(np.triu(rng.random((NODES, NODES)) < likely, 1))
edges = np.stack([np.concatenate([left, right]), np.concatenate([right, left])]).astype("int32")
features = (rng.normal(size=(NODES, 8)) + np.eye(8)[kinds] * 1.2).astype("float32")
train, test = np.arange(50), np.arange(50, NODES)


class GraphConvolution(layers.Layer):
    def __init__(self, units, aggregation="mean"):
        super().__init__()
        self.prepare, self.update = (
            layers.Dense(units, activation="gelu"),
            layers.Dense(units, activation="gelu"),
        )
        self.aggregation = aggregation

    def call(self, inputs):
        nodes, edges, weights = inputs
        messages = self.prepare(tf.gather(nodes, edges[1])) * weights[:, None]
        count = tf.shape(nodes)[0]
        aggregate = {
            "sum": tf.math.unsorted_segment_sum,
            "mean": tf.math.unsorted_segment_mean,
            "max": tf.math.unsorted_segment_max,
        }
        gathered = aggregate[self.aggregation](messages, edges[0], num_segments=count)
        if self.aggregation == "max":
            gathered = tf.maximum(gathered, -1.0)
        return tf.nn.l2_normalize(self.update(tf.concat([nodes, gathered], 1)), axis=-1)


class GraphClassifier(keras.Model):
    def __init__(self, aggregation):
        super().__init__()
        self.features, self.edges = tf.constant(features), tf.constant(edges)
        weights = tf.ones([edges.shape[1]])
        self.edge_weights = weights / tf.reduce_sum(weights) * 50.0
        self.pre, self.post = layers.Dense(16, "gelu"), layers.Dense(16, "gelu")
        self.one, self.two = GraphConvolution(16, aggregation), GraphConvolution(16, aggregation)
        self.out = layers.Dense(CLASSES)

    def call(self, numbers):
        x = self.pre(self.features)
        x = x + self.one((x, self.edges, self.edge_weights))
        x = x + self.two((x, self.edges, self.edge_weights))
        return self.out(tf.gather(self.post(x), numbers))


for aggregation in ("mean", "sum", "max"):
    model = GraphClassifier(aggregation)
    model.compile(
        keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    history = model.fit(train, kinds[train], batch_size=20, epochs=4, verbose=0).history
    print("RESULT", aggregation, *history["loss"], model.evaluate(test, kinds[test], verbose=0))

order = np.lexsort((edges[1], edges[0]))
adjacency = tf.SparseTensor(
    edges[:, order].T.astype("int64"), np.ones(edges.shape[1], "float32"), [NODES, NODES]
)
degrees = tf.sparse.reduce_sum(adjacency, 1) + 1.0
scale = tf.math.rsqrt(degrees)
w1 = tf.Variable(tf.random.stateless_normal([8, 16], [1, 1]) * 0.3)
w2 = tf.Variable(tf.random.stateless_normal([16, CLASSES], [2, 2]) * 0.3)
optimizer = keras.optimizers.Adam(2e-2)


def propagate(h):
    h = h * scale[:, None]
    return (tf.sparse.sparse_dense_matmul(adjacency, h) + h) * scale[:, None]


@tf.function
def step():
    with tf.GradientTape() as tape:
        h = tf.nn.relu(propagate(features @ w1))
        logits = propagate(h @ w2)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
            kinds[train], tf.gather(logits, train)
        )
        loss = tf.reduce_mean(loss) + 1e-3 * tf.nn.l2_loss(w1)
    optimizer.apply_gradients(zip(tape.gradient(loss, [w1, w2]), [w1, w2]))
    return loss, logits


for k in range(12):
    loss, logits = step()
    if k % 4 == 3:
        print("RESULT convolution", k, float(loss), float(tf.norm(logits)))


class GraphAttention(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[0][-1], 6), initializer="glorot_uniform")
        self.attention = self.add_weight(shape=(12, 1), initializer="glorot_uniform")

    def call(self, inputs):
        nodes, edges = inputs
        h = nodes @ self.kernel
        pairs = tf.reshape(tf.gather(h, edges), [tf.shape(edges)[0], -1])
        score = tf.squeeze(
            tf.exp(tf.clip_by_value(tf.nn.leaky_relu(pairs @ self.attention), -2, 2)), -1
        )
        total = tf.math.unsorted_segment_sum(score, edges[:, 0], tf.reduce_max(edges[:, 0]) + 1)
        share = score / tf.repeat(total, tf.math.bincount(tf.cast(edges[:, 0], "int32")))
        gathered = tf.gather(h, edges[:, 1]) * share[:, None]
        return tf.math.unsorted_segment_sum(gathered, edges[:, 0], tf.shape(nodes)[0])


attention = GraphAttention()
pairs = tf.constant(edges[:, order].T)
with tf.GradientTape() as tape:
    out = attention((tf.constant(features), pairs))
    loss = tf.reduce_mean(out**2)
print(
    "RESULT attention",
    float(loss),
    *(float(tf.norm(g)) for g in tape.gradient(loss, attention.trainable_weights)),
)
pooled = tf.math.segment_mean(out, np.sort(rng.integers(0, 4, NODES)))
print(
    "RESULT pooled",
    pooled.numpy().ravel()[:6],
    tf.math.segment_max(out[:6], [0, 0, 1, 1, 1, 2]).numpy()[1],
)
