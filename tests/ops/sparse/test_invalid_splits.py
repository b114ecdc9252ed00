"""Row splits that do not cut the values into rows are refused by what reads the rows, eagerly and in functions."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
VALUES = np.float32([1, 2, 3, 4, 5])
SPLITS = {
    "end beyond": [0, 2, 2, 9],
    "end far beyond": [0, 2, 2, 2**40],
    "end short": [0, 2, 2, 4],
    "begins late": [1, 2, 2, 5],
    "begins negative": [-1, 2, 2, 5],
    "falls": [0, 3, 2, 5],
    "falls below zero": [0, -1, 2, 5],
    "falls at the end": [0, 2, 7, 5],
}
TAKERS = {
    "to_tensor": lambda r: r.to_tensor(),
    "to_sparse": lambda r: r.to_sparse().values,
    "reduce_sum": lambda r: tf.reduce_sum(r, 1),
    "reduce_max": lambda r: tf.reduce_max(r, 1),
    "reduce_mean": lambda r: tf.reduce_mean(r, 1),
    "ngrams": lambda r: tf.strings.ngrams(tf.as_string(r), 2).flat_values,
    "join": lambda r: tf.strings.reduce_join(tf.as_string(r), 1),
    "counts": lambda r: tf.sparse.bincount(tf.cast(r, tf.int32), axis=-1).values,
}


@pytest.mark.parametrize("kind", SPLITS)
@pytest.mark.parametrize("name", TAKERS)
def test_splits_that_do_not_fit(name, kind):
    def take(values, splits):
        ragged = tf.RaggedTensor.from_row_splits(values, splits, validate=False)
        return TAKERS[name](ragged)

    specs = [tf.TensorSpec([None], tf.float32), tf.TensorSpec([None], tf.int64)]
    for call in (take, tf.function(take), tf.function(take, input_signature=specs)):
        with pytest.raises(tf.errors.InvalidArgumentError):
            call(VALUES, np.int64(SPLITS[kind]))


@pytest.mark.parametrize(
    "outer", [[0, 1, 7], [0, 1, 2], [1, 1, 3], [-1, 1, 3], [0, 2, 1, 3], [[0, 1, 3]]]
)
def test_outer_splits_that_do_not_fit(outer):
    splits = [np.int64(outer), np.int64([0, 2, 2, 5])]
    dense = {"shape": [-1, -1, -1], "values": VALUES, "default_value": 0.0}
    for call in (
        lambda: raw.RaggedTensorToTensor(
            **dense, row_partition_tensors=splits, row_partition_types=["ROW_SPLITS"] * 2
        ),
        lambda: raw.RaggedGather(
            params_nested_splits=splits,
            params_dense_values=VALUES,
            indices=[0],
            OUTPUT_RAGGED_RANK=2,
        ),
        lambda: raw.RaggedTensorToSparse(rt_nested_splits=splits, rt_dense_values=VALUES),
    ):
        with pytest.raises((tf.errors.InvalidArgumentError, ValueError)):
            call()


@pytest.mark.parametrize("ids", [[0, 2, 1], [-1, 0, 1], [0, 1, 3]])
def test_row_ids_that_do_not_fit(ids):
    with pytest.raises(tf.errors.InvalidArgumentError, match="row ids must ascend"):
        raw.RaggedTensorToTensor(
            shape=[-1, -1], values=VALUES[:3], default_value=0.0,
            row_partition_tensors=[np.int64(3), np.int64(ids)],
            row_partition_types=["FIRST_DIM_SIZE", "VALUE_ROWIDS"],
        )  # fmt: skip
