"""Ragged batches through an LSTM and attention written by hand, flat over all tokens, as no padding is ever made."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(261)
rng = np.random.default_rng(261)
UNITS, CLASSES = 10, 3
rows = [rng.normal(size=(n, 4)).astype("float32").tolist() for n in rng.integers(0, 9, 60)]
sequences = tf.ragged.constant(rows, ragged_rank=1, inner_shape=(4,))
labels = tf.cast(sequences.row_lengths() % CLASSES, tf.int32)
print("RESULT data", sequences.shape, int(sequences.nrows()), int(sequences.bounding_shape()[1]))


class Cell(tf.Module):
    def __init__(self):
        super().__init__()
        init = tf.initializers.Orthogonal(seed=1)
        self.kernel = tf.Variable(init([4 + UNITS, 4 * UNITS]))
        self.bias = tf.Variable(
            tf.concat([tf.zeros(UNITS), tf.ones(UNITS), tf.zeros(2 * UNITS)], 0)
        )
        self.query = tf.Variable(init([UNITS, 1]))
        self.out = tf.Variable(init([2 * UNITS, CLASSES]))

    def step(self, x, h, c):
        i, f, g, o = tf.split(tf.concat([x, h], 1) @ self.kernel + self.bias, 4, 1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c


cell = Cell()
spec = tf.RaggedTensorSpec([None, None, 4], tf.float32, ragged_rank=1)


@tf.function(input_signature=[spec])
def encode(sequences):
    """The states of all tokens as a ragged tensor. Rows that have ended keep their state."""
    lengths = tf.cast(sequences.row_lengths(), tf.int32)
    starts = tf.cast(sequences.row_starts(), tf.int32)
    h = c = tf.zeros([tf.size(lengths), UNITS])
    states = tf.TensorArray(
        tf.float32, tf.shape(sequences.values)[0], infer_shape=False, element_shape=[UNITS]
    )
    for t in tf.range(tf.reduce_max(lengths)):
        live = lengths > t
        places = tf.where(live, starts + t, 0)
        new_h, new_c = cell.step(tf.gather(sequences.values, places), h, c)
        h, c = tf.where(live[:, None], new_h, h), tf.where(live[:, None], new_c, c)
        states = states.scatter(tf.boolean_mask(places, live), tf.boolean_mask(h, live))
    return sequences.with_values(states.stack()), h


@tf.function(input_signature=[spec])
def classify(sequences):
    states, last = encode(sequences)
    scores = tf.squeeze(tf.ragged.map_flat_values(tf.matmul, states, cell.query), 2)
    owner = states.value_rowids()
    highest = tf.gather(tf.reduce_max(scores, 1), owner)
    weights = tf.exp(scores.values - highest)
    weights /= tf.gather(tf.math.segment_sum(weights, owner), owner)
    pooled = tf.math.unsorted_segment_sum(
        weights[:, None] * states.values, owner, sequences.nrows()
    )
    return tf.concat([pooled, last], 1) @ cell.out, states.with_values(weights)


optimizer = tf.optimizers.SGD(0.5, momentum=0.8)


@tf.function(reduce_retracing=True)
def train(sequences, labels):
    with tf.GradientTape() as tape:
        logits, _ = classify(sequences)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
    gradients = tape.gradient(loss, cell.trainable_variables)
    optimizer.apply_gradients(zip(gradients, cell.trainable_variables))
    return loss


data = tf.data.Dataset.from_tensor_slices((sequences, labels))
data = data.filter(lambda row, label: tf.shape(row)[0] > 0).ragged_batch(13)
for epoch in range(3):
    losses = [float(train(rows, wanted)) for rows, wanted in data]
    print("RESULT epoch", epoch, *losses)
logits, weights = classify(sequences[:5])
print("RESULT logits", *np.where(np.isfinite(logits.numpy()), logits.numpy(), 0).ravel())
print("RESULT weights", *weights.values.numpy(), *weights.row_lengths().numpy())
states, last = encode(sequences[5:9])
print("RESULT states", states.to_tensor().shape, float(tf.reduce_sum(states)), float(tf.norm(last)))

# What ragged tensors do without a loop.
best = tf.math.argmax(tf.reduce_sum(sequences, 2).to_tensor(-1e9), 1)
print("RESULT best", *best.numpy()[:12])
reversed_ = tf.reverse(sequences[:6], axis=[1])
print("RESULT reversed", *tf.reduce_sum(reversed_[:, :1], [1, 2]).numpy())
joined = tf.concat([sequences[:4], sequences[4:8]], axis=1)
print("RESULT joined", joined.row_lengths().numpy(), float(tf.reduce_mean(joined.flat_values)))
stacked = tf.stack([sequences[:3, :2], sequences[3:6, :2]])
print(
    "RESULT stacked", stacked.shape, stacked.ragged_rank, *stacked.nested_row_lengths()[1].numpy()
)
grouped = tf.RaggedTensor.from_value_rowids(tf.range(60.0), tf.sort(labels), 4)
print("RESULT grouped", *tf.reduce_mean(grouped[:3], 1).numpy(), *grouped.row_lengths().numpy())
smooth = tf.map_fn(
    tf.cumsum,
    sequences[:7],
    fn_output_signature=spec.__class__([None, 4], tf.float32, ragged_rank=0),
)
print("RESULT smooth", smooth.shape, float(tf.reduce_sum(smooth.flat_values)))
cross = tf.ragged.cross(
    [tf.ragged.constant([["a", "b"], ["c"]]), tf.ragged.constant([["x"], ["y", "z"]])]
)
print("RESULT cross", *cross.to_tensor().numpy().astype(str).ravel())
