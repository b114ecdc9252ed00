"""The object that `tensorflow.python.eager.context.context()` returns."""

import pytest

import penstock as tf
from penstock._src.bridge.python.eager import context


@pytest.fixture(autouse=True)
def fresh():
    context._reset_context()
    yield
    context._reset_context()


def test_threads_are_frozen_once_ops_have_run():
    tf.config.threading.set_inter_op_parallelism_threads(3)
    assert context.context().config.inter_op_parallelism_threads == 3
    _ = tf.constant(1) + 1
    with pytest.raises(RuntimeError, match="cannot be modified after initialization"):
        tf.config.threading.set_inter_op_parallelism_threads(4)
    tf.config.threading.set_inter_op_parallelism_threads(3)


def test_modes_policies_and_options_are_in_the_config():
    with context.execution_mode(context.ASYNC):
        assert context.context().is_async()
        assert not tf.config.experimental.get_synchronous_execution()
    assert context.context().execution_mode == context.SYNC
    with context.device_policy(context.DEVICE_PLACEMENT_EXPLICIT):
        assert tf.config.experimental.get_device_policy() == "explicit"
    tf.config.optimizer.set_experimental_options({"remapping": False, "min_graph_nodes": 7})
    rewrites = context.context().config.graph_options.rewrite_options
    assert (rewrites.remapping, rewrites.min_graph_nodes) == (2, 7)
    assert tf.config.optimizer.get_experimental_options() == {
        "disable_model_pruning": False,
        "disable_meta_optimizer": False,
        "remapping": False,
        "min_graph_nodes": 7,
    }


def test_devices_are_named_by_type_and_number():
    with pytest.raises(ValueError, match="No matching devices found for 'GPU:9'"):
        tf.config.experimental.get_memory_info("GPU:9")
    with pytest.raises(ValueError, match="Failed parsing device name"):
        tf.config.experimental.reset_memory_stats("cpu")
