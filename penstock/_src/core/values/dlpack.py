"""DLPack capsules of arrays, and its codes of dtypes: memory shared with PyTorch, JAX, NumPy and others.

NumPy makes and reads the capsules. It does not support bfloat16: such an array is passed as 16-bit integers, and the type
code in the capsule's header is changed.
"""

import ctypes
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError

_DTYPE_AT = 20  # offset of dtype (code, bits, lanes) in DLTensor, after data, device and ndim
_UNSIGNED, _BFLOAT = 1, 4
# By the kind of NumPy's type.
_CODES = {"i": 0, "u": _UNSIGNED, "f": 2, "c": 5, "b": 6}
_KINDS = {code: kind for kind, code in _CODES.items()}
_NAME = b"dltensor"

_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype, _is_valid.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
Capsule = type(np.zeros(1).__dlpack__())


class _Holder:
    """An object with `__dlpack__`, as NumPy requires."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def code_of(dtype: dtypes.DType) -> int | None:
    """Returns DLPack's code of a dtype, besides which it has the number of bits; None if DLPack lacks the dtype."""
    if dtype is dtypes.bfloat16:
        return _BFLOAT
    # ml_dtypes' types have kinds of NumPy's, but bits of their own.
    return _CODES.get(dtype.np.kind) if dtype.np.isbuiltin == 1 else None


def dtype_of(code: int, bits: int) -> dtypes.DType | None:
    """Returns the dtype of a code and a number of bits; None if there is none."""
    if (code, bits) == (_BFLOAT, 16):
        return dtypes.bfloat16
    if code not in _KINDS or bits % 8:
        return None
    try:
        return dtypes.as_dtype(np.dtype(f"{_KINDS[code]}{bits // 8}"))
    except TypeError:  # NumPy or TensorFlow has no type of this width
        return None


def _type_code(capsule: Any) -> Any:
    return ctypes.c_uint8.from_address(_pointer(capsule, _NAME) + _DTYPE_AT)


def is_fresh(capsule: Any) -> bool:
    """True for a capsule that has not been consumed."""
    return bool(_is_valid(capsule, _NAME))


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


def array_of(capsule: Any) -> np.ndarray:
    """Returns an array over the memory of a capsule, which is consumed.

    Raises:
      InvalidArgumentError: its contents cannot be a tensor.
    """
    code = _type_code(capsule)
    is_bfloat = code.value == _BFLOAT
    if is_bfloat:
        code.value = _UNSIGNED
    try:
        value = np.from_dlpack(_Holder(capsule))
        dtypes.as_dtype(value.dtype)
    except (BufferError, RuntimeError, TypeError) as error:
        raise InvalidArgumentError(f"from_dlpack: {error}") from None
    return np.asarray(value.view(dtypes.bfloat16.np) if is_bfloat else value, order="C")
