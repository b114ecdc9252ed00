"""Graphs of ever other sizes as ragged nodes and edges: messages in a function of RaggedTensorSpecs, and a Keras model of sets, with dropout."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

keras.utils.set_random_seed(331)
rng = np.random.default_rng(331)
NODE = 5


def graph():
    """Nodes with features, edges between them, and the class: whether more edges join alike nodes than others."""
    nodes = int(rng.integers(2, 12))
    features = rng.normal(size=(nodes, NODE)).astype("float32")
    edges = rng.integers(0, nodes, (int(rng.integers(0, 3 * nodes)), 2)).astype("int32")
    alike = np.sign(features[edges[:, 0], 0]) == np.sign(features[edges[:, 1], 0])
    return features, edges, int(alike.sum() * 2 > len(edges))


def batch(count):
    features, edges, label = zip(*[graph() for _ in range(count)])
    return (
        tf.RaggedTensor.from_row_lengths(np.concatenate(features), [len(f) for f in features]),
        tf.RaggedTensor.from_row_lengths(np.concatenate(edges), [len(e) for e in edges]),
        tf.constant(label),
    )


class Messages(layers.Layer):
    """One round: each node adds up what its neighbours send, weighed by attention, with edges left out at random."""

    def __init__(self, units, seed):
        super().__init__()
        self.send, self.keep = layers.Dense(units), layers.Dense(units)
        self.weigh = layers.Dense(1)
        self.drop_edges = layers.Dropout(0.3, noise_shape=(None, 1), seed=seed)
        self.drop = layers.Dropout(0.2, seed=seed + 1)

    def call(self, nodes, sources, targets, training=False):
        count = tf.shape(nodes)[0]
        sent = tf.gather(self.send(nodes), sources)
        logit = self.weigh(tf.concat([sent, tf.gather(nodes, targets)], -1))
        highest = tf.math.unsorted_segment_max(logit, targets, count)
        weight = tf.exp(tf.nn.leaky_relu(logit) - tf.nn.leaky_relu(tf.gather(highest, targets)))
        total = tf.math.unsorted_segment_sum(weight, targets, count)
        weight = tf.math.divide_no_nan(weight, tf.gather(total, targets))
        weight = self.drop_edges(weight, training=training)
        mixed = tf.math.unsorted_segment_sum(weight * sent, targets, count)
        return self.drop(tf.nn.elu(self.keep(nodes) + mixed), training=training)


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.rounds = [Messages(12, 10), Messages(8, 20)]
        self.out = layers.Dense(2)

    def call(self, features, edges, training=False):
        # Nodes of all graphs in one list; edges count from each graph's first.
        starts = tf.cast(tf.gather(features.row_starts(), edges.value_rowids()), tf.int32)
        flat = edges.values + starts[:, None]
        nodes = features.values
        for messages in self.rounds:
            nodes = messages(nodes, flat[:, 0], flat[:, 1], training=training)
        within = features.with_values(nodes)
        pooled = [tf.reduce_mean(within, 1), tf.reduce_max(within, 1), tf.reduce_sum(within, 1) / 8]
        return self.out(tf.concat(pooled, -1))


net = Net()
optimizer = keras.optimizers.Nadam(0.02)
traces = []


@tf.function(
    input_signature=[
        tf.RaggedTensorSpec([None, None, NODE], tf.float32, ragged_rank=1),
        tf.RaggedTensorSpec([None, None, 2], tf.int32, ragged_rank=1),
        tf.TensorSpec([None], tf.int32),
    ]
)
def train_step(features, edges, label):
    traces.append((features.shape, edges.shape))
    with tf.GradientTape() as tape:
        logits = net(features, edges, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(label, logits)
        sizes = tf.cast(features.row_lengths(), tf.float32)
        loss = tf.reduce_sum(losses * sizes) / tf.reduce_sum(sizes)
    variables = net.trainable_variables
    gradients = tape.gradient(loss, variables)
    optimizer.apply_gradients(zip(gradients, variables))
    return loss, tf.linalg.global_norm(gradients)


for count in (4, 7, 1, 12, 3, 9, 2, 15, 6, 5):
    features, edges, label = batch(count)
    loss, norm = train_step(features, edges, label)
    sizes = features.values.shape[0], edges.values.shape[0]
    print("RESULT step", count, *sizes, float(loss), float(norm))
print("RESULT traces", len(traces), *traces[0])

features, edges, label = batch(6)
logits = net(features, edges)
print("RESULT logits", *logits.numpy().ravel())
alone = [net(features[k : k + 1], edges[k : k + 1]).numpy()[0] for k in range(6)]
print("RESULT alone", np.allclose(alone, logits, atol=1e-5))
draws = [net(features, edges, training=True).numpy().ravel()[:3] for _ in range(2)]
print("RESULT draws", *draws[0], *draws[1])


@tf.function(reduce_retracing=True)
def slopes(features, edges):
    """How the first logit changes with each node's features, as ragged rows."""
    with tf.GradientTape() as tape:
        tape.watch(features.values)
        total = tf.reduce_sum(net(features, edges)[:, 0])
    return features.with_values(tape.gradient(total, features.values))


for count in (2, 5, 3):
    features, edges, _ = batch(count)
    found = slopes(features, edges)
    print("RESULT slopes", found.row_lengths().numpy(), *tf.norm(found.values, axis=1).numpy()[:6])
    print("RESULT means", *tf.reduce_mean(tf.reduce_sum(found**2, 2), 1).numpy())

# Sets of words: ragged lines become dense ones before a model of Keras, of another width in every step.
words = [f"w{k}" for k in range(20)]
lookup = layers.StringLookup(vocabulary=words, mask_token="")
inputs = keras.Input((None,), dtype="int64")
h = layers.Embedding(22, 8, mask_zero=True)(inputs)
h = layers.Dropout(0.2, noise_shape=(None, None, 1), seed=41)(h)
h = layers.MultiHeadAttention(2, 4, dropout=0.1, seed=42)(h, h)
h = layers.GlobalAveragePooling1D()(layers.GaussianDropout(0.1, seed=43)(h))
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile(keras.optimizers.Adam(0.02), keras.losses.BinaryCrossentropy(from_logits=True))
for rows in (3, 8, 5, 2, 10, 4):
    sets = [rng.choice(words, int(rng.integers(1, 9)), replace=False) for _ in range(rows)]
    lines = tf.ragged.constant([list(map(str, s)) for s in sets])
    target = np.array([float("w3" in s or "w7" in s or "w11" in s) for s in sets])
    ids = tf.ragged.map_flat_values(lookup, lines).to_tensor()
    print("RESULT sets", *ids.shape, float(model.train_on_batch(ids, target)))
    print("RESULT scores", *model.predict_on_batch(ids)[:2, 0])
data = tf.data.Dataset.from_tensor_slices((lines, target)).repeat(3)
data = data.apply(tf.data.experimental.dense_to_ragged_batch(5)).map(
    lambda line, label: (tf.ragged.map_flat_values(lookup, line).to_tensor(), label)
)
history = model.fit(data, epochs=2, verbose=0)
print("RESULT fit", *history.history["loss"])
