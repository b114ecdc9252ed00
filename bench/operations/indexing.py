"""Gathers, scatters and what their indices come from."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    table = random.normal(size=(10_000, 64)).astype("float32")
    ids = random.integers(0, 10_000, 2_000).astype("int32")
    x = random.normal(size=(256, 1024)).astype("float32")
    pairs = random.integers(0, 256, (5_000, 2)).astype("int32")
    flat = random.normal(size=100_000).astype("float32")
    parts = random.integers(0, 4, 100_000).astype("int32")
    many = random.integers(0, 5_000, 100_000).astype("int32")
    edges = [-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]
    ordered = tf.sort(tf.constant(flat)).numpy()
    return {
        "gather": (lambda t, i: tf.gather(t, i), (table, ids)), "gather columns": (lambda t, i: tf.gather(t, i % 1024, axis=1), (x, ids)),
        "gather batch": (lambda t, i: tf.gather(t, tf.reshape(i[:1792] % 1024, [256, 7]), batch_dims=1), (x, ids)),
        "gather_nd": (lambda t, i: tf.gather_nd(t, i), (x, pairs)), "scatter_nd": (lambda i, v: tf.scatter_nd(i, v[:5_000], [256, 256]), (pairs, flat)),
        "tensor_scatter_nd_add": (lambda t, i, v: tf.tensor_scatter_nd_add(t, i, v[:5_000]), (x, pairs, flat)),
        "tensor_scatter_nd_max": (lambda t, i, v: tf.tensor_scatter_nd_max(t, i, v[:5_000]), (x, pairs, flat)),
        "where": (lambda a: tf.where(a > 1), (x,)), "boolean_mask": (lambda a: tf.boolean_mask(a, a > 0), (flat,)), "boolean_mask rows": (lambda a: tf.boolean_mask(a, a[:, 0] > 0), (x,)),
        "unique": (lambda i: tf.unique(i), (many,)), "unique_with_counts": (lambda i: tf.unique_with_counts(i), (many,)),
        "dynamic_partition": (lambda a, p: tf.dynamic_partition(a, p, 4), (flat, parts)), "dynamic_partition rows": (lambda a, p: tf.dynamic_partition(a, p[:256], 4), (x, parts)),
        "dynamic_stitch": (lambda a: tf.dynamic_stitch([tf.range(0, 512, 2), tf.range(1, 512, 2)], [a, a]), (x,)),
        "searchsorted": (lambda s, a: tf.searchsorted(s, a), (ordered, flat)), "bucketize": (lambda a: tf.raw_ops.Bucketize(input=a, boundaries=edges), (flat,)),
        "invert_permutation": (lambda a: tf.math.invert_permutation(tf.argsort(a)), (flat[:10_000],)), "embedding_lookup": (lambda t, i: tf.nn.embedding_lookup(t, i), (table, ids)),
        "ragged to dense": (lambda a: tf.RaggedTensor.from_row_lengths(a, tf.fill([1000], 100)).to_tensor(), (flat,)),
        "ragged sum": (lambda a: tf.reduce_sum(tf.RaggedTensor.from_row_lengths(a, tf.fill([1000], 100)), 1), (flat,)),
        "sparse matmul": (lambda i, v, t: tf.sparse.sparse_dense_matmul(tf.sparse.reorder(tf.SparseTensor(tf.cast(i, tf.int64), v[:5_000], [256, 256])), t), (pairs, flat, x)),
        "sparse to dense": (lambda i, v: tf.sparse.to_dense(tf.sparse.reorder(tf.SparseTensor(tf.cast(i, tf.int64), v[:5_000], [256, 256])), validate_indices=False), (pairs, flat)),
    }  # fmt: skip
