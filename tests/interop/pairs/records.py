"""TFRecord files and the messages in them."""

from typing import Any

import numpy as np

from tests.interop.pairs import error_of

COMPRESSIONS = ("", "ZLIB", "GZIP")


class Records:
    """Records of all lengths, in every compression, written by a TFRecordWriter."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        records = [b"", b"a", bytes(range(256)) * 300, "é".encode()]
        for compression in COMPRESSIONS:
            with tf.io.TFRecordWriter(f"{folder}/r{compression}", compression) as writer:
                for record in records:
                    writer.write(record)
        options = tf.io.TFRecordOptions("ZLIB", compression_level=9, window_bits=15, mem_level=9)
        with tf.io.TFRecordWriter(folder + "/options", options) as writer:
            writer.write(b"best" * 1000)
        return None

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        found = {}
        for compression in COMPRESSIONS:
            name = f"{folder}/r{compression}"
            dataset = tf.data.TFRecordDataset(name, compression)
            found[compression] = list(dataset.as_numpy_iterator())
            options = tf.io.TFRecordOptions(compression)
            records = tf.compat.v1.io.tf_record_iterator(name, options)
            found["iterator" + compression] = list(records)
        found["options"] = list(tf.data.TFRecordDataset(folder + "/options", "ZLIB"))
        several = tf.data.TFRecordDataset([folder + "/r", folder + "/r"], num_parallel_reads=2)
        found["several"] = len(list(several))
        found["wrong"] = error_of(lambda: list(tf.data.TFRecordDataset(folder + "/r", "GZIP")))
        found["plain"] = error_of(lambda: list(tf.data.TFRecordDataset(folder + "/rZLIB")))
        return found


class Damaged:
    """Cut and changed records are refused with the same error, after the whole ones before them."""

    write = Records.write

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        found = {}
        whole = open(folder + "/r", "rb").read()
        damages = {
            "cut in a length": whole[: len(whole) - 18],
            "cut in data": whole[:-5],
            "length": whole[:16] + bytes([whole[16] ^ 1]) + whole[17:],
            "length's checksum": whole[:24] + bytes([whole[24] ^ 1]) + whole[25:],
            "data": whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:],
            "huge": whole + b"\xff" * 8,
        }
        for compression in COMPRESSIONS[1:]:
            packed = open(folder + "/r" + compression, "rb").read()
            damages[compression + " cut"] = packed[: len(packed) // 2]
            changed = bytearray(packed)
            changed[len(packed) // 2] ^= 255
            damages[compression + " changed"] = bytes(changed)
        for name, content in damages.items():
            with open(folder + "/damaged", "wb") as file:
                file.write(content)
            compression = name.split()[0] if name[0].isupper() else ""
            found[name] = _elements(tf, folder + "/damaged", compression)
        return found


def _elements(tf: Any, path: str, compression: str) -> Any:
    """How many records are read, and the error at the end."""
    count = 0

    def run() -> int:
        nonlocal count
        for _ in tf.data.TFRecordDataset(path, compression):
            count += 1
        return count

    return [error_of(run), count]


class Examples:
    """Examples and sequence examples, as datasets and graphs parse them."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        train = tf.train

        def example(index: int) -> Any:
            feature = {
                "floats": train.Feature(float_list=train.FloatList(value=[index + 0.5] * 3)),
                "ints": train.Feature(int64_list=train.Int64List(value=range(index))),
                "pairs": train.Feature(int64_list=train.Int64List(value=range(2 * index))),
                "pairs_again": train.Feature(int64_list=train.Int64List(value=range(index))),
                "lengths": train.Feature(int64_list=train.Int64List(value=[index, 0])),
                "bytes": train.Feature(bytes_list=train.BytesList(value=[b"x" * index, b"\x00"])),
            }
            if index == 2:
                del feature["bytes"]
            return train.Example(features=train.Features(feature=feature))

        def sequence(index: int) -> Any:
            steps = [
                train.Feature(int64_list=train.Int64List(value=[index, step]))
                for step in range(index)
            ]
            lists = train.FeatureLists(feature_list={"steps": train.FeatureList(feature=steps)})
            context = train.Features(
                feature={"id": train.Feature(bytes_list=train.BytesList(value=[b"%d" % index]))}
            )
            return train.SequenceExample(context=context, feature_lists=lists)

        with tf.io.TFRecordWriter(folder + "/examples") as writer:
            for index in range(4):
                writer.write(example(index).SerializeToString())
        with tf.io.TFRecordWriter(folder + "/sequences", "GZIP") as writer:
            for index in range(3):
                writer.write(sequence(index).SerializeToString())
        return example(3).SerializeToString(deterministic=True)

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        io = tf.io
        features = {
            "floats": io.FixedLenFeature([3], tf.float32),
            "ints": io.VarLenFeature(tf.int64),
            "bytes": io.FixedLenSequenceFeature(
                [], tf.string, allow_missing=True, default_value="?"
            ),
            "absent": io.FixedLenFeature([], tf.int64, default_value=9),
            "pairs": io.RaggedFeature(tf.int64, partitions=[io.RaggedFeature.UniformRowLength(2)]),
            "rows": io.RaggedFeature(
                tf.int64,
                value_key="pairs_again",
                partitions=[io.RaggedFeature.RowLengths("lengths")],
            ),
        }
        records = tf.data.TFRecordDataset(folder + "/examples")
        alone = [
            io.parse_single_example(
                record, {key: features[key] for key in ("floats", "ints", "pairs", "rows")}
            )
            for record in records
        ]
        batches = list(records.batch(4).map(lambda rows: io.parse_example(rows, features)))
        sequences = [
            io.parse_single_sequence_example(
                record,
                {"id": io.FixedLenFeature([], tf.string)},
                {"steps": io.FixedLenSequenceFeature([2], tf.int64)},
            )
            for record in tf.data.TFRecordDataset(folder + "/sequences", "GZIP")
        ]
        required = {"bytes": io.FixedLenFeature([2], tf.string)}
        first = next(iter(records.skip(2)))
        return {
            "alone": alone,
            "batches": batches,
            "sequences": sequences,
            "missing": error_of(lambda: io.parse_single_example(first, required)),
            "type": error_of(
                lambda: io.parse_single_example(first, {"floats": io.VarLenFeature(tf.int64)})
            ),
            "damaged": error_of(lambda: io.parse_single_example(first[:-3], required)),
        }


