"""DLPack capsules of tensors, which share memory with PyTorch, JAX, NumPy and others."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.values.dlpack import Capsule, array_of, capsule_of, is_fresh
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util.export import export


@export("experimental.dlpack.to_dlpack", v1=[])
def to_dlpack(tf_tensor: Any) -> Any:
    """Returns a DLPack capsule that shares the memory of a tensor, for one reader.

    Args:
      tf_tensor: an eager tensor. Its values must not be changed through the capsule.

    Returns:
      A PyCapsule.

    Raises:
      InvalidArgumentError: it is not a tensor, or DLPack has no such dtype.
    """
    if not isinstance(tf_tensor, EagerTensor):
        raise InvalidArgumentError(
            f"The argument to `to_dlpack` must be a TF tensor, not Python object. Received {tf_tensor!r}."
        )
    if has_gpus() and hasattr(tf_tensor, "held"):
        return tf_tensor.__dlpack__(stream=-1)  # there is no stream to wait
    if not isinstance(tf_tensor._value, np.ndarray) or tf_tensor._value.dtype.hasobject:
        raise InvalidArgumentError(f"to_dlpack: {tf_tensor.dtype.name} has no memory to share.")
    return capsule_of(tf_tensor._value)


@export("experimental.dlpack.from_dlpack", v1=[])
def from_dlpack(dlcapsule: Any) -> EagerTensor:
    """Returns a tensor that shares the memory of a DLPack capsule.

    Args:
      dlcapsule: a capsule that has not been consumed, or an object with `__dlpack__`.

    Returns:
      A tensor of the same dtype and shape.

    Raises:
      TypeError: it is neither.
      InvalidArgumentError: it was consumed before, or its contents cannot be a tensor.
    """
    capsule = dlcapsule
    if not isinstance(capsule, Capsule):
        if not hasattr(capsule, "__dlpack__"):
            raise TypeError(f"from_dlpack: a capsule is required. Received {dlcapsule!r}.")
        capsule = capsule.__dlpack__()
    if not is_fresh(capsule):
        raise InvalidArgumentError(
            "from_dlpack: the capsule was consumed before, or is not a DLPack capsule."
        )
    if has_gpus():
        from penstock._src.eager.placed.tensor import tensor_of_capsule  # there are GPUs

        on_gpu = tensor_of_capsule(capsule)
        if on_gpu is not None:
            return on_gpu
    value = array_of(capsule)
    return EagerTensor(value, dtypes.as_dtype(value.dtype))
