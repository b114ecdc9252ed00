"""Input pipelines: records written and parsed, CSV files, interleaving, windows, groups, padding, snapshots of state."""

import os

import numpy as np
import tensorflow as tf

tf.random.set_seed(103)
rng = np.random.default_rng(103)


def example(k):
    feature = {
        "number": tf.train.Feature(int64_list=tf.train.Int64List(value=[k])),
        "values": tf.train.Feature(float_list=tf.train.FloatList(value=rng.normal(size=3))),
        "name": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"n%d" % k])),
        "many": tf.train.Feature(int64_list=tf.train.Int64List(value=range(k % 4))),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


for part in range(3):
    with tf.io.TFRecordWriter(f"part{part}.tfrecord") as writer:
        for k in range(5):
            writer.write(example(part * 5 + k))
description = {
    "number": tf.io.FixedLenFeature([], tf.int64),
    "values": tf.io.FixedLenFeature([3], tf.float32),
    "name": tf.io.FixedLenFeature([], tf.string, default_value=""),
    "many": tf.io.VarLenFeature(tf.int64),
}
files = tf.data.Dataset.list_files("part*.tfrecord", shuffle=True, seed=1)
records = files.interleave(tf.data.TFRecordDataset, cycle_length=2, block_length=2)
parsed = records.map(lambda record: tf.io.parse_single_example(record, description))
print(
    "RESULT numbers",
    *(
        int(row["number"])
        for row in tf.data.TFRecordDataset([f"part{k}.tfrecord" for k in range(3)]).map(
            lambda r: tf.io.parse_single_example(r, description)
        )
    ),
)
batch = next(
    iter(
        tf.data.TFRecordDataset("part1.tfrecord")
        .batch(4)
        .map(lambda rows: tf.io.parse_example(rows, description))
    )
)
print(
    "RESULT batch",
    batch["values"].shape,
    batch["number"].numpy(),
    tf.sparse.to_dense(batch["many"], default_value=-1).numpy().ravel(),
)
print(
    "RESULT names",
    *(n.decode() for n in batch["name"].numpy()),
    float(tf.reduce_sum(batch["values"])),
)
print("RESULT count", int(parsed.reduce(np.int64(0), lambda n, row: n + row["number"])))

with open("table.csv", "w") as file:
    file.write("age,fare,class,survived\n")
    for _ in range(23):
        file.write(
            f"{rng.integers(1, 80)},{rng.gamma(2, 10):.2f},{rng.choice(['First', 'Second', 'Third'])},{rng.integers(0, 2)}\n"
        )
csv = tf.data.experimental.make_csv_dataset(
    "table.csv", batch_size=5, label_name="survived", num_epochs=1, shuffle=False
)
for features, labels in csv.take(1):
    print(
        "RESULT csv",
        features["age"].numpy(),
        features["fare"].numpy(),
        labels.numpy(),
        *(c.decode() for c in features["class"].numpy()),
    )
columns = tf.data.experimental.CsvDataset(
    "table.csv", [tf.int32, tf.float32], select_cols=[0, 1], header=True
)
print(
    "RESULT columns",
    *(float(sum(column)) for column in zip(*((int(a), float(f)) for a, f in columns))),
)
lines = (
    tf.data.TextLineDataset("table.csv")
    .skip(1)
    .filter(lambda line: tf.strings.regex_full_match(line, ".*First.*"))
)
print("RESULT lines", sum(1 for _ in lines))

numbers = tf.data.Dataset.range(20)
windows = numbers.window(5, shift=3, stride=2, drop_remainder=True).flat_map(lambda w: w.batch(5))
print("RESULT windows", [row.tolist() for row in windows.as_numpy_iterator()])
grouped = numbers.group_by_window(
    key_func=lambda x: x % 3, reduce_func=lambda key, w: w.batch(3), window_size=3
)
print("RESULT grouped", [row.tolist() for row in grouped.as_numpy_iterator()])
ragged = numbers.map(lambda x: tf.range(x % 5)).padded_batch(6, padding_values=np.int64(-1))
print("RESULT padded", [row.shape for row in ragged.as_numpy_iterator()])
bucketed = numbers.map(lambda x: tf.range(x)).bucket_by_sequence_length(
    lambda row: tf.cast(tf.shape(row)[0], tf.int32),
    bucket_boundaries=[5, 12],
    bucket_batch_sizes=[4, 3, 2],
)
print("RESULT buckets", [row.shape for row in bucketed.as_numpy_iterator()])
scanned = numbers.scan(np.int64(0), lambda total, x: (total + x, total + x)).take_while(
    lambda total: total < 60
)
print("RESULT scanned", list(scanned.as_numpy_iterator()))
shuffled = numbers.shuffle(8, seed=3)
print("RESULT shuffled", list(shuffled.as_numpy_iterator()), list(shuffled.as_numpy_iterator()))
generated = tf.data.Dataset.from_generator(
    lambda: ((k, np.arange(k, dtype="float32")) for k in range(4)),
    output_signature=(tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.float32)),
)
print("RESULT generated", [(int(a), b.numpy().tolist()) for a, b in generated])
mixed = tf.data.Dataset.sample_from_datasets(
    [numbers, numbers.map(lambda x: -x)], [0.7, 0.3], seed=5
)
print("RESULT mixed", list(mixed.as_numpy_iterator())[:12])
chosen = tf.data.Dataset.choose_from_datasets(
    [numbers.repeat(), numbers.skip(10).repeat()], tf.data.Dataset.range(2).repeat(3)
)
print("RESULT chosen", list(chosen.as_numpy_iterator()))
resampled = numbers.rejection_resample(lambda x: tf.cast(x % 2, tf.int32), [0.2, 0.8], seed=7)
print("RESULT unique", list(numbers.map(lambda x: x // 3).unique().as_numpy_iterator()))
random = tf.data.Dataset.random(seed=4).take(3)
print("RESULT random", list(random.as_numpy_iterator()))
cached = numbers.map(lambda x: x * x).cache("cache").batch(6, drop_remainder=True)
print(
    "RESULT cached",
    [int(tf.reduce_sum(row)) for row in cached],
    [int(tf.reduce_sum(row)) for row in cached],
    any("cache" in name for name in os.listdir()),
)
iterator = iter(numbers.batch(3))
first = [next(iterator).numpy().tolist() for _ in range(2)]
path = tf.train.Checkpoint(iterator=iterator).save("state")
later = next(iterator).numpy().tolist()
tf.train.Checkpoint(iterator=iterator).restore(path)
print("RESULT resumed", first, later, next(iterator).numpy().tolist())
table = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([10, 20])),
    default_value=-1,
)
words = tf.data.Dataset.from_tensor_slices(["b", "x", "a"]).map(table.lookup)
print("RESULT looked up", list(words.as_numpy_iterator()))
vocabulary = tf.lookup.StaticVocabularyTable(
    tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([0, 1], tf.int64)), 3
)
print("RESULT buckets of words", vocabulary.lookup(tf.constant(["b", "x", "yy", "a"])).numpy())
mutable = tf.lookup.experimental.MutableHashTable(tf.string, tf.float32, default_value=0.0)
for word in ("u", "v", "u"):
    mutable.insert([word], mutable.lookup(tf.constant([word])) + 1.0)
print("RESULT counted", int(mutable.size()), mutable.lookup(tf.constant(["u", "v", "w"])).numpy())
