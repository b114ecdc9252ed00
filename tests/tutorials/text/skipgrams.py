"""Word2Vec: skip-grams with negative samples, drawn by the log-uniform sampler with seeds; nearest words by cosine."""

import numpy as np
import tensorflow as tf
from tensorflow.keras import layers

tf.keras.utils.set_random_seed(16)
rng = np.random.default_rng(16)
topics = [range(1, 11), range(11, 21), range(21, 31)]
sentences = [rng.choice(topics[rng.integers(3)], 10) for _ in range(60)]
VOCABULARY, NEGATIVES = 31, 3


def pairs(sequence, window=2):
    for i, word in enumerate(sequence):
        for j in range(max(0, i - window), min(len(sequence), i + window + 1)):
            if i != j:
                yield word, sequence[j]


targets, contexts, labels = [], [], []
for word, context in (pair for sentence in sentences[:25] for pair in pairs(sentence)):
    true = tf.expand_dims(tf.constant([context], tf.int64), 1)
    negatives, _, _ = tf.random.log_uniform_candidate_sampler(
        true_classes=true,
        num_true=1,
        num_sampled=NEGATIVES,
        unique=True,
        range_max=VOCABULARY,
        seed=42,
    )
    targets.append(word)
    contexts.append(tf.concat([tf.squeeze(true, 1), negatives], 0))
    labels.append([1] + [0] * NEGATIVES)
targets, contexts, labels = np.array(targets), np.array(contexts), np.array(labels)
print("RESULT samples", targets.shape, contexts.shape, contexts[:5, 1:].ravel())
data = tf.data.Dataset.from_tensor_slices(((targets, contexts), labels)).shuffle(1000, seed=2)
data = data.batch(128).cache().prefetch(buffer_size=tf.data.AUTOTUNE)


class Word2Vec(tf.keras.Model):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.target = layers.Embedding(vocabulary, width, name="w2v")
        self.context = layers.Embedding(vocabulary, width)

    def call(self, pair):
        target, context = pair
        if len(target.shape) == 2:
            target = tf.squeeze(target, axis=1)
        return tf.einsum("be,bce->bc", self.target(target), self.context(context))


model = Word2Vec(VOCABULARY, 12)
model.compile(
    optimizer=tf.keras.optimizers.Adam(1e-2),
    loss=lambda y, x: tf.nn.sigmoid_cross_entropy_with_logits(
        logits=x, labels=tf.cast(y, tf.float32)
    ),
    metrics=["accuracy"],
)
history = model.fit(data, epochs=6, verbose=0).history
print("RESULT loss", *history["loss"])
weights = tf.nn.l2_normalize(model.get_layer("w2v").get_weights()[0], axis=1)
similarity = tf.linalg.matmul(weights, weights, transpose_b=True)
inside = np.mean([similarity.numpy()[np.ix_(topic, topic)].mean() for topic in topics])
print("RESULT similarity", inside, float(tf.reduce_mean(similarity)))
