"""Matrix factorization: a Keras model with biases, sparse gradients by hand, and alternating least squares."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

keras.utils.set_random_seed(52)
rng = np.random.default_rng(52)
USERS, ITEMS, WIDTH = 30, 45, 5
truth = rng.normal(size=(USERS, 2)) @ rng.normal(size=(2, ITEMS))
seen = np.argwhere(rng.random((USERS, ITEMS)) < 0.5)
rating = truth[seen[:, 0], seen[:, 1]]
rating = ((rating - rating.min()) / (rating.max() - rating.min())).astype("float32")
order = rng.permutation(len(seen))
seen, rating = seen[order], rating[order]
cut = int(0.9 * len(seen))


class Recommender(keras.Model):
    def __init__(self):
        super().__init__()
        l2 = keras.regularizers.l2(1e-6)
        make = keras.layers.Embedding
        self.user = make(
            USERS, WIDTH, embeddings_initializer="he_normal", embeddings_regularizer=l2
        )
        self.item = make(
            ITEMS, WIDTH, embeddings_initializer="he_normal", embeddings_regularizer=l2
        )
        self.user_bias, self.item_bias = make(USERS, 1), make(ITEMS, 1)

    def call(self, pairs):
        user, item = self.user(pairs[:, 0]), self.item(pairs[:, 1])
        product = keras.ops.sum(user * item, axis=1, keepdims=True)
        return keras.ops.sigmoid(
            product + self.user_bias(pairs[:, 0]) + self.item_bias(pairs[:, 1])
        )


model = Recommender()
model.compile(keras.optimizers.Adam(1e-2), keras.losses.BinaryCrossentropy())
history = model.fit(
    seen[:cut],
    rating[:cut],
    batch_size=64,
    epochs=4,
    validation_data=(seen[cut:], rating[cut:]),
    verbose=0,
).history
print("RESULT loss", *history["loss"])
print("RESULT val_loss", *history["val_loss"])
print("RESULT predicted", model.predict(seen[cut : cut + 6], verbose=0).ravel())

u = tf.Variable(tf.random.stateless_normal([USERS, 3], [1, 1]) * 0.3)
v = tf.Variable(tf.random.stateless_normal([ITEMS, 3], [2, 2]) * 0.3)
matrix = tf.SparseTensor(seen[:cut], rating[:cut], [USERS, ITEMS])
matrix = tf.sparse.reorder(matrix)
optimizer = tf.keras.optimizers.SGD(8.0, momentum=0.5)


def loss_of(u, v):
    guess = tf.reduce_sum(
        tf.gather(u, matrix.indices[:, 0]) * tf.gather(v, matrix.indices[:, 1]), 1
    )
    penalty = 1e-3 * (tf.reduce_sum(u * u) / USERS + tf.reduce_sum(v * v) / ITEMS)
    return tf.reduce_mean(tf.square(matrix.values - guess)) + penalty


@tf.function
def step():
    with tf.GradientTape() as tape:
        loss = loss_of(u, v)
    gradients = tape.gradient(loss, [u, v])
    optimizer.apply_gradients(zip(gradients, [u, v]))
    return loss, gradients


for k in range(30):
    loss, gradients = step()
    if k % 10 == 9:
        print("RESULT factors", k, float(loss), *(type(g).__name__ for g in gradients))

dense = tf.sparse.to_dense(matrix)
known = tf.sparse.to_dense(
    tf.SparseTensor(matrix.indices, tf.ones_like(matrix.values), matrix.dense_shape)
)


@tf.function
def solve(fixed, values, weight):
    gram = tf.einsum("nf,ng,un->ufg", fixed, fixed, weight) + 0.05 * tf.eye(3)
    right = tf.einsum("nf,un->uf", fixed, values * weight)
    return tf.squeeze(tf.linalg.solve(gram, right[..., None]), -1)


a, b = (
    tf.random.stateless_normal([USERS, 3], [3, 3]),
    tf.random.stateless_normal([ITEMS, 3], [4, 4]),
)
for k in range(4):
    a = solve(b, dense, known)
    b = solve(a, tf.transpose(dense), tf.transpose(known))
    error = tf.reduce_sum(known * (dense - tf.matmul(a, b, transpose_b=True)) ** 2) / tf.reduce_sum(
        known
    )
    print("RESULT least squares", k, float(error))
product = tf.sparse.sparse_dense_matmul(matrix, b)
print("RESULT product", product[:2].numpy().ravel(), tf.sparse.reduce_sum(matrix, 1)[:3].numpy())
