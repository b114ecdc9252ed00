"""Options of datasets."""

import threading

import pytest

import penstock as tf
from tests.harness.waiting import PATIENCE

Dataset = tf.data.Dataset


def test_options_of_inputs_are_merged():
    one, other = tf.data.Options(), tf.data.Options()
    one.autotune.enabled = True
    one.framework_type = ["a"]
    other.deterministic = False
    other.framework_type = ["b"]
    both = Dataset.zip((Dataset.range(1).with_options(one), Dataset.range(1).with_options(other)))
    held = both.options()
    assert held.autotune.enabled and held.deterministic is False
    assert held.framework_type == ["a", "b"]
    told = Dataset._options_tensor_to_options(both._options())
    assert told == held


def test_options_of_a_dataset_cannot_be_set():
    held = Dataset.range(1).options()
    with pytest.raises(ValueError, match="has no effect"):
        held.deterministic = True
    with pytest.raises(ValueError, match="has no effect"):
        held.threading.private_threadpool_size = 3


def test_options_survive_their_message():
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_external_state_policy = tf.data.experimental.ExternalStatePolicy.FAIL
    options.threading.max_intra_op_parallelism = 2
    again = tf.data.Options()
    again._from_proto(options._to_proto())
    assert again == options


def test_the_order_may_be_left_open():
    may_end = threading.Event()

    def slow_at_zero(x):
        if x == 0:
            tf.py_function(lambda: may_end.wait(PATIENCE) and None, [], [])
        return x

    options = tf.data.Options()
    options.deterministic = False
    dataset = Dataset.range(20).map(slow_at_zero, num_parallel_calls=4)
    elements = dataset.with_options(options).as_numpy_iterator()
    first = next(elements)
    assert first != 0
    may_end.set()
    assert sorted([first, *elements]) == list(range(20))
    assert list(dataset.as_numpy_iterator()) == list(range(20))
