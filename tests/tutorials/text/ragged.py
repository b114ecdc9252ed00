"""Ragged tensors: bags of words and n-grams of different lengths, through a model trained by hand."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(18)
rng = np.random.default_rng(18)
sentences = [" ".join(rng.choice(list("abcdefghij"), rng.integers(1, 9))) for _ in range(90)]
labels = np.array(
    [float(s.count("a") + s.count("b") > s.count("i") + s.count("j")) for s in sentences], "float32"
)
BUCKETS = 64


def features_of(texts):
    words = tf.strings.split(texts)
    limits = tf.fill([words.nrows(), 1], "#")
    padded = tf.concat([limits, words, limits], axis=1)
    bigrams = tf.strings.join([padded[:, :-1], padded[:, 1:]], separator="+")
    return tf.concat(
        [
            tf.strings.to_hash_bucket_fast(words, BUCKETS),
            tf.strings.to_hash_bucket_fast(bigrams, BUCKETS),
        ],
        1,
    )


features = features_of(tf.constant(sentences))
print(
    "RESULT lengths",
    features.row_lengths()[:8].numpy(),
    features.shape,
    features.flat_values[:8].numpy(),
)
table = tf.Variable(tf.random.stateless_uniform([BUCKETS, 8], [1, 2], -0.3, 0.3))
weight = tf.Variable(tf.random.stateless_normal([8, 1], [3, 4]))
bias = tf.Variable([0.0])


@tf.function(reduce_retracing=True)
def loss_of(rows, labels):
    embedded = tf.gather(table, rows)
    mean = tf.reduce_mean(embedded, axis=1)
    largest = tf.reduce_max(embedded, axis=1)
    logits = tf.squeeze((mean + largest) @ weight + bias, 1)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)), logits


for epoch in range(4):
    losses = []
    for k in range(0, 90, 25):
        rows, wanted = features[k : k + 25], labels[k : k + 25]
        with tf.GradientTape() as tape:
            loss, _ = loss_of(rows, wanted)
        gradients = tape.gradient(loss, [table, weight, bias])
        for variable, gradient in zip([table, weight, bias], gradients):
            variable.assign_sub(0.5 * tf.convert_to_tensor(gradient))
        losses.append(float(loss))
    print("RESULT epoch", epoch, *losses)
print("RESULT logits", loss_of(features[:6], labels[:6])[1].numpy())
batched = tf.data.Dataset.from_tensor_slices(features).ragged_batch(40)
print("RESULT batches", [int(tf.reduce_sum(batch.row_lengths())) for batch in batched])
dense = features.to_tensor(default_value=-1, shape=[None, 10])
print("RESULT dense", dense.shape, int(tf.reduce_sum(dense)))
nested = tf.RaggedTensor.from_nested_row_splits(tf.range(10.0), [[0, 2, 3], [0, 4, 4, 10]])
print("RESULT nested", nested.to_list(), tf.reduce_sum(nested, axis=2).to_list())
mapped = tf.map_fn(lambda row: tf.reduce_max(row), features, fn_output_signature=tf.int64)
print("RESULT mapped", mapped[:10].numpy())
