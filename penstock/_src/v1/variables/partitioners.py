"""Partitioners of TensorFlow 1's variables, and `no_regularizer`."""

from penstock._src.util.export import export


@export(v1=["no_regularizer"])
def no_regularizer(_):
    """Returns None; disables the regularizer of an outer scope."""


@export(v1=["fixed_size_partitioner"])
def fixed_size_partitioner(num_shards, axis=0):
    """A function from a shape to the number of partitions along each axis: `num_shards` along one."""

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
    """A function from a shape and dtype to the number of partitions, each of at most `max_shard_bytes`.

    Raises:
      ValueError: a number of bytes, or of partitions, is not positive.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError(
            "Both max_shard_bytes and bytes_per_string_element must be positive. Currently, "
            f"max_shard_bytes is {max_shard_bytes} and bytes_per_string_element is {bytes_per_string_element}"
        )
    if max_shards is not None and max_shards < 1:
        raise ValueError("max_shards must be positive.")

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
    """A function from a shape and dtype to the number of partitions, each of at least `min_slice_size` bytes."""

    def partition(shape, dtype):
        parts = [1] * len(shape)
        width = dtype.size or bytes_per_string_element
        count = max(1, shape.num_elements() * width // min_slice_size)
        parts[axis] = max(1, min(int(shape[axis]), max_partitions, count))
        return parts

    return partition
