"""DLPack capsules: tensors that share memory with PyTorch, JAX, NumPy and others.

NumPy makes and reads the capsules. It does not support bfloat16: such a tensor is passed as 16-bit integers, and the type
code in the capsule's header is changed.
"""

import ctypes
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.placement import has_gpus
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.eager.tensor import EagerTensor
from penstock._src.util.export import export

_DTYPE_AT = 20  # offset of dtype (code, bits, lanes) in DLTensor, after data, device and ndim
_UNSIGNED, _BFLOAT = 1, 4
_NAME = b"dltensor"

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype, _is_valid.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
_Capsule = type(np.zeros(1).__dlpack__())


class _Holder:
    """An object with `__dlpack__`, as NumPy requires."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def _type_code(capsule: Any) -> Any:
    return ctypes.c_uint8.from_address(_pointer(capsule, _NAME) + _DTYPE_AT)


def capsule_of(value: np.ndarray) -> Any:
    """Returns a DLPack capsule that shares the memory of an array.

    Raises:
    InvalidArgumentError: DLPack has no such dtype.
    """
    if not value.flags.writeable:
        value = value.copy()
    try:
        if value.dtype != dtypes.bfloat16.np:
            return value.__dlpack__()
        capsule = value.view(np.uint16).__dlpack__()
    except (BufferError, TypeError) as error:
        raise InvalidArgumentError(f"to_dlpack: {value.dtype} is not supported: {error}") from None
    _type_code(capsule).value = _BFLOAT
    return capsule


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
    if not isinstance(capsule, _Capsule):
        if not hasattr(capsule, "__dlpack__"):
            raise TypeError(f"from_dlpack: a capsule is required. Received {dlcapsule!r}.")
        capsule = capsule.__dlpack__()
    if not _is_valid(capsule, _NAME):
        raise InvalidArgumentError(
            "from_dlpack: the capsule was consumed before, or is not a DLPack capsule."
        )
    if has_gpus():
        from penstock._src.eager.placed.tensor import tensor_of_capsule  # there are GPUs

        on_gpu = tensor_of_capsule(capsule)
        if on_gpu is not None:
            return on_gpu
    code = _type_code(capsule)
    is_bfloat = code.value == _BFLOAT
    if is_bfloat:
        code.value = _UNSIGNED
    try:
        value = np.from_dlpack(_Holder(capsule))
        dtype = dtypes.as_dtype(value.dtype)
    except (BufferError, RuntimeError, TypeError) as error:
        raise InvalidArgumentError(f"from_dlpack: {error}") from None
    if is_bfloat:
        value, dtype = value.view(dtypes.bfloat16.np), dtypes.bfloat16
    return EagerTensor(np.asarray(value, order="C"), dtype)
