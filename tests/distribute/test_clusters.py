"""Cluster specs and partitioners."""

import pytest

import penstock as tf

partitioners = tf.distribute.experimental.partitioners


def test_a_cluster_by_lists_and_by_indices():
    cluster = tf.train.ClusterSpec({"worker": ["h:1", "h:2"], "ps": {1: "p:1"}})
    assert cluster.num_tasks("worker") == 2
    assert cluster.task_address("worker", 1) == "h:2"
    assert cluster.job_tasks("ps") == [None, "p:1"]
    assert cluster.as_dict() == {"worker": ["h:1", "h:2"], "ps": {1: "p:1"}}
    assert tf.train.ClusterSpec(cluster.as_cluster_def()) == cluster
    with pytest.raises(ValueError, match="No such job"):
        cluster.num_tasks("chief")


@pytest.mark.parametrize(
    "partitioner, shards",
    [
        (partitioners.MinSizePartitioner(16, 4), [4, 1]),
        (partitioners.MaxSizePartitioner(16), [5, 1]),
        (partitioners.MaxSizePartitioner(16, 3), [3, 1]),
        (partitioners.FixedShardsPartitioner(13), [10, 1]),
    ],
)
def test_partitioners_divide_the_first_axis(partitioner, shards):
    assert partitioner(tf.TensorShape([10, 2]), tf.float32) == shards
