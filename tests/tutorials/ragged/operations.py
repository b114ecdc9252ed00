"""Ragged tensors in models and datasets: ragged ops, gradients, uniform inner dims, string workflows, dense conversion, comparisons, indexing, concat, reduce, segment, printing."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(401)
r = tf.ragged.constant([[3.0, 1.0, 4.0], [], [1.0, 5.0], [9.0]])
print(
    r,
    repr(r.shape),
    r.bounding_shape().numpy(),
    r.nrows().numpy(),
    r.row_splits.numpy(),
    r.value_rowids().numpy(),
    r.row_starts().numpy(),
    r.ragged_rank,
)
print(
    "RESULT",
    tf.reduce_sum(r, 1).numpy(),
    tf.reduce_max(r, 1).numpy(),
    tf.reduce_mean(r, 0).numpy(),
    tf.reduce_all(r > 0, 1).numpy(),
    tf.math.reduce_std(r).numpy() if False else tf.reduce_prod(r, axis=[0, 1]).numpy(),
    tf.math.reduce_variance(r, 1).numpy() if False else 0,
)
print(
    "RESULT",
    (r * 2 + 1).to_list(),
    (r + tf.constant([[1.0], [2.0], [3.0], [4.0]])).to_list(),
    tf.sqrt(r).to_list(),
    (r > 2).to_list(),
    tf.where(r > 2, r, -r).to_list(),
    tf.cast(r, tf.int32).to_list(),
)
print(
    "RESULT",
    r[0].numpy(),
    r[:, :1].to_list(),
    r[1:3].to_list(),
    r[:, -1:].to_list(),
    r[2, 1].numpy(),
    r[::2].to_list(),
    r[..., 1:].to_list(),
)
print(
    "RESULT",
    tf.concat([r, r[:, :1]], 1).to_list(),
    tf.concat([r, [[7.0]]], 0).to_list(),
    tf.stack([r, r], 1).shape,
    tf.tile(r, [1, 2]).to_list(),
    tf.reverse(r, [1]).to_list(),
    tf.expand_dims(r, 1).shape,
    tf.gather(r, [2, 0]).to_list(),
    tf.gather(r, [[0], [1]]).to_list(),
    tf.gather_nd(r, [[0, 1], [3, 0]]).numpy(),
    tf.ragged.boolean_mask(r, r > 1).to_list(),
    tf.ragged.range([2, 0, 3]).to_list(),
    tf.ragged.range(0, 9, [2, 3]).to_list(),
)
print(
    "RESULT",
    r.to_tensor(-1.0).numpy().tolist(),
    r.to_tensor(shape=[None, 2]).shape,
    tf.sparse.to_dense(r.to_sparse()).numpy().tolist(),
    tf.RaggedTensor.from_tensor([[1, 2, 0], [3, 0, 0]], padding=0).to_list(),
    tf.RaggedTensor.from_tensor([[1, 2], [3, 4]], lengths=[1, 2]).to_list(),
    tf.RaggedTensor.from_sparse(tf.sparse.from_dense([[1, 0], [2, 3]])).to_list() if False else 0,
)
u = tf.RaggedTensor.from_uniform_row_length(tf.range(12), 3)
n = tf.RaggedTensor.from_nested_row_splits(tf.range(6), [[0, 2, 3], [0, 1, 4, 6]])
print(
    "RESULT",
    u.shape,
    u.uniform_row_length.numpy(),
    n.to_list(),
    n.merge_dims(0, 1).to_list(),
    n.flat_values.numpy(),
    [s.numpy().tolist() for s in n.nested_row_lengths()],
    n.with_values(n.values * 1).shape,
    tf.reduce_sum(n, 2).to_list(),
    tf.reduce_sum(n, [1, 2]).numpy(),
    n.bounding_shape().numpy(),
)
q = tf.ragged.constant([[[1, 2], [3, 4]], [[5, 6]]], inner_shape=(2,))
print(
    "RESULT",
    q.shape,
    q.to_tensor().shape,
    tf.ragged.stack([tf.constant([1]), tf.constant([2, 3])]).to_list(),
    tf.ragged.stack_dynamic_partitions([1, 2, 3, 4], [0, 1, 0, 2], 3).to_list(),
    tf.ragged.segment_ids_to_row_splits([0, 0, 2]).numpy(),
    tf.ragged.row_splits_to_segment_ids([0, 2, 2, 3]).numpy(),
    tf.ragged.cross(
        [tf.ragged.constant([["a"], ["b", "c"]]), tf.ragged.constant([["d"], ["e"]])]
    ).to_list(),
    tf.ragged.cross_hashed(
        [tf.ragged.constant([["a"], ["b", "c"]]), tf.ragged.constant([["d"], ["e"]])], 100
    ).to_list(),
)
t = tf.strings.split(["the cat sat", "on", "a mat"])
print(
    "RESULT",
    t.to_list(),
    tf.strings.join([t, "!"]).to_list(),
    tf.strings.length(t).to_list(),
    tf.strings.reduce_join(t, axis=1, separator="-").numpy(),
    tf.strings.ngrams(t, [1, 2]).to_list(),
    tf.strings.unicode_decode(t, "UTF-8").shape,
    tf.strings.lower(t).to_list()[0],
    tf.ragged.map_flat_values(tf.strings.to_hash_bucket_fast, t, 10).to_list(),
    tf.sort(tf.ragged.constant([[3, 1], [2]]).to_tensor(9)).numpy().tolist(),
    tf.argmax(r.to_tensor(-1), 1).numpy(),
    tf.math.top_k(r.to_tensor(), 2)[0].numpy()[0],
)
with tf.GradientTape() as g:
    v = tf.constant([1.0, 2.0, 3.0, 4.0])
    g.watch(v)
    rr = tf.RaggedTensor.from_row_lengths(v, [1, 0, 3])
    l = tf.reduce_sum(tf.reduce_sum(rr * rr, 1) ** 2) + tf.reduce_sum(
        tf.nn.softmax(rr.to_tensor(-1e9))[:, 0]
    )
print("RESULT", l.numpy(), g.gradient(l, v).numpy())
w = tf.Variable(rng.normal(size=(9, 3)).astype("float32"))


@tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int64)])
def embed(x):
    e = tf.nn.embedding_lookup(w, x)
    return (
        e,
        tf.reduce_mean(e, 1),
        tf.nn.safe_embedding_lookup_sparse(w, x.to_sparse(), combiner="sqrtn"),
        tf.nn.embedding_lookup_sparse(w, x, None, combiner="sum"),
    )


for l in ([[1, 2], [3]], [[4], [], [5, 6, 7]]):
    try:
        e, m, s, z = embed(tf.ragged.constant(l, dtype=tf.int64))
        print("RESULT", e.shape, m.numpy().ravel()[:4], s.numpy().sum(), z.numpy().sum())
    except Exception as ex:
        print("RESULT", type(ex).__name__, str(ex)[:100])
ds = tf.data.Dataset.from_tensor_slices(
    (tf.ragged.constant([[1, 2], [3], [4, 5, 6], []]), [0, 1, 0, 1])
)
for a, b in ds.batch(2).map(lambda a, b: (a * 2, b)):
    print("RESULT", a, b.numpy())
print(
    "RESULT",
    [x.to_tensor().shape for x, _ in ds.batch(3)],
    ds.apply(tf.data.experimental.dense_to_ragged_batch(2)).element_spec[0],
    [a.numpy().tolist() for a in ds.map(lambda a, b: a).padded_batch(4)],
)
print(
    "RESULT",
    tf.ragged.constant([["a", "bb"], ["ccc"]]),
    tf.ragged.constant([[1.5, 2.25], []]),
    tf.ragged.constant([]),
    tf.ragged.constant([[[]]]).shape,
    tf.ragged.constant(list([i] * i for i in range(12))),
)
d = tf.experimental.DynamicRaggedShape.from_tensor(r)
print(
    "RESULT",
    d,
    tf.experimental.StructuredTensor.from_pyval([{"x": 1, "y": [1, 2]}, {"x": 2, "y": [3]}])
    .field_value("y")
    .to_list()
    if hasattr(tf.experimental, "StructuredTensor")
    else "",
)
rs = tf.ragged.RaggedTensorSpec if hasattr(tf.ragged, "RaggedTensorSpec") else tf.RaggedTensorSpec
print(
    "RESULT",
    rs([None, None], tf.int32).is_compatible_with(tf.ragged.constant([[1]])),
    tf.type_spec_from_value(r),
    tf.nest.flatten(r, expand_composites=True)[1].numpy(),
    r.numpy().dtype,
    tf.ragged.constant([[1, 2], [3, 4]]).numpy().tolist(),
    tf.equal(r, r).to_list(),
    tf.map_fn(lambda x: tf.sort(x), r).to_list(),
    tf.size(r).numpy(),
    tf.rank(r).numpy(),
    tf.ones_like(r).to_list(),
    r.consumers() if False else "",
    tf.one_hot(tf.ragged.constant([[0, 2]]), 3).shape,
    tf.clip_by_value(r, 1, 3).to_list(),
    tf.dynamic_partition(r, [0, 1, 0, 1], 2)[0].to_list() if False else "",
    tf.squeeze(tf.ragged.constant([[[1]], [[2]]]), 2).to_list(),
    tf.matmul(
        tf.ragged.constant([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]], ragged_rank=1),
        tf.ones([2, 2, 1]),
    ).to_list(),
)
