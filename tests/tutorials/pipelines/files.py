"""Datasets from files: fixed records, CSV of several kinds, examples with ragged and sparse features, images on disk, SQL-free shards, saved and resumed."""

import os

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(491)


def feature(value):
    if isinstance(value[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    if isinstance(value[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


def example(k):
    n = k % 4
    features = {
        "id": feature([k]),
        "words": feature([b"w%d" % (j * k % 5) for j in range(n + 1)]),
        "weights": feature([0.5 * j + k for j in range(n + 1)]),
        "indices": feature([j * 2 for j in range(n + 1)]),
        "flat": feature([int(v) for v in range(6)]),
        "split": feature([n, 6 - n]),
        "fixed": feature([float(k), -float(k)]),
    }
    if k % 3 == 0:
        del features["fixed"]
    return tf.train.Example(features=tf.train.Features(feature=features))


for shard in range(3):
    options = tf.io.TFRecordOptions(compression_type="GZIP" if shard == 1 else "")
    with tf.io.TFRecordWriter(f"part-{shard}{'.gz' if shard == 1 else ''}", options) as writer:
        for k in range(shard * 5, shard * 5 + 5):
            writer.write(example(k).SerializeToString())
description = {
    "id": tf.io.FixedLenFeature([], tf.int64),
    "fixed": tf.io.FixedLenFeature([2], tf.float32, default_value=[7.0, 8.0]),
    "words": tf.io.RaggedFeature(tf.string),
    "weights": tf.io.VarLenFeature(tf.float32),
    "parts": tf.io.RaggedFeature(
        tf.int64, value_key="flat", partitions=[tf.io.RaggedFeature.RowLengths("split")]
    ),
    "table": tf.io.SparseFeature("indices", "weights", tf.float32, 10),
}
files = tf.data.Dataset.list_files("part-*", shuffle=False)


def read(name):
    kind = tf.where(tf.strings.regex_full_match(name, r".*\.gz"), "GZIP", "")
    return tf.data.TFRecordDataset(name, compression_type=kind)


records = files.interleave(
    read, cycle_length=2, block_length=2, num_parallel_calls=2, deterministic=True
)
batches = records.batch(4).map(
    lambda r: tf.io.parse_example(r, description), num_parallel_calls=tf.data.AUTOTUNE
)
print(
    "RESULT spec",
    {k: (type(v).__name__, v.shape.as_list()) for k, v in sorted(batches.element_spec.items())},
)
for batch in batches.take(3):
    print(
        "RESULT ids",
        *batch["id"].numpy(),
        *batch["fixed"].numpy().ravel(),
        batch["words"].to_list(),
        batch["parts"].to_list(),
    )
    print(
        "RESULT sparse",
        *batch["table"].dense_shape.numpy(),
        *tf.sparse.reduce_sum(batch["table"], 0).numpy(),
        batch["weights"].indices.shape,
        *tf.sparse.to_dense(batch["weights"]).numpy().ravel(),
    )
context, sequence = tf.io.parse_single_sequence_example(
    tf.train.SequenceExample(
        context=tf.train.Features(feature={"length": feature([3])}),
        feature_lists=tf.train.FeatureLists(
            feature_list={
                "tokens": tf.train.FeatureList(
                    feature=[feature([1, 2]), feature([3]), feature([4, 5, 6])]
                ),
                "frames": tf.train.FeatureList(feature=[feature([0.5, 1.5]), feature([2.5, 3.5])]),
            }
        ),
    ).SerializeToString(),
    {"length": tf.io.FixedLenFeature([], tf.int64)},
    {
        "tokens": tf.io.RaggedFeature(tf.int64),
        "frames": tf.io.FixedLenSequenceFeature([2], tf.float32),
    },
)
print(
    "RESULT sequence",
    int(context["length"]),
    sequence["tokens"].to_list(),
    *sequence["frames"].numpy().ravel(),
)

with open("batch.bin", "wb") as file:  # As CIFAR comes: a label and the bytes of an image.
    for k in range(6):
        file.write(bytes([k % 3]) + rng.integers(0, 256, 27, dtype=np.uint8).tobytes())
    file.write(b"tail!")


def decode(record):
    raw = tf.io.decode_raw(record, tf.uint8)
    image = tf.transpose(tf.reshape(raw[1:], [3, 3, 3]), [1, 2, 0])
    return tf.image.convert_image_dtype(image, tf.float32), tf.cast(raw[0], tf.int32)


fixed = (
    tf.data.FixedLengthRecordDataset("batch.bin", 28, footer_bytes=5)
    .map(decode)
    .cache()
    .shuffle(6, seed=2, reshuffle_each_iteration=True)
    .repeat(2)
    .batch(4)
)
for images, labels in fixed:
    print("RESULT fixed", images.shape, float(tf.reduce_sum(images)), *labels.numpy())
print(
    "RESULT raw",
    *tf.io.decode_raw([b"\x01\x02\x03\x04"], tf.int16, little_endian=False).numpy()[0],
)

with open("table.csv", "w") as file:
    file.write(
        "age,city,income,note,label\n"
        + "".join(
            f'{20 + k},{"ABC"[k % 3]},{"" if k % 4 == 1 else 1.5 * k},"x, {k}",{k % 2}\n'
            for k in range(11)
        )
    )
table = tf.data.experimental.make_csv_dataset(
    "table.csv",
    4,
    label_name="label",
    shuffle=False,
    num_epochs=1,
    na_value="",
    select_columns=["age", "city", "income", "label"],
)
for features, label in table:
    print(
        "RESULT csv",
        *features["age"].numpy(),
        *features["city"].numpy().astype(str),
        *features["income"].numpy(),
        *label.numpy(),
    )
rows = tf.data.experimental.CsvDataset(
    "table.csv", [tf.int32, tf.constant([-1.0]), tf.string], header=True, select_cols=[0, 2, 3]
)
print("RESULT rows", [(int(a), float(b), c.numpy().decode()) for a, b, c in rows.skip(3).take(3)])
lines = (
    tf.data.TextLineDataset(["table.csv"])
    .skip(1)
    .filter(lambda line: tf.strings.regex_full_match(line, ".*,B,.*"))
)
print("RESULT lines", [line.numpy().decode() for line in lines])
columns = tf.io.decode_csv(["1|2.5|a", "|x|b"[0:1] + "3.5|b"], [[9], [0.0], [""]], field_delim="|")
print("RESULT columns", *columns[0].numpy(), *columns[1].numpy(), *columns[2].numpy().astype(str))
print(
    "RESULT json",
    *tf.io.decode_json_example(
        tf.constant(['{"features": {"feature": {"a": {"int64List": {"value": ["3"]}}}}}'])
    ).numpy(),
)

for kind in ("cats", "dogs"):
    os.makedirs(f"pictures/{kind}")
    for k in range(3):
        picture = tf.cast(rng.integers(0, 256, (6 + k, 7, 3)), tf.uint8)
        data = (
            tf.io.encode_png(picture)
            if k % 2
            else tf.io.encode_jpeg(picture, quality=95, chroma_downsampling=False)
        )
        tf.io.write_file(f"pictures/{kind}/{k}.{'png' if k % 2 else 'jpg'}", data)
pictures = tf.keras.utils.image_dataset_from_directory(
    "pictures",
    image_size=(5, 5),
    batch_size=4,
    shuffle=True,
    seed=3,
    validation_split=0.34,
    subset="training",
    interpolation="area",
    crop_to_aspect_ratio=True,
)
for images, labels in pictures:
    print(
        "RESULT pictures",
        images.shape,
        *labels.numpy(),
        *[round(float(v)) for v in tf.reduce_mean(images, [1, 2, 3])],
    )


def load(path):
    data = tf.io.read_file(path)
    image = tf.io.decode_image(data, channels=3, expand_animations=False)
    label = tf.strings.split(path, os.sep)[-2] == "dogs"
    return (
        tf.image.resize_with_pad(image, 8, 8, antialias=True),
        tf.cast(label, tf.int32),
        tf.shape(image),
    )


for image, label, shape in tf.data.Dataset.list_files("pictures/*/*", shuffle=False).map(load):
    print(
        "RESULT picture",
        *image.shape,
        int(label),
        *shape.numpy(),
        round(float(tf.reduce_mean(image))),
    )

numbers = tf.data.Dataset.range(10).map(
    lambda k: {
        "k": k,
        "r": tf.ragged.range(k % 3),
        "s": tf.sparse.expand_dims(tf.sparse.from_dense([k]), 0),
    }
)
numbers.save("stored", shard_func=lambda e: e["k"] % 2)
again = tf.data.Dataset.load(
    "stored", reader_func=lambda shards: shards.interleave(lambda s: s, cycle_length=1)
)
print(
    "RESULT stored",
    [int(e["k"]) for e in again],
    again.element_spec["r"].shape,
    int(again.cardinality()),
)
iterator = iter(tf.data.Dataset.range(20).shuffle(5, seed=1).map(lambda k: k * k).batch(3))
checkpoint = tf.train.Checkpoint(iterator=iterator)
ahead = [next(iterator).numpy().tolist() for _ in range(2)]
path = checkpoint.write("iterator")
then = [next(iterator).numpy().tolist() for _ in range(3)]
checkpoint.read(path)
print("RESULT resumed", ahead, then, [next(iterator).numpy().tolist() for _ in range(3)] == then)
