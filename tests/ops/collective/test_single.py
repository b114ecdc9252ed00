"""Collective ops of a group of one."""

import numpy as np
import pytest

import penstock as tf

raw = tf.raw_ops
X = np.float32([1, 2, 3])


def test_a_group_of_one_gets_its_own_tensor():
    keys = {"group_key": 1, "instance_key": 1, "ordering_token": []}
    made = raw.CollectiveReduceV2(input=X, group_size=1, merge_op="Add", final_op="Id", **keys)
    assert made.numpy().tolist() == [1, 2, 3]
    assert raw.CollectiveGatherV2(input=X, group_size=1, **keys).numpy().tolist() == [1, 2, 3]


def test_larger_groups_are_not_there():
    with pytest.raises(tf.errors.UnimplementedError, match="a group of 2 devices"):
        raw.CollectiveGatherV2(
            input=X, group_size=2, group_key=1, instance_key=1, ordering_token=[]
        )


def test_groups_are_numbered():
    size, key = raw.CollectiveAssignGroupV2(
        group_assignment=[[0, 1], [2, 3]], device_index=2, base_key=100
    )
    assert (int(size), int(key)) == (2, 101)


def test_a_group_of_one_has_nobody_to_receive_from():
    with pytest.raises(tf.errors.InternalError, match="Instance 7 found no source for broadcast"):
        tf.raw_ops.CollectiveBcastRecv(
            T=tf.float32, group_size=1, group_key=1, instance_key=7, shape=[2]
        )
