"""Dataset ops that tf.data no longer makes, but graphs may hold. Expected values are TensorFlow's."""

import sqlite3

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
INT64 = {"output_types": [tf.int64], "output_shapes": [[]]}


def numbers(count=6):
    return raw.RangeDataset(start=0, stop=count, step=1, **INT64)


def listed(dataset, types=(tf.int64,), shapes=([],)):
    attrs = {"output_types": list(types), "output_shapes": list(shapes)}
    iterator = raw.AnonymousIterator(**attrs)
    raw.MakeIterator(dataset=dataset, iterator=iterator)
    found = []
    with pytest.raises(tf.errors.OutOfRangeError):
        while True:
            element = raw.IteratorGetNext(iterator=iterator, **attrs)
            found.append([np.asarray(part).tolist() for part in element])
    return [row[0] if len(row) == 1 else row for row in found]


@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("OptimizeDataset", {"optimizations": [b"map_fusion"]}),
        ("FinalizeDataset", {}),
        ("ExperimentalNonSerializableDataset", {}),
        ("ExperimentalSleepDataset", {"sleep_microseconds": 10}),
        ("AutoShardDataset", {"num_workers": 1, "index": 0}),
    ],
)
def test_elements_pass_on(op, attrs):
    made = getattr(raw, op)(input_dataset=numbers(3), **attrs, **INT64)
    assert listed(made) == [0, 1, 2]


def test_shuffle_and_repeat_gives_every_element_twice():
    made = raw.ShuffleAndRepeatDataset(
        input_dataset=numbers(3), buffer_size=3, seed=1, seed2=2, count=2, **INT64
    )
    assert sorted(listed(made)) == [0, 0, 1, 1, 2, 2]


def test_rebatch_splits_batches():
    batched = raw.BatchDatasetV2(
        input_dataset=numbers(), batch_size=4, drop_remainder=False,
        output_types=[tf.int64], output_shapes=[[None]],
    )  # fmt: skip
    made = raw.RebatchDataset(
        input_dataset=batched, num_replicas=2, output_types=[tf.int64], output_shapes=[[None]]
    )
    assert listed(made, shapes=([None],)) == [[0, 1], [2, 3], [4], [5]]


def test_rows_of_a_query(tmp_path):
    path = tmp_path / "numbers.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (name TEXT, size INTEGER)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [("a", 1), ("b", 2)])
    attrs = {"output_types": [tf.string, tf.int32], "output_shapes": [[], []]}
    made = raw.SqlDataset(
        driver_name="sqlite", data_source_name=str(path), query="SELECT * FROM t", **attrs
    )
    assert listed(made, attrs["output_types"], attrs["output_shapes"]) == [[b"a", 1], [b"b", 2]]


def test_functions_over_rows():
    double = tf.function(lambda x: x * 2).get_concrete_function(tf.TensorSpec([2], tf.float32))
    (made,) = raw.MapDefun(
        arguments=[np.float32([[1, 2], [3, 4]])], captured_inputs=[], f=double,
        output_types=[tf.float32], output_shapes=[[2]],
    )  # fmt: skip
    assert made.numpy().tolist() == [[2, 4], [6, 8]]


def test_compressed_elements_come_back():
    held = raw.CompressElement(components=[np.int32([1, 2]), b"text"])
    numbers, text = raw.UncompressElement(
        compressed=held, output_types=[tf.int32, tf.string], output_shapes=[[2], []]
    )
    assert numbers.numpy().tolist() == [1, 2] and text.numpy() == b"text"


def test_the_fastest_branch_and_removed_readers():
    kind = {"output_types": [tf.int64], "output_shapes": [[]]}

    @tf.function(input_signature=[tf.TensorSpec([], tf.variant)])
    def taken(source):
        return tf.raw_ops.TakeDataset(input_dataset=source, count=np.int64(3), **kind)

    branch = taken.get_concrete_function()
    made = tf.raw_ops.ChooseFastestBranchDataset(
        input_dataset=tf.data.Dataset.range(4)._variant_tensor,
        ratio_numerator=np.int64(1),
        ratio_denominator=np.int64(1),
        other_arguments=[],
        num_elements_per_branch=2,
        branches=[branch, branch],
        other_arguments_lengths=[0, 0],
        **kind,
    )
    dataset = tf.data.experimental.from_variant(made, tf.TensorSpec([], tf.int64))
    assert [int(x) for x in dataset] == [0, 1, 2]
    with pytest.raises(tf.errors.UnimplementedError, match="LMDB support is removed"):
        tf.raw_ops.LMDBDataset(filenames=["x"], **kind)


def test_results_of_rows_have_the_shapes_that_were_told():
    double = tf.function(
        lambda a: a * 2, input_signature=[tf.TensorSpec([], tf.float32)], autograph=False
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"retval shape, \[\], .*\(3,\)"):
        tf.raw_ops.MapDefun(
            arguments=[np.float32([1, 2])],
            captured_inputs=[],
            output_types=[tf.float32],
            output_shapes=[[3]],
            f=double.get_concrete_function(),
        )