class Tensors:
    """Serialized tensors of all types, and datasets saved in folders and snapshots."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        numbers = np.arange(6).reshape(2, 3)
        for dtype in (tf.float32, tf.bfloat16, tf.int8, tf.bool, tf.complex64, tf.uint64):
            io_bytes = tf.io.serialize_tensor(tf.cast(numbers, dtype))
            tf.io.write_file(f"{folder}/{dtype.name}", io_bytes)
        tf.io.write_file(
            folder + "/string", tf.io.serialize_tensor(tf.constant(["a", "\x00é", ""]))
        )
        dataset = tf.data.Dataset.from_tensor_slices(
            {"x": np.arange(10.0), "s": [b"%d" % n for n in range(10)]}
        )
        dataset.save(folder + "/saved")
        dataset.save(folder + "/packed", compression="GZIP")
        dataset.save(folder + "/shards", shard_func=lambda row: tf.cast(row["x"], tf.int64) % 3)
        return None

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        found = {}
        for dtype in (
            tf.float32,
            tf.bfloat16,
            tf.int8,
            tf.bool,
            tf.complex64,
            tf.uint64,
            tf.string,
        ):
            found[dtype.name] = tf.io.parse_tensor(tf.io.read_file(f"{folder}/{dtype.name}"), dtype)
        found["wrong"] = error_of(
            lambda: tf.io.parse_tensor(tf.io.read_file(folder + "/int8"), tf.float32)
        )
        found["saved"] = list(tf.data.Dataset.load(folder + "/saved"))
        found["packed"] = list(tf.data.Dataset.load(folder + "/packed", compression="GZIP"))
        found["shards"] = sorted(
            float(row["x"]) for row in tf.data.Dataset.load(folder + "/shards")
        )
        spec = tf.data.Dataset.load(folder + "/saved").element_spec
        found["spec"] = {key: str(each) for key, each in spec.items()}
        return found
