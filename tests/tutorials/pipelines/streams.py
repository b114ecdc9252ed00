"""Streams: groups by reducers and windows, resampling, choices, scans, joins, errors that are skipped, random streams, and counted epochs."""

import numpy as np
import tensorflow as tf

Dataset = tf.data.Dataset
rng = np.random.default_rng(501)


def show(name, dataset):
    def plain(x):
        if isinstance(x, tf.RaggedTensor):
            return x.to_list()
        if isinstance(x, tf.sparse.SparseTensor):
            return tf.sparse.to_dense(x).numpy().tolist()
        if isinstance(x, Dataset):
            return [plain(y) for y in x]
        x = x.numpy()
        return x.decode() if isinstance(x, bytes) else x.tolist()

    print(
        "RESULT", name, *[tf.nest.map_structure(plain, e, expand_composites=False) for e in dataset]
    )


events = [(k % 3, float(k), f"e{k}") for k in range(13)]
stream = Dataset.from_generator(
    lambda: events,
    output_signature=(tf.TensorSpec([], tf.int64), tf.TensorSpec([]), tf.TensorSpec([], tf.string)),
)
mean = tf.data.experimental.Reducer(
    lambda _: (0.0, 0.0), lambda s, e: (s[0] + e[1], s[1] + 1.0), lambda total, n: total / n
)
show("means", stream.apply(tf.data.experimental.group_by_reducer(lambda k, *_: k, mean)))
show(
    "windows",
    stream.group_by_window(
        lambda k, *_: k,
        lambda k, w: w.map(lambda a, b, c: (a, c)).batch(4),
        window_size_func=lambda k: k + 2,
    ),
)
show(
    "joined",
    stream.group_by_window(
        lambda k, *_: k,
        lambda k, w: w.batch(9).map(lambda a, b, c: tf.strings.reduce_join(c, separator="+")),
        window_size=9,
    ),
)
lengths = Dataset.from_tensor_slices([3, 1, 4, 1, 5, 9, 2, 6, 5, 3]).map(lambda n: tf.range(n))
show(
    "buckets",
    lengths.bucket_by_sequence_length(
        tf.size, [3, 5], [3, 2, 2], pad_to_bucket_boundary=False, padding_values=-1
    ),
)
show(
    "bounded",
    lengths.filter(lambda x: tf.size(x) < 5).bucket_by_sequence_length(
        tf.size, [3, 5], [2, 2, 1], pad_to_bucket_boundary=True, drop_remainder=True
    ),
)
show("ragged", lengths.ragged_batch(4))
show("padded", lengths.padded_batch(4, padded_shapes=[None], padding_values=7, drop_remainder=True))
show("sparse", lengths.take(3).apply(tf.data.experimental.dense_to_sparse_batch(2, [4])))

classes = Dataset.range(60).map(lambda k: (k, tf.cast(k % 10 == 0, tf.int64)))
balanced = classes.rejection_resample(lambda k, c: c, [0.5, 0.5], [0.9, 0.1], seed=3)
show("resampled", balanced.map(lambda c, pair: pair[0]))
parts = [Dataset.range(k * 100, k * 100 + n) for k, n in enumerate((5, 3, 8))]
show(
    "sampled",
    Dataset.sample_from_datasets(
        parts, weights=[0.5, 0.2, 0.3], seed=5, stop_on_empty_dataset=False
    ),
)
show(
    "stopped",
    Dataset.sample_from_datasets(
        parts, seed=6, stop_on_empty_dataset=True, rerandomize_each_iteration=False
    ),
)
show(
    "chosen",
    Dataset.choose_from_datasets(
        parts,
        Dataset.from_tensor_slices(np.array([0, 1, 2, 2, 0, 1, 1, 1, 0], "int64")),
        stop_on_empty_dataset=False,
    ),
)
show(
    "scanned",
    Dataset.range(1, 8).scan(
        tf.constant([0, 1], tf.int64), lambda s, x: (tf.stack([s[1], s[0] + s[1]]), s[0] * x)
    ),
)
show("until", Dataset.counter(2, 3).take_while(lambda x: x < 20))
show(
    "windowed",
    Dataset.range(9)
    .window(4, shift=2, stride=2, drop_remainder=False)
    .flat_map(lambda w: w.batch(4)),
)
show(
    "pairs",
    Dataset.range(7)
    .window(3, 2, 1, True)
    .map(lambda w: Dataset.zip((w, w.skip(1))))
    .flat_map(lambda d: d.map(lambda a, b: a * 10 + b)),
)
show("nested", Dataset.range(4).map(lambda k: Dataset.range(k)))
show("crossed", Dataset.range(3).flat_map(lambda a: Dataset.range(2).map(lambda b: (a, b))))
show("enumerated", Dataset.from_tensor_slices(["a", "b"]).enumerate(start=5))
show("unique", Dataset.from_tensor_slices([3, 1, 3, 2, 1, 4]).unique())
show("sharded", Dataset.range(10).shard(3, 1).concatenate(Dataset.range(2)))
show(
    "checked",
    Dataset.range(5)
    .map(lambda x: tf.debugging.check_numerics(1.0 / tf.cast(x - 2, tf.float32), "inf"))
    .ignore_errors(),
)
show("shuffled", Dataset.range(6).shuffle(3, seed=7).repeat(2))
show("same order", Dataset.range(6).shuffle(6, seed=7, reshuffle_each_iteration=False).repeat(2))
show("random", Dataset.random(seed=4, rerandomize_each_iteration=False).take(3))
show("rebatched", Dataset.range(10).batch(4).rebatch([2, 3], drop_remainder=False))
show(
    "unbatched",
    Dataset.from_tensors(
        (tf.ragged.constant([[1], [], [2, 3]]), tf.sparse.from_dense([[0, 1], [2, 0], [0, 0]]))
    ).unbatch(),
)
show(
    "interleaved",
    Dataset.range(1, 5).interleave(
        lambda x: Dataset.from_tensors(x).repeat(x), cycle_length=3, block_length=2
    ),
)
show(
    "parallel",
    Dataset.range(4).interleave(
        lambda x: Dataset.range(x, x + 3), cycle_length=2, num_parallel_calls=2, deterministic=True
    ),
)
show(
    "py",
    Dataset.range(3).map(lambda x: tf.py_function(lambda v: v.numpy() ** 2 + 1, [x], tf.int64)),
)
show(
    "numpy",
    Dataset.range(3).map(
        lambda x: tf.ensure_shape(
            tf.numpy_function(lambda v: np.full(2, v, np.float32), [x], tf.float32, stateful=False),
            [2],
        )
    ),
)
show(
    "prefetched",
    Dataset.range(5)
    .prefetch(2)
    .cache()
    .map(lambda x: x + 1, num_parallel_calls=2)
    .filter(lambda x: x % 2 == 1),
)
show(
    "batched",
    Dataset.range(7).batch(3, num_parallel_calls=2, deterministic=True).map(tf.reduce_sum),
)
show(
    "map and batch", Dataset.range(5).apply(tf.data.experimental.map_and_batch(lambda x: x * 2, 2))
)
show("slices", Dataset.from_tensor_slices({"a": [1, 2], "b": ([3, 4], [[5], [6]])}))
show("zip", Dataset.zip(Dataset.range(3), {"x": Dataset.range(5, 9)}))

