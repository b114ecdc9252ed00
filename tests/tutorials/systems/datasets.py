"""tf.data in breadth: records, CSV, interleave, buckets, resampling, windows, scans, options, ragged and sparse batches, snapshots, Keras fits over each."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(30)
D = tf.data.Dataset


def show(n, ds, k=6):

    def plain(t):
        if hasattr(t, "to_tensor"):
            t = t.to_tensor()
        if isinstance(t, tf.SparseTensor):
            t = tf.sparse.to_dense(t)
        v = t.numpy()
        return (
            v
            if isinstance(v, bytes)
            else v.tolist()
            if v.dtype == object
            else np.round(v, 5).tolist()
        )

    out = [[plain(t) for t in tf.nest.flatten(e)] for e in ds.take(k)]
    print("RESULT", n, out)


for k in range(3):
    with tf.io.TFRecordWriter(
        f"r{k}.tfrecord", tf.io.TFRecordOptions(compression_type="GZIP" if k == 1 else "")
    ) as w:
        for i in range(7):
            ex = tf.train.Example(
                features=tf.train.Features(
                    feature={
                        "x": tf.train.Feature(
                            float_list=tf.train.FloatList(value=rng.normal(size=3))
                        ),
                        "y": tf.train.Feature(int64_list=tf.train.Int64List(value=[k * 10 + i])),
                        "s": tf.train.Feature(
                            bytes_list=tf.train.BytesList(value=[b"w%d" % j for j in range(i % 3)])
                        ),
                    }
                )
            )
            w.write(ex.SerializeToString())
spec = {
    "x": tf.io.FixedLenFeature([3], tf.float32),
    "y": tf.io.FixedLenFeature([], tf.int64),
    "s": tf.io.VarLenFeature(tf.string),
    "m": tf.io.FixedLenFeature([1], tf.float32, [7.0]),
}
files = D.list_files("r*.tfrecord", shuffle=True, seed=3).filter(
    lambda f: tf.strings.regex_full_match(f, ".*[02].tfrecord")
)
rec = (
    files.interleave(
        tf.data.TFRecordDataset,
        cycle_length=2,
        block_length=2,
        num_parallel_calls=2,
        deterministic=True,
    )
    .map(lambda s: tf.io.parse_single_example(s, spec))
    .shuffle(8, seed=5)
)
show("records", rec.map(lambda d: (d["y"], d["m"], tf.sparse.to_dense(d["s"]))), 14)
show("batched", rec.batch(4).map(lambda d: (tf.reduce_sum(d["x"]), d["s"].dense_shape)))
show("ragged", rec.batch(5).map(lambda d: tf.RaggedTensor.from_sparse(d["s"]).row_lengths()))
show(
    "parsed",
    tf.data.TFRecordDataset(["r0.tfrecord"])
    .batch(3)
    .map(
        lambda s: tf.io.parse_example(
            s, {"y": tf.io.FixedLenFeature([], tf.int64), "s": tf.io.RaggedFeature(tf.string)}
        )
    )
    .map(lambda d: (d["y"], d["s"].row_lengths())),
)
open("t.csv", "w").write("a,b,c\n" + "\n".join(f"{i},{i * 0.5},{'xyz'[i % 3]}" for i in range(11)))
show(
    "csv",
    tf.data.experimental.make_csv_dataset(
        "t.csv", 4, label_name="a", num_epochs=1, shuffle=True, shuffle_seed=2
    ).map(lambda d, l: (d["b"], d["c"], l)),
)
show("csv2", tf.data.experimental.CsvDataset("t.csv", [tf.int32, tf.float32, "q"], header=True))
show("lines", tf.data.TextLineDataset("t.csv").skip(1).map(lambda l: tf.strings.split(l, ",")))
r = D.range(20)
show("shuffle", r.shuffle(6, seed=1).repeat(2).batch(8), 9)
d = r.shuffle(20, seed=4, reshuffle_each_iteration=True)
show("epoch1", d, 20)
show("epoch2", d, 20)
show(
    "sample",
    D.sample_from_datasets(
        [D.range(0, 5).repeat(), D.range(100, 105).repeat()], [0.3, 0.7], seed=6
    ),
    15,
)
show(
    "choose",
    D.choose_from_datasets([D.range(3).repeat(), D.range(10, 12).repeat()], D.range(2).repeat(4)),
    9,
)
show(
    "reject",
    r.repeat(5).rejection_resample(
        lambda x: tf.cast(x % 2, tf.int32), [0.2, 0.8], [0.5, 0.5], seed=7
    ),
    12,
)
show(
    "bucket",
    r.map(lambda x: tf.fill([x % 7 + 1], x)).bucket_by_sequence_length(
        lambda x: tf.shape(x)[0], [3, 5], [4, 3, 2], pad_to_bucket_boundary=False
    ),
)
show("window", r.window(4, 3, 2, True).flat_map(lambda w: w.batch(4)))
show("group", r.group_by_window(lambda x: x % 3, lambda k, w: w.batch(4), 4), 8)
show("scan", r.scan(tf.constant(0, tf.int64), lambda s, x: (s + x, s * x)))
show("take", r.take_while(lambda x: x < 4))
show("unique", r.map(lambda x: x % 4).unique())
show("rebatch", r.batch(7).rebatch([3, 5]))
show(
    "padded",
    r.map(lambda x: (tf.range(x % 4), x)).padded_batch(
        5, padding_values=(tf.constant(-1, tf.int64), None)
    ),
)
show("rb", r.map(lambda x: tf.range(x % 4)).ragged_batch(4))
show("enum", r.enumerate(5).shard(4, 1))
show("zip", D.zip(r, r.skip(3).map(tf.math.square)))
show("concat", r.take(2).concatenate(r.skip(18)))
show("random", D.random(seed=4).map(lambda x: x % 100))
show("counter", D.counter(5, 3))
show("dense", r.map(lambda x: x * 2).apply(tf.data.experimental.dense_to_ragged_batch(6)))
show("bpad", D.from_tensor_slices(tf.ragged.constant([[1, 2], [3], [], [4, 5, 6]])).batch(3))
print(
    "RESULT reduce",
    int(r.reduce(tf.constant(0, tf.int64), lambda s, x: s + x)),
    int(r.filter(lambda x: x % 3 == 0).cardinality()),
    int(r.batch(3).cardinality()),
    r.batch(3, drop_remainder=True).element_spec.shape,
)
r.map(lambda x: (x, tf.cast(x, tf.float32) / 3)).save("saved")
show("load", D.load("saved").skip(15))
show("cache", r.take(4).cache("c").repeat(2), 9)
show("snap", r.snapshot("snap").take(3))
show("get", D.from_tensors({"a": 1, "b": (2.0, [3])}))
print("RESULT item", r.take(1).get_single_element().numpy(), list(r.take(3).as_numpy_iterator()))
show("py", r.map(lambda x: tf.numpy_function(lambda v: v * 3, [x], tf.int64)))
show(
    "ignore",
    r.map(
        lambda x: tf.debugging.check_numerics(tf.constant(1.0) / tf.cast(x % 3, tf.float32), "")
    ).ignore_errors(),
    20,
)
it = iter(r.shuffle(20, seed=9))
a = [int(next(it)) for _ in range(5)]
ck = tf.train.Checkpoint(it=it)
p = ck.save("itck")
b = [int(next(it)) for _ in range(4)]
ck.restore(p)
print("RESULT iterator", a, b, [int(next(it)) for _ in range(4)])
keras = tf.keras
x = rng.normal(size=(61, 4)).astype("float32")
y = x.sum(1, keepdims=True)
base = D.from_tensor_slices((x, y))
for n, ds in {
    "shuffle": base.shuffle(61, seed=1).batch(16),
    "cached": base.cache()
    .shuffle(30, seed=2, reshuffle_each_iteration=False)
    .batch(16)
    .prefetch(2),
    "repeat": base.repeat(2).batch(16),
    "interleave": D.range(3).interleave(lambda i: base.shard(3, i), cycle_length=3).batch(10),
    "tf": base.batch(8).unbatch().batch(20),
    "noise": base.map(lambda a, b: (a + tf.random.normal([4], stddev=0.1, seed=3), b)).batch(16),
    "boots": D.sample_from_datasets([base.take(20).repeat(), base.skip(20).repeat()], seed=5)
    .take(50)
    .batch(16),
    "parallel": base.map(lambda a, b: (a * 2, b), num_parallel_calls=4).batch(
        16, num_parallel_calls=2
    ),
}.items():
    keras.utils.set_random_seed(1)
    m = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, "tanh"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(1),
        ]
    )
    m.compile("nadam", "mse")
    print(
        "RESULT fit",
        n,
        *m.fit(ds, epochs=3, verbose=0).history["loss"],
        m.evaluate(ds if n != "noise" else base.batch(9), verbose=0),
    )
