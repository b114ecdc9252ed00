"""Readers, records, protocol buffers, checkpoints, summaries and bytes."""

import gzip

import numpy as np

from tests.parity.programs import in_session


def _read_all(tf, make, path, count):
    """Reads all that a reader finds in a queue of one file, `count` records one by one."""
    raw = tf.raw_ops

    def build():
        queue = raw.FIFOQueueV2(component_types=[tf.string], shapes=[[]])
        put = raw.QueueEnqueueV2(handle=queue, components=[path])
        reader = {"reader_handle": make()}
        take = raw.ReaderReadV2(**reader, queue_handle=queue)
        several = raw.ReaderReadUpToV2(**reader, queue_handle=queue, num_records=np.int64(2))
        records, units = (
            raw.ReaderNumRecordsProducedV2(**reader),
            raw.ReaderNumWorkUnitsCompletedV2(**reader),
        )
        first = lambda s: s.run(put) or b"queued"  # noqa: E731
        return [first, *[take.value] * count, several.values, records, units]

    return in_session(tf, build)


def readers(tf, tmp):
    raw = tf.raw_ops
    text, records = str(tmp / "text"), str(tmp / "records")
    with open(text, "wb") as file:
        file.write(b"head\nalpha\nbeta\ngamma\n")
    with tf.io.TFRecordWriter(records) as writer:
        for part in (b"r1", b"r2", b"r3"):
            writer.write(part)
    fixed = {"record_bytes": 4, "header_bytes": 1, "footer_bytes": 5}
    return [
        _read_all(tf, lambda: raw.TextLineReaderV2(skip_header_lines=1), text, 1),
        _read_all(tf, lambda: raw.FixedLengthRecordReaderV2(**fixed), text, 2),
        _read_all(tf, raw.TFRecordReaderV2, records, 1),
    ]


def readers_of_whole_files(tf, tmp):
    path = tmp / "text"
    path.write_bytes(b"all of it")

    def build(name):
        raw = tf.raw_ops
        queue = raw.FIFOQueueV2(component_types=[tf.string], shapes=[[]])
        put = raw.QueueEnqueueV2(handle=queue, components=[str(path)])
        taken = raw.ReaderReadV2(reader_handle=getattr(raw, name)(), queue_handle=queue)
        return [lambda s: s.run(put) or b"queued", tf.strings.length(taken.value) >= 9]

    return [in_session(tf, lambda n=n: build(n)) for n in ("WholeFileReaderV2", "IdentityReaderV2")]


def _example(tf, **features):
    kinds = {"i": "int64_list", "f": "float_list", "b": "bytes_list"}
    lists = {"i": tf.train.Int64List, "f": tf.train.FloatList, "b": tf.train.BytesList}
    made = {k: tf.train.Feature(**{kinds[k[0]]: lists[k[0]](value=v)}) for k, v in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


def examples(tf, tmp):
    raw = tf.raw_ops
    first, second = (
        _example(tf, i=[1, 2], f=[0.5], b=[b"x"]),
        _example(tf, i=[], f=[1.5], b=[b"y", b"z"]),
    )
    batch = raw.ParseExample(
        serialized=[first, second],
        names=["", ""],
        sparse_keys=["b", "i"],
        dense_keys=["f"],
        dense_defaults=[np.zeros(0, np.float32)],
        sparse_types=[tf.string, tf.int64],
        dense_shapes=[[1]],
    )
    later = raw.ParseExampleV2(
        serialized=[first, second],
        names=np.array([], "S"),
        sparse_keys=["b"],
        dense_keys=["f"],
        ragged_keys=["i"],
        dense_defaults=[np.zeros(0, np.float32)],
        num_sparse=1,
        sparse_types=[tf.string],
        ragged_value_types=[tf.int64],
        ragged_split_types=[tf.int64],
        dense_shapes=[[1]],
    )
    single = raw.ParseSingleExample(
        serialized=first, dense_defaults=[np.zeros(0, np.float32)], num_sparse=1, sparse_keys=["i"],
        dense_keys=["f"], sparse_types=[tf.int64], dense_shapes=[[1]],
    )  # fmt: skip
    return [list(batch), list(later), list(single)]


def examples_of_sequences(tf, tmp):
    raw = tf.raw_ops
    feature = lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v))  # noqa: E731
    steps = tf.train.FeatureList(feature=[feature([1]), feature([2]), feature([3])])
    text = tf.train.SequenceExample(
        context=tf.train.Features(feature={"n": feature([7])}),
        feature_lists=tf.train.FeatureLists(feature_list={"steps": steps}),
    ).SerializeToString()
    single = raw.ParseSingleSequenceExample(
        serialized=text, feature_list_dense_missing_assumed_empty=np.array([], "S"), context_sparse_keys=[],
        context_dense_keys=["n"], feature_list_sparse_keys=[], feature_list_dense_keys=["steps"],
        context_dense_defaults=[np.zeros(0, np.int64)], debug_name="", context_sparse_types=[],
        feature_list_dense_types=[tf.int64], context_dense_shapes=[[]], feature_list_sparse_types=[],
        feature_list_dense_shapes=[[]],
    )  # fmt: skip
    return list(single)


