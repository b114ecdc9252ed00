"""Ops that make datasets, one upon another, and the iterators over them."""

import numpy as np


def _rows(tf, values=None):
    values = np.arange(10, dtype=np.int64) if values is None else values
    return tf.data.Dataset.from_tensor_slices(values)._variant_tensor


def _scalars(tf, dtype=None, shape=()):
    return {"output_types": [dtype or tf.int64], "output_shapes": [list(shape)]}


def _all(tf, variant, types, shapes):
    """The elements of a dataset that a raw op made."""
    iterator = tf.raw_ops.AnonymousIteratorV2(output_types=types, output_shapes=shapes)
    handle = iterator[0]
    tf.raw_ops.MakeIterator(dataset=variant, iterator=handle)
    out = []
    while True:
        try:
            got = tf.raw_ops.IteratorGetNextSync(
                iterator=handle, output_types=types, output_shapes=shapes
            )
        except tf.errors.OutOfRangeError:
            break
        out.append([x.numpy() for x in got])
    tf.raw_ops.DeleteIterator(handle=handle, deleter=iterator[1])
    return out


def _traced(tf, function, *specs):
    return tf.function(function).get_concrete_function(*specs)


def _number(tf):
    return tf.TensorSpec([], tf.int64)


def plain_ops(tf, tmp):
    raw, data, one = tf.raw_ops, _rows(tf), _scalars(tf)
    ten = np.int64(10)
    made = {
        "BatchV2": raw.BatchDatasetV2(
            input_dataset=data, batch_size=np.int64(4), drop_remainder=True, **_scalars(tf, shape=[4])
        ),
        "ParallelBatch": raw.ParallelBatchDataset(
            input_dataset=data, batch_size=np.int64(3), num_parallel_calls=np.int64(2), drop_remainder=False,
            **_scalars(tf, shape=[None]),
        ),
        "Cache": raw.CacheDataset(input_dataset=data, filename="", **one),
        "Take": raw.TakeDataset(input_dataset=data, count=np.int64(3), **one),
        "Skip": raw.SkipDataset(input_dataset=data, count=np.int64(7), **one),
        "Repeat": raw.RepeatDataset(input_dataset=data, count=np.int64(2), **one),
        "Shard": raw.ShardDataset(input_dataset=data, num_shards=np.int64(3), index=np.int64(1), **one),
        "Window": raw.SlidingWindowDataset(
            input_dataset=data, window_size=np.int64(3), window_shift=np.int64(2), window_stride=np.int64(2),
            **_scalars(tf, shape=[None]),
        ),
        "Unique": raw.UniqueDataset(input_dataset=_rows(tf, np.array([3, 1, 3, 2, 1])), **one),
        "Shuffle": raw.ShuffleDataset(
            input_dataset=data, buffer_size=np.int64(4), seed=np.int64(3), seed2=np.int64(8), **one
        ),
        "ShuffleAndRepeat": raw.ShuffleAndRepeatDataset(
            input_dataset=data, buffer_size=ten, seed=np.int64(3), seed2=np.int64(8), count=np.int64(2), **one
        ),
        "Random": raw.TakeDataset(
            input_dataset=raw.RandomDataset(seed=np.int64(3), seed2=np.int64(8), **one), count=np.int64(4), **one
        ),
        "Sampling": raw.SamplingDataset(
            input_dataset=data, rate=np.float32(0.4), seed=np.int64(3), seed2=np.int64(8), **one
        ),
        "PrivateThreadPool": raw.PrivateThreadPoolDataset(input_dataset=data, num_threads=np.int64(2), **one),
        "MaxIntraOp": raw.MaxIntraOpParallelismDataset(
            input_dataset=data, max_intra_op_parallelism=np.int64(1), **one
        ),
        "NonSerializable": raw.NonSerializableDataset(input_dataset=data, **one),
        "Model": raw.ModelDataset(input_dataset=data, **one),
        "Options": raw.OptionsDataset(input_dataset=data, serialized_options="", **one),
        "Sleep": raw.SleepDataset(input_dataset=data, sleep_microseconds=np.int64(1), **one),
        "Range": raw.RangeDataset(start=np.int64(9), stop=np.int64(0), step=np.int64(-4), **one),
        "Rebatch": raw.UnbatchDataset(
            input_dataset=raw.BatchDatasetV2(
                input_dataset=data, batch_size=np.int64(4), drop_remainder=False, **_scalars(tf, shape=[None])
            ),
            **one,
        ),
        "Global": raw.TakeDataset(input_dataset=data, count=np.int64(-1), **one),
    }  # fmt: skip
    batched = {"BatchV2": [4], "ParallelBatch": [None], "Window": [None]}
    return [_all(tf, v, [tf.int64], [batched.get(name, [])]) for name, v in sorted(made.items())]


