"""Tables, sets, sparse tensors."""

import numpy as np


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    keys = np.arange(1000)
    ids = random.integers(0, 1500, 10_000)
    words = np.array([b"word %d" % i for i in ids])
    numbers = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, keys * 2), -1)
    names = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([b"word %d" % i for i in keys], keys), -1)  # fmt: skip
    rows = random.integers(0, 50, (100, 20))
    dense = np.where(random.random((200, 300)) < 0.05, random.normal(size=(200, 300)), 0)
    dense = dense.astype("float32")
    return {
        "lookup of numbers": (lambda i: numbers.lookup(i), (ids,)), "lookup of strings": (lambda s: names.lookup(s), (words,)), "set intersection": (lambda a, b: tf.sets.intersection(a, b).values, (rows, rows[::-1].copy())), "set size": (lambda a: tf.sets.size(tf.sparse.from_dense(a)), (rows,)),
        "sparse.from_dense": (lambda x: tf.sparse.from_dense(x).values, (dense,)), "sparse.reduce_sum": (lambda x: tf.sparse.reduce_sum(tf.sparse.from_dense(x), 1), (dense,)), "sparse.add": (lambda x: tf.sparse.add(tf.sparse.from_dense(x), tf.sparse.from_dense(x * 2)).values, (dense,)),
        "sparse.concat": (lambda x: tf.sparse.concat(1, [tf.sparse.from_dense(x)] * 2).values, (dense,)), "sparse.softmax": (lambda x: tf.sparse.softmax(tf.sparse.from_dense(x)).values, (dense,)), "sparse.transpose": (lambda x: tf.sparse.transpose(tf.sparse.from_dense(x)).values, (dense,)), "sparse.slice": (lambda x: tf.sparse.slice(tf.sparse.from_dense(x), [10, 10], [100, 100]).values, (dense,)),
        "sparse.bincount": (lambda i: tf.sparse.bincount(i, minlength=1500).values, (ids,)), "sparse.cross": (lambda i: tf.sparse.cross_hashed([tf.sparse.from_dense(i + 1), tf.sparse.from_dense(i + 2)], 1000).values, (rows,)), "embedding_lookup_sparse": (lambda i, x: tf.nn.embedding_lookup_sparse(x, tf.sparse.from_dense(i + 1), None, combiner="mean"), (rows, dense)),
    }  # fmt: skip
