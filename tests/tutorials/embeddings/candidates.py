"""Word vectors by NCE, sampled softmax and negative sampling with unigram samplers; the tables' slices under several optimizers."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(291)
rng = np.random.default_rng(291)
VOCABULARY, WIDTH = 40, 8
corpus = rng.zipf(1.6, 600) % VOCABULARY
frequencies = np.bincount(corpus, minlength=VOCABULARY) + 1.0
pairs = [
    (corpus[i], corpus[j])
    for i in range(600)
    for j in range(max(0, i - 2), min(600, i + 3))
    if i != j
]
centres, contexts = (np.array(x, "int64") for x in zip(*pairs))


def fresh():
    draw = np.random.default_rng(5)

    def table():
        return tf.Variable(draw.normal(0, 0.3, (VOCABULARY, WIDTH)).astype("float32"))

    return table(), table(), tf.Variable(tf.zeros(VOCABULARY))


def nce(table, weights, biases, words, near):
    sampled = tf.random.log_uniform_candidate_sampler(
        near[:, None], 1, 6, True, VOCABULARY, seed=11
    )
    return tf.nn.nce_loss(
        weights,
        biases,
        near[:, None],
        tf.nn.embedding_lookup(table, words),
        6,
        VOCABULARY,
        sampled_values=sampled,
    )


def sampled_softmax(table, weights, biases, words, near):
    inputs = tf.gather(table, words)
    return tf.nn.sampled_softmax_loss(
        weights, biases, near[:, None], inputs, 8, VOCABULARY, seed=12
    )


def negative(table, weights, biases, words, near):
    noise, expected, _ = tf.nn.fixed_unigram_candidate_sampler(
        near[:, None],
        1,
        5,
        False,
        VOCABULARY,
        distortion=0.75,
        unigrams=frequencies.tolist(),
        seed=13,
    )
    x = tf.gather(table, words)
    right = tf.reduce_sum(x * tf.gather(weights, near), 1) + tf.gather(biases, near)
    wrong = tf.matmul(x, tf.gather(weights, noise), transpose_b=True) + tf.gather(biases, noise)
    return tf.nn.softplus(-right) + tf.reduce_sum(tf.nn.softplus(wrong), 1)


losses = {"nce": nce, "softmax": sampled_softmax, "negative": negative}
optimizers = {
    "adam": lambda: tf.keras.optimizers.Adam(0.02),
    "adagrad": lambda: tf.keras.optimizers.Adagrad(0.1),
    "ftrl": lambda: tf.keras.optimizers.Ftrl(0.1, l1_regularization_strength=0.001),
    "rmsprop": lambda: tf.keras.optimizers.RMSprop(0.01, momentum=0.5),
    "nadam": lambda: tf.keras.optimizers.Nadam(0.01, weight_decay=0.01),
    "adadelta": lambda: tf.keras.optimizers.Adadelta(1.0),
    "clipped": lambda: tf.keras.optimizers.SGD(0.3, momentum=0.5, global_clipnorm=0.5),
}
for name, make in optimizers.items():
    for kind, loss_of in losses.items():
        if name != "adam" and kind != "negative":
            continue
        variables = fresh()
        optimizer = make()
        optimizer.build(variables)

        @tf.function
        def step(words, near, variables=variables, optimizer=optimizer, loss_of=loss_of):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(loss_of(*variables, words, near))
            gradients = tape.gradient(loss, variables)
            optimizer.apply_gradients(zip(gradients, variables))
            sparse = [isinstance(g, tf.IndexedSlices) for g in gradients]
            return loss, tf.linalg.global_norm(gradients), sparse

        values = [step(centres[k : k + 64], contexts[k : k + 64]) for k in range(0, 256, 64)]
        print(
            "RESULT",
            name,
            kind,
            *[float(x) for v in values for x in v[:2]],
            *map(bool, values[0][2]),
        )
        print("RESULT norms", *[float(tf.norm(v)) for v in variables])

unit = tf.math.l2_normalize(variables[0], 1)
print(
    "RESULT nearest",
    *tf.math.top_k(tf.matmul(unit, unit, transpose_b=True), 3).indices.numpy()[:4].ravel(),
)

# Bags of words by sparse lookups, with weights and every combiner, and gradients of both.
table = fresh()[0]
ids = tf.sparse.from_dense([[3, 0, 7, 7], [1, 2, 0, 0], [0, 0, 0, 0], [9, 9, 9, 4]])
ids = tf.SparseTensor(ids.indices, tf.cast(ids.values, tf.int64), ids.dense_shape)
weights = tf.Variable(np.linspace(0.5, 1.5, ids.values.shape[0]).astype("float32"))
for combiner in ("sum", "mean", "sqrtn"):
    with tf.GradientTape() as tape:
        bags = tf.nn.safe_embedding_lookup_sparse(
            table, ids, ids.with_values(weights), combiner=combiner, default_id=5, max_norm=1.0
        )
        value = tf.reduce_sum(bags**2)
    g, w = tape.gradient(value, [table, weights])
    dense = tf.convert_to_tensor(g)
    print(
        "RESULT",
        combiner,
        bags.shape,
        float(value),
        type(g).__name__,
        type(w).__name__,
        float(tf.norm(dense)),
        *tf.convert_to_tensor(w).numpy(),
    )
parts = [tf.Variable(table[k::3]) for k in range(3)]
with tf.GradientTape() as tape:
    looked = tf.nn.embedding_lookup(parts, tf.constant([[0, 5, 9], [13, 13, 39]]))
    value = tf.reduce_sum(looked * tf.range(8.0))
print(
    "RESULT parts",
    looked.shape,
    *[float(tf.norm(tf.convert_to_tensor(g))) for g in tape.gradient(value, parts)],
)