def functions_over_elements(tf, tmp):
    raw, data, one = tf.raw_ops, _rows(tf), _scalars(tf)
    square = _traced(tf, lambda x: x * x, _number(tf))
    small = _traced(tf, lambda x: x < 4, _number(tf))
    odd = _traced(tf, lambda x: x % 2 == 1, _number(tf))
    total = _traced(tf, lambda s, x: (s + x, s * 10 + x), _number(tf), _number(tf))
    calls = {"other_arguments": []}
    made = [
        raw.MapDataset(input_dataset=data, f=square, **calls, **one),
        raw.ParallelMapDataset(input_dataset=data, f=square, num_parallel_calls=2, **calls, **one),
        raw.ParallelMapDatasetV2(
            input_dataset=data, f=square, num_parallel_calls=np.int64(2), **calls, **one
        ),
        raw.FilterDataset(input_dataset=data, predicate=odd, **calls, **one),
        raw.TakeWhileDataset(input_dataset=data, predicate=small, **calls, **one),
        raw.ScanDataset(input_dataset=data, initial_state=[np.int64(0)], f=total, **calls, **one),
    ]
    both = raw.MapAndBatchDataset(
        input_dataset=data, f=square, batch_size=np.int64(4), num_parallel_calls=np.int64(2),
        drop_remainder=False, **calls, **_scalars(tf, shape=[None]),
    )  # fmt: skip
    return [[_all(tf, v, [tf.int64], [[]]) for v in made], _all(tf, both, [tf.int64], [[None]])]


def datasets_of_datasets(tf, tmp):
    raw, data, one = tf.raw_ops, _rows(tf, np.arange(4)), _scalars(tf)

    def spread(x):
        return tf.data.Dataset.range(x)._variant_tensor

    inner = _traced(tf, spread, _number(tf))
    two, calls = np.int64(2), {"other_arguments": []}
    turns = {"cycle_length": two, "block_length": np.int64(1)}
    made = [
        raw.FlatMapDataset(input_dataset=data, f=inner, **calls, **one),
        raw.InterleaveDataset(input_dataset=data, f=inner, **turns, **calls, **one),
        raw.ParallelInterleaveDatasetV2(
            input_dataset=data, f=inner, num_parallel_calls=two, **turns, **calls, **one
        ),
        raw.ParallelInterleaveDatasetV3(
            input_dataset=data, f=inner, num_parallel_calls=two, deterministic="true", **turns, **calls, **one
        ),
        raw.ParallelInterleaveDatasetV4(
            input_dataset=data, f=inner, buffer_output_elements=two, prefetch_input_elements=two,
            num_parallel_calls=two, deterministic="true", **turns, **calls, **one,
        ),
        raw.ConcatenateDataset(input_dataset=data, another_dataset=data, **one),
        raw.DirectedInterleaveDataset(
            selector_input_dataset=_rows(tf, np.array([1, 0, 1, 1])), data_input_datasets=[data, _rows(tf)], **one
        ),
    ]  # fmt: skip
    pairs = raw.ZipDataset(
        input_datasets=[data, _rows(tf)], output_types=[tf.int64, tf.int64], output_shapes=[[], []]
    )
    listed = raw.ListDataset(tensors=[np.int64(4), np.int64(7)], **one)
    made.append(listed)
    return [
        [_all(tf, v, [tf.int64], [[]]) for v in made],
        _all(tf, pairs, [tf.int64, tf.int64], [[], []]),
    ]


