"""What is refused of records and examples, and how it is said."""

import pytest

import penstock as tf


def refused(call, said):
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        call()


@pytest.mark.parametrize("field", ["9999999999", "9" * 30, "1_0"])
def test_fields_must_be_numbers_of_their_type(field):
    refused(
        lambda: tf.io.decode_csv(["1", field], [[0]]), f"record 1 is not a valid int32: {field}"
    )


def test_defaults_of_fields_are_vectors():
    refused(
        lambda: tf.io.decode_csv(["1"], [[[0]]]), "Each record default should be at most rank 1"
    )
    with (
        tf.Graph().as_default(),
        pytest.raises(ValueError, match="Shape must be at most rank 1 but"),
    ):
        tf.io.decode_csv(["1"], [[[0]]])


def test_a_single_example_is_named_by_its_keys():
    features = {
        "a": tf.io.FixedLenFeature([1], tf.float32),
        "b": tf.io.FixedLenSequenceFeature([2], tf.float32, allow_missing=True),
    }

    def parse(**lists):
        held = {
            name: tf.train.Feature(float_list=tf.train.FloatList(value=values))
            for name, values in lists.items()
        }
        example = tf.train.Example(features=tf.train.Features(feature=held))
        return tf.io.parse_single_example(example.SerializeToString(), features)

    refused(lambda: parse(a=[1.0, 2.0]), "Key: a.  Can't parse serialized Example")
    refused(lambda: parse(a=[1.0], b=[1.0]), "key b: number of elements should be divisible by 2")
    refused(lambda: parse(), "Feature: a .* is required but could not be found")


def test_records_at_random_come_once_in_a_round(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "x")) as writer:
        for number in range(10):
            writer.write(str(number))
    options = {"file_pattern": str(tmp_path / "x"), "file_buffer_size": 7, "file_random_seed": 1}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        records = tf.raw_ops.RecordInput(**options, batch_size=5)
        for _ in range(3):
            assert len({*session.run(records), *session.run(records)}) == 10
    refused(lambda: tf.raw_ops.RecordInput(**options, batch_size=-1), "must be non-negative")


def test_shapes_of_queues_are_a_list_or_one_shape():
    queue = tf.queue.FIFOQueue(3, tf.string, shapes=())
    assert queue.shapes == [[]]
    with pytest.raises(ValueError, match="All shapes must be fully defined"):
        tf.queue.FIFOQueue(3, tf.string, shapes=[[None]])
    with pytest.raises(ValueError, match="a list of shapes must be provided"):
        tf.queue.PaddingFIFOQueue(3, tf.string, shapes=())
