"""A frozen network adapted by low-rank factors in float16, with a scaled loss, steps that sum gradients, and the factors merged for serving."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(331)
rng = np.random.default_rng(331)
tokens = rng.integers(0, 30, (96, 10)).astype("int32")
labels = (tokens < 9).sum(1).astype("int32") % 3


class LowRank(tf.Module):
    """A dense layer whose kernel stays, beside a product of two thin matrices that is trained."""

    def __init__(self, kernel, rank, scale, name=None):
        super().__init__(name)
        self.kernel = tf.Variable(kernel, trainable=False, name="kernel")
        self.down = tf.Variable(rng.normal(0, 0.3, (kernel.shape[0], rank)).astype("float32"))
        self.up = tf.Variable(tf.zeros([rank, kernel.shape[1]]))
        self.scale = scale

    def __call__(self, x):
        half = x.dtype
        low = tf.cast(self.down, half) @ tf.cast(self.up, half)
        return x @ (tf.cast(self.kernel, half) + tf.cast(self.scale, half) * low)

    def merged(self):
        return self.kernel + self.scale * self.down @ self.up


class Reader(tf.Module):
    def __init__(self):
        super().__init__()
        self.table = tf.Variable(rng.normal(0, 1, (30, 16)).astype("float32"), trainable=False)
        self.delta = tf.Variable(tf.zeros([30, 16]))
        self.layers = [
            LowRank(rng.normal(0, 0.3, (16, 16)).astype("float32"), 4, 2.0, f"layer_{k}")
            for k in range(3)
        ]
        self.head = tf.Variable(rng.normal(0, 0.3, (16, 3)).astype("float32"))

    def __call__(self, ids):
        # Gradients of the changes to the table stay sparse where TensorFlow leaves them so.
        h = tf.cast(tf.gather(self.table, ids) + tf.nn.embedding_lookup(self.delta, ids), "float16")
        for query, key, value in [self.layers]:
            scores = tf.einsum("bid,bjd->bij", query(h), key(h)) / 4.0
            h = h + tf.nn.softmax(scores) @ value(h)
        return tf.cast(tf.reduce_mean(h, 1), "float32") @ self.head


model = Reader()
print("RESULT trained", sorted(v.shape.as_list() for v in model.trainable_variables))
optimizer = keras.optimizers.Adam(0.02, epsilon=1e-4)
optimizer.build(model.trainable_variables)
sums = [tf.Variable(tf.zeros_like(v)) for v in model.trainable_variables]
scale = tf.Variable(4.0)
skipped = tf.Variable(0)


@tf.function
def accumulate(ids, truth):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(truth, model(ids), True))
        scaled = loss * scale
    gradients = tape.gradient(scaled, model.trainable_variables)
    sparse = sum(isinstance(g, tf.IndexedSlices) for g in gradients)
    for total, gradient in zip(sums, gradients):
        total.assign_add(tf.convert_to_tensor(gradient))
    return loss, sparse


@tf.function
def update(count):
    means = [total / (scale * count) for total in sums]
    if tf.reduce_all([tf.reduce_all(tf.math.is_finite(m)) for m in means]):
        means, norm = tf.clip_by_global_norm(means, 1.0)
        optimizer.apply_gradients(zip(means, model.trainable_variables))
        scale.assign(scale * 2.0)
    else:
        norm = tf.constant(-1.0)
        skipped.assign_add(1)
        scale.assign(scale / 4.0)
    for total in sums:
        total.assign(tf.zeros_like(total))
    return norm


data = tf.data.Dataset.from_tensor_slices((tokens, labels)).batch(12)
for epoch in range(5):
    losses, norms = [], []
    for number, (ids, truth) in enumerate(data, 1):
        loss, sparse = accumulate(ids, truth)
        losses.append(loss)
        if number % 4 == 0:
            norms.append(float(update(4.0)))
    print("RESULT epoch", epoch, int(sparse), np.mean(losses), *norms)
scale.assign(2.0**40)  # overflows in float16, so that a step is left out
accumulate(tokens[:12], labels[:12])
print("RESULT overflow", float(update(1.0)), int(skipped), np.log2(scale.numpy()))

# Merged, in float32, and saved with a signature for any number of rows.


class Served(tf.Module):
    def __init__(self, trained):
        super().__init__()
        self.table = tf.Variable(trained.table + trained.delta)
        self.kernels = [tf.Variable(layer.merged()) for layer in trained.layers]
        self.head = tf.Variable(trained.head)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")])
    def __call__(self, ids):
        h = tf.gather(self.table, ids)
        query, key, value = (h @ kernel for kernel in self.kernels)
        scores = tf.matmul(query, key, transpose_b=True) / 4.0
        return {"logits": tf.reduce_mean(h + tf.nn.softmax(scores) @ value, 1) @ self.head}


served = Served(model)
tf.saved_model.save(served, "served", signatures=served.__call__)
loaded = tf.saved_model.load("served").signatures["serving_default"]
for rows in (1, 5, 96):
    logits = loaded(ids=tf.constant(tokens[:rows]))["logits"]
    print("RESULT served", rows, *tf.reduce_mean(logits, 0).numpy(), float(tf.norm(logits)))
wrong = float(tf.reduce_max(tf.abs(loaded(ids=tf.constant(tokens))["logits"] - model(tokens))))
print("RESULT close", wrong < 0.05)