def rows_of_unequal_lengths(tf, tmp):
    raw = tf.raw_ops
    lengths = tf.data.Dataset.range(4).map(lambda n: tf.fill([n], n))._variant_tensor
    shape = {"output_shapes": [[None, None]]}
    fixed = raw.PaddedBatchDatasetV2(
        input_dataset=lengths, batch_size=np.int64(3), padded_shapes=[np.array([4], np.int64)],
        padding_values=[np.int64(-7)], drop_remainder=True, **shape,
    )  # fmt: skip
    slices = raw.SparseTensorSliceDataset(
        indices=np.array([[0, 1], [2, 0]]),
        values=np.array([5.0, 6.0]),
        dense_shape=np.array([3, 2]),
    )
    parts = [tf.int64, tf.float64, tf.int64], [[None, 1], [None], [1]]
    return [
        _all(tf, fixed, [tf.int64], [[3, 4]]),
        _all(tf, slices, *parts),
    ]


def groups(tf, tmp):
    raw, data = tf.raw_ops, _rows(tf)
    zero = _traced(tf, lambda k: tf.constant(0, tf.int64), _number(tf))
    key = _traced(tf, lambda x: x % 3, _number(tf))
    add = _traced(tf, lambda s, x: s + x, _number(tf), _number(tf))
    double = _traced(tf, lambda s: s * 2, _number(tf))
    none = {f"{n}_func_other_arguments": [] for n in ("key", "init", "reduce", "finalize")}
    reduced = raw.GroupByReducerDataset(
        input_dataset=data,
        key_func=key,
        init_func=zero,
        reduce_func=add,
        finalize_func=double,
        **none,
        **_scalars(tf),
    )
    total = raw.ReduceDataset(
        input_dataset=data, initial_state=[np.int64(5)], other_arguments=[], f=add, **_scalars(tf)
    )
    return [_all(tf, reduced, [tf.int64], [[]]), total]


def files_of_records_and_text(tf, tmp):
    raw = tf.raw_ops
    lines, numbers, records = (str(tmp / n) for n in ("lines.txt", "numbers.csv", "file.tfrecord"))
    with open(lines, "w", encoding="utf-8") as file:
        file.write("one\ntwo\n\nfive!")
    with open(numbers, "w", encoding="utf-8") as file:
        file.write('a,b,c\n1,x,2.5\n,"y,z",NA\n')
    data = tf.data.Dataset.from_tensor_slices([b"first", b"second"])
    raw.DatasetToTFRecord(input_dataset=data._variant_tensor, filename=records, compression_type="")
    big = np.int64(256)
    text = raw.TextLineDataset(filenames=[lines], compression_type="", buffer_size=big)
    again = raw.TFRecordDataset(filenames=[records], compression_type="", buffer_size=big)
    fixed = raw.FixedLengthRecordDatasetV2(
        filenames=[lines],
        header_bytes=np.int64(1),
        record_bytes=np.int64(3),
        footer_bytes=np.int64(1),
        buffer_size=big,
        compression_type="",
    )
    csv = raw.CSVDataset(
        filenames=[numbers], compression_type="", buffer_size=big, header=True, field_delim=",",
        use_quote_delim=True, na_value="NA", select_cols=np.array([0, 1, 2]),
        record_defaults=[np.array([7], np.int64), np.array([b"?"]), np.array([0.5], np.float32)],
        output_shapes=[[], [], []],
    )  # fmt: skip
    names = raw.MatchingFilesDataset(patterns=[str(tmp / "*.txt")])
    return [
        [_all(tf, d, [tf.string], [[]]) for d in (text, again, fixed)],
        _all(tf, csv, [tf.int64, tf.string, tf.float32], [[], [], []]),
        len(_all(tf, names, [tf.string], [[]])),
    ]


def answers_about_datasets(tf, tmp):
    raw, data = tf.raw_ops, _rows(tf)
    four = raw.BatchDatasetV2(
        input_dataset=data,
        batch_size=np.int64(4),
        drop_remainder=False,
        **_scalars(tf, shape=[None]),
    )
    kept = raw.WrapDatasetVariant(input_handle=data)
    some = raw.OptionalFromValue(components=[np.int64(3)])
    one = _scalars(tf)
    return [
        [raw.DatasetCardinality(input_dataset=d) for d in (data, four)],
        raw.ExperimentalDatasetCardinality(input_dataset=four),
        raw.ComputeBatchSize(input_dataset=four),
        raw.GetElementAtIndex(dataset=data, index=np.int64(6), **one),
        _all(tf, raw.UnwrapDatasetVariant(input_handle=kept), [tf.int64], [[]]),
        [raw.OptionalHasValue(optional=o) for o in (some, raw.OptionalNone())],
        raw.OptionalGetValue(optional=some, **one),
    ]
