"""Sparse tensors: ops, gradients, PageRank, ALS, sparse conv by gather, CSR, sparse datasets, sparse inputs into Keras, scatter/sparse updates of variables, IndexedSlices."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(411)
S = tf.sparse
d = np.where(rng.uniform(size=(5, 6)) > 0.6, rng.normal(size=(5, 6)), 0).astype("float32")
s = S.from_dense(d)
print(
    s.shape,
    s.indices.shape,
    s.values.dtype,
    S.reduce_sum(s, 1).numpy(),
    S.reduce_max(s, 0).numpy(),
    S.reduce_sum(s, [0, 1], keepdims=True).numpy(),
    S.reduce_sum_sparse(s, 1) if hasattr(S, "reduce_sum_sparse") else "",
)
print(
    "RESULT",
    S.to_dense(S.transpose(s)).numpy().sum(),
    S.to_dense(S.slice(s, [1, 1], [3, 3])).numpy().tolist(),
    S.to_dense(S.concat(1, [s, s])).shape,
    S.to_dense(S.reshape(s, [3, -1])).numpy()[0],
    S.to_dense(S.add(s, s, 0.5)).numpy()[0],
    S.to_dense(S.maximum(s, S.from_dense(-d))).numpy()[1],
    S.to_dense(S.softmax(s)).numpy()[2],
    S.to_dense(S.retain(s, s.values > 0)).numpy()[0],
    S.to_dense(S.fill_empty_rows(S.from_dense([[0, 1], [0, 0]]), -5)[0]).numpy(),
    [S.to_dense(p).shape for p in S.split(s, 2, axis=1)],
    S.to_dense(S.expand_dims(s, 0)).shape,
    S.eye(3, 4).values.numpy(),
    S.to_indicator(S.from_dense([[0, 2], [1, 0]]), 4).numpy().tolist(),
    S.mask is not None,
)
print(
    "RESULT",
    S.sparse_dense_matmul(s, tf.ones([6, 2])).numpy()[:, 0],
    S.sparse_dense_matmul(tf.ones([2, 5]), s).numpy()[0],
    S.sparse_dense_matmul(s, tf.ones([5, 1]), adjoint_a=True).numpy()[:, 0],
    (s * 2.0).values.numpy()[:2],
    (s / tf.constant(np.full((5, 1), 2.0, "float32"))).values.numpy()[:2],
    (-s).values.numpy()[:1] if hasattr(s, "__neg__") else "",
    S.map_values(tf.exp, s).values.numpy()[:2],
    tf.abs(s).values.numpy()[:2] if True else "",
    S.bincount(S.from_dense([[1, 2, 2], [0, 3, 0]])).values.numpy(),
    S.to_dense(S.cross([tf.constant([["a"]]), tf.constant([["b"]])])).numpy(),
    S.to_dense(S.cross_hashed([tf.constant([["a"]]), tf.constant([["b"]])], 50)).numpy(),
)
with tf.GradientTape() as t:
    v = tf.Variable(s.values)
    w = tf.Variable(np.ones((6, 2), "float32"))
    sp = tf.SparseTensor(s.indices, v * 2, s.dense_shape)
    l = tf.reduce_sum(S.sparse_dense_matmul(sp, w) ** 2) + S.reduce_sum(
        sp * sp if False else S.map_values(tf.square, sp)
    )
print("RESULT", l.numpy(), [g.numpy().ravel()[:3] for g in t.gradient(l, [v, w])])


@tf.function
def pagerank(adj, n):
    deg = S.reduce_sum(adj, 1)
    t = S.transpose(adj)
    x = tf.fill([8, 1], 1.0 / 8)
    for _ in tf.range(n):
        y = S.sparse_dense_matmul(t, x / tf.maximum(deg, 1.0)[:, None])
        x = tf.reshape(0.85 * y + 0.15 / tf.cast(tf.shape(deg)[0], tf.float32), [8, 1])
    return x[:, 0]


A = (rng.uniform(size=(8, 8)) > 0.6).astype("float32")
print("RESULT", pagerank(S.from_dense(A), 20).numpy())
R = np.where(rng.uniform(size=(12, 9)) > 0.5, rng.integers(1, 6, (12, 9)), 0).astype("float32")
rs = S.from_dense(R)
U, V = (
    tf.Variable(rng.normal(size=(12, 3)).astype("float32") * 0.3),
    tf.Variable(rng.normal(size=(9, 3)).astype("float32") * 0.3),
)


@tf.function
def als(U, V, mask, R):
    def solve(m, r):
        A = tf.einsum("i,ij,ik->jk", m, V, V) + 0.1 * tf.eye(3)
        return tf.linalg.solve(A, tf.linalg.matvec(V, r * m, transpose_a=True)[:, None])[:, 0]

    return tf.map_fn(lambda a: solve(*a), (mask, R), fn_output_signature=tf.float32)


M = tf.constant((R > 0).astype("float32"))
for _ in range(2):
    U.assign(als(U, V, M, tf.constant(R)))
    V.assign(als(V, U, tf.transpose(M), tf.constant(R.T)))
pred = tf.reduce_sum(tf.gather(U, rs.indices[:, 0]) * tf.gather(V, rs.indices[:, 1]), 1)
print("RESULT", tf.reduce_mean((pred - rs.values) ** 2).numpy())
tf.keras.utils.set_random_seed(1)
i = tf.keras.Input((6,), sparse=True)
m = tf.keras.Model(
    i,
    tf.keras.layers.Dense(2, activation="softmax")(tf.keras.layers.Dense(4, activation="relu")(i)),
)
m.compile("adam", "sparse_categorical_crossentropy")
ds = tf.data.Dataset.from_tensor_slices((s, np.array([0, 1, 0, 1, 1]))).batch(2)
h = m.fit(ds, epochs=2, verbose=0)
print("RESULT", np.round(h.history["loss"], 5), np.round(m.predict(s, verbose=0)[:2], 4).tolist())
e = tf.Variable(tf.ones([4, 2]))
with tf.GradientTape() as t:
    g = tf.gather(e, [1, 1, 3])
    l = tf.reduce_sum(g * [[1.0], [2.0], [3.0]])
gr = t.gradient(l, e)
print(
    "RESULT",
    type(gr).__name__,
    gr.indices.numpy(),
    gr.values.numpy().tolist(),
    tf.convert_to_tensor(gr).numpy().tolist(),
    gr,
)
for o in (
    tf.keras.optimizers.Adam(0.1),
    tf.keras.optimizers.SGD(0.1, momentum=0.9),
    tf.keras.optimizers.Adagrad(0.1),
    tf.compat.v1.train.AdamOptimizer(0.1),
    tf.keras.optimizers.RMSprop(0.1),
):
    e.assign(tf.ones([4, 2]))
    o.apply_gradients([(gr, e)])
    o.apply_gradients([(gr, e)])
    print("RESULT", type(o).__name__, e.numpy()[:, 0])
e.scatter_add(tf.IndexedSlices([[1.0, 1.0]], [2]))
e.scatter_update(tf.IndexedSlices([[9.0, 9.0]], [0]))
e.scatter_nd_sub([[1]], [[1.0, 2.0]])
e[3, 1].assign(7.0)
e.batch_scatter_update(tf.IndexedSlices(tf.zeros([1, 2]), [0])) if False else None
print(
    "RESULT",
    e.numpy().tolist(),
    e.sparse_read([0, 2]).numpy().tolist(),
    e.gather_nd([[3, 1]]).numpy(),
    e.scatter_max(tf.IndexedSlices([[5.0, 0.0]], [1])).numpy()[1]
    if hasattr(e.scatter_max(tf.IndexedSlices([[5.0, 0.0]], [1])), "numpy")
    else "",
)
try:
    from tensorflow.python.ops.linalg.sparse import sparse_csr_matrix_ops as csr

    c = csr.sparse_tensor_to_csr_sparse_matrix(s.indices, s.values, s.dense_shape)
    print(
        "RESULT",
        csr.sparse_matrix_nnz(c).numpy(),
        csr.sparse_matrix_mat_mul(c, tf.ones([6, 1])).numpy().ravel(),
    )
except Exception as ex:
    print("RESULT", type(ex).__name__)
print(s, S.from_dense([[1, 0], [0, 2]]))
print(
    "RESULT",
    tf.sets.intersection([[1, 2]], [[2, 3]]).values.numpy(),
    tf.sets.union([[1, 2]], [[2, 3]]).values.numpy(),
    tf.sets.difference([[1, 2]], [[2, 3]]).values.numpy(),
    tf.sets.size(tf.sets.union([[1, 2]], [[2, 3]])).numpy(),
    tf.math.confusion_matrix([1, 2], [1, 1], 3, weights=[2, 3]).numpy().tolist(),
    tf.math.bincount([[1, 1], [2, 0]], axis=-1).numpy().tolist(),
    tf.math.bincount([1, 3], weights=[0.5, 0.25], minlength=5).numpy(),
    tf.unique_with_counts([5, 5, 7]).count.numpy(),
    tf.histogram_fixed_width([0.1, 0.9, 0.5], [0.0, 1.0], 3).numpy(),
    tf.searchsorted([1, 3, 5], [2, 5], side="right").numpy(),
    tf.math.invert_permutation([1, 0]).numpy(),
    tf.math.zero_fraction([0, 1]).numpy(),
    tf.math.l2_normalize([3.0, 4.0]).numpy(),
    tf.math.nextafter(tf.constant(1.0), 2.0).numpy(),
)
