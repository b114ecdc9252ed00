"""The memory that arrays may take."""

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.values import memory_limit
from penstock._src.native import pool
from penstock._src.util.export import export


@export("config.experimental.set_memory_limit", v1=[])
def set_memory_limit(limit):
    """Sets how many bytes arrays may take together; what would take more raises ResourceExhaustedError, and nothing else happens.

    Counted are arrays of a megabyte or more, NumPy's own included, wherever they are made; smaller ones always find a place. Without a call the limit is
    `PENSTOCK_MEMORY_LIMIT`, or the memory of the machine or of the process's control group; then counting begins with the
    first compiled program. TensorFlow has no limit for CPUs.

    Args:
      limit: bytes, or None for the memory of the machine or control group.

    Raises:
      InvalidArgumentError: the limit is not positive.

    >>> import penstock as tf
    >>> tf.config.experimental.set_memory_limit(2 * 10**9)
    >>> try:
    ...     tf.zeros([10**6, 10**6])
    ... except tf.errors.ResourceExhaustedError as error:
    ...     print(error.message)
    Fill: OOM when allocating tensor with shape[1000000,1000000] and type float32 of 4000000000000 bytes...
    >>> tf.config.experimental.set_memory_limit(None)
    """
    if limit is not None and not limit > 0:
        raise InvalidArgumentError(
            f"set_memory_limit: the limit must be a positive number of bytes. Received {limit}."
        )
    pool()  # counting begins with native code
    memory_limit.set_limit(limit)


@export("config.experimental.get_memory_limit", v1=[])
def get_memory_limit():
    """Returns how many bytes arrays may take together.

    Returns:
      An int, in bytes.

    >>> import penstock as tf
    >>> tf.config.experimental.get_memory_limit() > 0
    True
    """
    return memory_limit.limit()