print(
    "RESULT reduced",
    int(Dataset.range(10).reduce(np.int64(0), lambda s, x: s + x * x)),
    *[
        int(v)
        for v in Dataset.range(5).reduce(
            (np.int64(1), np.int64(0)), lambda s, x: (s[0] * (x + 1), s[1] + 1)
        )
    ],
)
print(
    "RESULT cardinality",
    *[
        int(d.cardinality())
        for d in (
            Dataset.range(10).batch(3),
            Dataset.range(3).repeat(),
            Dataset.range(9).filter(lambda x: x > 1),
            Dataset.range(9)
            .filter(lambda x: x > 1)
            .apply(tf.data.experimental.assert_cardinality(7)),
            stream,
        )
    ],
)
try:
    list(Dataset.range(4).apply(tf.data.experimental.assert_cardinality(7)))
except tf.errors.FailedPreconditionError as error:
    print("RESULT asserted", type(error).__name__)
print(
    "RESULT single",
    int(Dataset.range(5).batch(5).map(tf.reduce_sum).get_single_element()),
    Dataset.range(3).element_spec.dtype.name,
    len(Dataset.range(5)),
    bool(tf.data.experimental.cardinality(Dataset.range(2)) == 2),
)
first, second = (
    Dataset.range(10),
    tf.keras.utils.split_dataset(Dataset.range(10), 0.3, shuffle=True, seed=1),
)
print("RESULT split", [len(d) for d in second], sorted(int(x) for d in second for x in d))
options = tf.data.Options()
(
    options.deterministic,
    options.threading.private_threadpool_size,
    options.experimental_optimization.map_fusion,
) = True, 2, True
print(
    "RESULT options",
    first.with_options(options).options().deterministic,
    first.with_options(options).map(lambda x: x).options().threading.private_threadpool_size,
)


@tf.function
def consume(dataset):
    total, best = tf.constant(0, tf.int64), tf.constant(-1, tf.int64)
    for step, x in dataset.enumerate():
        if x % 4 == 1:
            continue
        if x > 11:
            break
        total += x * step
        best = tf.maximum(best, x)
    return total, best


for n in (5, 10, 20):
    print("RESULT consumed", *[int(v) for v in consume(Dataset.range(n))])


@tf.function
def by_iterator(iterator, steps):
    out = tf.TensorArray(tf.int64, 0, dynamic_size=True)
    for k in tf.range(steps):
        value = iterator.get_next_as_optional()
        if not value.has_value():
            break
        out = out.write(k, value.get_value() * 2)
    return out.stack()


iterator = iter(Dataset.range(5))
print(
    "RESULT optional",
    *by_iterator(iterator, tf.constant(3)).numpy(),
    *by_iterator(iterator, tf.constant(9)).numpy(),
    next(iterator, None),
)