def summaries(tf, tmp):
    raw = tf.raw_ops
    values = np.array([0.5, -1.5, 3.0, 3.0], np.float32)
    scalar = raw.ScalarSummary(tags="loss", values=np.float32(2.5))
    histogram = raw.HistogramSummary(tag="weights", values=values)

    def parsed(text):
        summary = tf.compat.v1.Summary.FromString(text.numpy())
        return [
            [
                v.tag.encode(),
                v.simple_value,
                list(v.histo.bucket),
                v.histo.sum,
                len(v.audio.encoded_audio_string),
            ]
            for v in summary.value
        ]

    sound = np.sin(np.arange(100) / 7.0).astype(np.float32).reshape(1, 100, 1)
    audio = raw.AudioSummaryV2(tag="a", tensor=sound, sample_rate=np.float32(8000.0))
    merged = raw.MergeSummary(inputs=[scalar, histogram])
    tensor = raw.TensorSummary(tensor=values, description="d")
    return [parsed(x) for x in (scalar, histogram, merged, audio)] + [
        tf.make_ndarray(tf.compat.v1.Summary.FromString(tensor.numpy()).value[0].tensor)
    ]


def checkpoints(tf, tmp):
    raw = tf.raw_ops
    weights, words = np.arange(6, dtype=np.float32).reshape(2, 3), tf.constant([b"a", b"bc"])
    one, two, both = (str(tmp / n) for n in ("one", "two", "both"))
    whole = [""]
    raw.SaveV2(prefix=one, tensor_names=["w"], shape_and_slices=whole, tensors=[weights])
    raw.SaveV2(prefix=two, tensor_names=["s"], shape_and_slices=whole, tensors=[words])
    raw.MergeV2Checkpoints(checkpoint_prefixes=[one, two], destination_prefix=both)
    part = ["2 3 0,2:1,2", ""]
    return list(
        raw.RestoreV2(
            prefix=both,
            tensor_names=["w", "s"],
            shape_and_slices=part,
            dtypes=[tf.float32, tf.string],
        )
    )


def bytes_of_numbers(tf, tmp):
    raw = tf.raw_ops
    packed = tf.constant([gzip.compress(b"some bytes", mtime=0), gzip.compress(b"", mtime=0)])
    two = np.array([1.0, -2.0], np.float32).tobytes()
    kept = raw.SerializeTensor(tensor=np.array([[1, 2]], np.int16))
    return [
        raw.DecodeCompressed(bytes=packed, compression_type="GZIP"),
        raw.DecodeRaw(bytes=[two, two], out_type=tf.float32),
        raw.DecodeRaw(bytes=[b"\1\2"], out_type=tf.uint16, little_endian=False),
        raw.DecodePaddedRaw(input_bytes=[two, two[:4]], fixed_length=8, out_type=tf.float32),
        raw.ParseTensor(serialized=kept, out_type=tf.int16),
        list(
            raw.DecodeCSV(
                records=["1,x", ",\"a,b\""], record_defaults=[np.array([9], np.int32), np.array([b"?"])], field_delim=","
            )
        ),
        raw.DecodeJSONExample(json_examples=['{"features": {"feature": {"a": {"int64List": {"value": [3]}}}}}']),
    ]  # fmt: skip


def groups_of_one(tf, tmp):
    raw, x = tf.raw_ops, np.arange(4, dtype=np.float32)
    key = {"group_size": 1, "group_key": 31, "instance_key": 1}
    return [
        raw.CollectiveReduce(input=x, merge_op="Add", final_op="Id", subdiv_offsets=[0], **key),
        raw.CollectiveGather(input=x, shape=[4], group_size=1, group_key=31, instance_key=2),
    ]
