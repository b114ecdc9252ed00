"""Values of checkpoints are those of the device of their variable; against TensorFlow 2.21."""

import pytest

import penstock as tf
from penstock._src.bridge.internals.tracking import ObjectGraphView
from penstock._src.bridge.python.checkpoint import checkpoint
from penstock._src.saving.sharding import ShardableTensor, validate_shards


def test_a_file_holds_no_tensors_of_several_tasks():
    listed = [
        ShardableTensor(None, value, value.dtype, device, key, value.shape, "", key, None)
        for key, device, value in (
            ("a", "/job:worker/task:0/cpu:0", tf.constant(0.0)),
            ("b", "/job:worker/task:1/cpu:0", tf.constant(1.0)),
        )
    ]
    shards = [{one.checkpoint_key: {"": one.tensor}} for one in listed]
    validate_shards(shards, listed, "by task")
    with pytest.raises(RuntimeError, match="tensors with different tasks were found"):
        validate_shards([shards[0] | shards[1]], listed, "together")


def test_values_of_local_variables_are_tensors():
    root = tf.Module()
    root.v = tf.Variable(1.0)
    found, *_ = checkpoint.TrackableSaver(ObjectGraphView(root))._gather_serialized_tensors()
    value = found[root.v]["v/.ATTRIBUTES/VARIABLE_VALUE"]
    assert isinstance(value, tf.Tensor) and value.numpy() == 1.0
