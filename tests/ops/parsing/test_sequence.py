"""Sequence examples parsed into tensors."""

import numpy as np
import pytest

import penstock as tf


def example(labels, words):
    feature, lists = tf.train.Feature, tf.train.FeatureList
    steps = [feature(bytes_list=tf.train.BytesList(value=step)) for step in words]
    numbers = [feature(int64_list=tf.train.Int64List(value=[len(step)])) for step in words]
    return tf.train.SequenceExample(
        context=tf.train.Features(
            feature={"label": feature(int64_list=tf.train.Int64List(value=labels))}
        ),
        feature_lists=tf.train.FeatureLists(
            feature_list={"words": lists(feature=steps), "sizes": lists(feature=numbers)}
        ),
    ).SerializeToString()


BATCH = [example([7], [[b"a", b"b"], [b"c"]]), example([8], [[b"d"]])]
CONTEXT = {"label": tf.io.FixedLenFeature([], tf.int64)}
STEPS = {
    "words": tf.io.VarLenFeature(tf.string),
    "sizes": tf.io.FixedLenSequenceFeature([], tf.int64),
}


def test_a_batch_is_padded_and_tells_its_lengths():
    context, steps, lengths = tf.io.parse_sequence_example(BATCH, CONTEXT, STEPS)
    assert context["label"].numpy().tolist() == [7, 8]
    assert steps["sizes"].numpy().tolist() == [[2, 1], [1, 0]]
    assert lengths["sizes"].numpy().tolist() == [2, 1]
    words = steps["words"]
    assert words.indices.numpy().tolist() == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert words.values.numpy().tolist() == [b"a", b"b", b"c", b"d"]
    assert words.dense_shape.numpy().tolist() == [2, 2, 2]


def test_one_example_has_no_batch_dimension():
    context, steps = tf.io.parse_single_sequence_example(BATCH[0], CONTEXT, STEPS)
    assert context["label"].numpy() == 7
    assert steps["sizes"].numpy().tolist() == [2, 1]
    assert steps["words"].dense_shape.numpy().tolist() == [2, 2]


def test_missing_lists_are_named():
    missing = {"other": tf.io.FixedLenSequenceFeature([], tf.int64)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="'other' is required"):
        tf.io.parse_sequence_example(BATCH, CONTEXT, missing)
    allowed = {"other": tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)}
    _, steps, lengths = tf.io.parse_sequence_example(BATCH, CONTEXT, allowed)
    assert steps["other"].shape == (2, 0) and not lengths["other"].numpy().any()


def test_raw_twins_agree():
    raw = tf.raw_ops
    made = raw.ParseSequenceExample(
        serialized=BATCH, debug_name=[], context_dense_defaults=[np.zeros(0, np.int64)],
        feature_list_dense_missing_assumed_empty=[], context_sparse_keys=[],
        context_dense_keys=["label"], feature_list_sparse_keys=["words"],
        feature_list_dense_keys=["sizes"], Nfeature_list_sparse=1, Nfeature_list_dense=1,
        feature_list_dense_types=[tf.int64], context_dense_shapes=[[]],
        feature_list_sparse_types=[tf.string], feature_list_dense_shapes=[[]],
    )  # fmt: skip
    assert made.feature_list_dense_values[0].numpy().tolist() == [[2, 1], [1, 0]]
    assert made.feature_list_sparse_shapes[0].numpy().tolist() == [2, 2, 2]


def test_a_context_feature_without_a_kind_is_not_replaced_by_a_default():
    context = tf.train.Features(feature={"a": tf.train.Feature()})
    text = tf.train.SequenceExample(context=context).SerializeToString()
    dense = tf.io.FixedLenFeature([], tf.int64, default_value=7)
    for parse in (
        lambda spec: tf.io.parse_sequence_example([text], {"a": spec})[0]["a"],
        lambda spec: tf.io.parse_single_sequence_example(text, {"a": spec})[0]["a"],
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Key: a"):
            parse(dense)
        assert parse(tf.io.VarLenFeature(tf.int64)).values.shape == [0]
    # In an example, which TensorFlow reads by other rules, it counts as missing.
    example = tf.train.Example(features=context).SerializeToString()
    assert tf.io.parse_example([example], {"a": dense})["a"].numpy().tolist() == [7]
