"""Elements by position, and permutations of all elements."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.data.experimental.ops.global_shuffle_op import _global_shuffle

Dataset = tf.data.Dataset
at = tf.data.experimental.at


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dataset.range(7).map(lambda x: x * x),
        lambda: Dataset.range(7).skip(1).take(4).repeat(2),
        lambda: Dataset.range(7).concatenate(Dataset.range(3)).shard(3, 1),
        lambda: Dataset.range(7).batch(3).prefetch(1),
        lambda: Dataset.zip((Dataset.range(7), Dataset.range(4))),
    ],
)
def test_elements_by_position_are_those_in_order(make):
    dataset = make()
    held = [
        tf.nest.map_structure(lambda t: t.numpy().tolist(), at(dataset, i))
        for i in range(len(dataset))
    ]
    expected = [
        tf.nest.map_structure(lambda v: np.asarray(v).tolist(), e)
        for e in dataset.as_numpy_iterator()
    ]
    assert held == expected


def test_positions_without_elements_are_refused():
    for position in (3, -1):
        with pytest.raises(tf.errors.OutOfRangeError, match=r"Index out of range \[0, 3\)"):
            at(Dataset.range(3), position)
    with pytest.raises(tf.errors.UnimplementedError, match="Random access is not implemented"):
        at(Dataset.range(3).filter(lambda x: x > 0), 0)
    with pytest.raises(tf.errors.FailedPreconditionError, match="infinite cardinality"):
        at(Dataset.range(3).repeat(), 0)


def test_global_shuffle_has_the_order_of_tensorflow():
    dataset = _global_shuffle(Dataset.range(10), seed=42, reshuffle_each_iteration=False)
    assert list(dataset.as_numpy_iterator()) == [5, 9, 2, 4, 0, 3, 6, 8, 7, 1]
    dataset = _global_shuffle(Dataset.range(10), seed=42)
    assert list(dataset.as_numpy_iterator()) == [0, 6, 9, 4, 8, 1, 2, 5, 3, 7]
    assert list(dataset.as_numpy_iterator()) == [3, 9, 8, 5, 2, 7, 1, 0, 6, 4]


def test_global_shuffle_refuses_datasets_without_positions():
    with pytest.raises(tf.errors.FailedPreconditionError, match="drop_remainder=False"):
        _global_shuffle(Dataset.range(5).batch(2))
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-empty finite cardinality"):
        _global_shuffle(Dataset.range(0))
