"""Devices, colocation, containers and partitioners of TensorFlow 1, which one machine has no use for."""

import contextlib

from penstock._src.api.config import devices
from penstock._src.core.dispatch import STATE
from penstock._src.eager.variable import VariableAggregation
from penstock._src.util.export import export

export(v1=["VariableAggregation"])(VariableAggregation)


@export(v1=["device"])
@contextlib.contextmanager
def device(device_name_or_function):
    """A context in which ops run on the device of this name, or on that which a function of each operation returns.

    Raises:
      RuntimeError: a function is given in eager code.
    """
    is_function = callable(device_name_or_function)
    if is_function and STATE.graph is None:
        raise RuntimeError("tf.device does not support functions when eager execution is enabled.")
    chosen = STATE.graph.device if is_function else devices.device
    with chosen(device_name_or_function):
        yield


@export(v1=["colocate_with"])
@contextlib.contextmanager
def colocate_with(op, ignore_existing=False):
    """A context whose operations run where `op` does: there is one place."""
    del op, ignore_existing
    yield


@export(v1=["container"])
@contextlib.contextmanager
def container(container_name):
    """A context whose resources belong to a container; they last as long as their graph."""
    yield container_name


@export(v1=["no_regularizer"])
def no_regularizer(_):
    """None: a variable of an inner scope is not regularised as its scope is."""


@export(v1=["fixed_size_partitioner"])
def fixed_size_partitioner(num_shards, axis=0):
    """A function from a shape to the number of parts along each axis: `num_shards` along one."""

    def partition(shape, **options):
        del options
        parts = [1] * len(shape)
        parts[axis] = min(num_shards, int(shape[axis]))
        return parts

    return partition


@export(v1=["variable_axis_size_partitioner"])
def variable_axis_size_partitioner(
    max_shard_bytes, axis=0, bytes_per_string_element=16, max_shards=None
):
    """A function from a shape and type to the number of parts: none of more than so many bytes."""

    def partition(shape, dtype):
        parts = [1] * len(shape)
        width = dtype.size or bytes_per_string_element
        slice_bytes = width * (shape.num_elements() // int(shape[axis]))
        rows = max(1, max_shard_bytes // slice_bytes)
        count = -(-int(shape[axis]) // rows)
        parts[axis] = min(count, max_shards or count)
        return parts

    return partition


@export(v1=["min_max_variable_partitioner"])
def min_max_variable_partitioner(
    max_partitions=1, axis=0, min_slice_size=256 << 10, bytes_per_string_element=16
):
    """A function from a shape and type to the number of parts: none of fewer than so many bytes."""

    def partition(shape, dtype):
        parts = [1] * len(shape)
        width = dtype.size or bytes_per_string_element
        count = max(1, shape.num_elements() * width // min_slice_size)
        parts[axis] = max(1, min(int(shape[axis]), max_partitions, count))
        return parts

    return partition
