"""EagerTensor: a tensor with a value in memory, shared with NumPy."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import SCALAR, TensorShape, make_shape
from penstock._src.core.tensor import NEXT_ID, Tensor
from penstock._src.core.values import memory_limit
from penstock._src.core.values.dlpack import capsule_of
from penstock._src.core.values.memory import make_room
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

CPU_NAME = "/job:localhost/replica:0/task:0/device:CPU:0"


@export("__internal__.EagerTensor", v1=[])
class EagerTensor(Tensor):
    """A tensor with a value: a NumPy array, or the Python handle of a resource or variant.

    Args:
      value: a NumPy array or a handle; programs call `tf.constant` instead.
      dtype: of the tensor.
    """

    __slots__ = ("_value", "_dtype", "_handle_data")

    def __init__(self, value: Any, dtype: DType) -> None:
        self._value = value
        self._dtype = dtype
        self._id = NEXT_ID()

    dtype = read_only("_dtype", "The type of the elements.")
    # False if this process holds only a shard of the tensor.
    holds_whole = True

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        value = self._value
        if type(value) is not np.ndarray:
            return SCALAR
        extents = value.shape
        shape = _SHAPES.get(extents)
        return _new_shape(extents) if shape is None else shape

    _shape_tuple_value = read_only("_value.shape", "The extents.")

    def _shape_tuple(self) -> tuple[int, ...]:
        return self._value.shape if type(self._value) is np.ndarray else ()

    def _rank(self) -> int:
        return len(self._shape_tuple())

    ndim = read_only("_value.ndim", "The number of dimensions.")

    def set_shape(self, shape: Any) -> None:
        """Raises ValueError unless the tensor has a shape that fits `shape`."""
        if not self.shape.is_compatible_with(shape):
            raise ValueError(
                f"Tensor's shape {self.shape} is not compatible with supplied shape {shape}"
            )

    def numpy(self) -> Any:
        """Returns the value as a NumPy array (a scalar for rank 0); writing to it does not change the tensor."""
        value = self._value
        if type(value) is not np.ndarray:
            raise NotImplementedError(f"A tensor of type {self._dtype.name} has no NumPy value.")
        if not value.ndim:
            return value[()]
        make_room(value.nbytes)
        return value.copy()

    def _numpy(self) -> Any:
        """Return the result of `numpy` without a copy: libraries read it by this name."""
        value = self._value
        return value if type(value) is np.ndarray and value.ndim else self.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if not self._is_array():
            raise NotImplementedError(f"A tensor of type {self._dtype.name} has no NumPy value.")
        if copy or (dtype is not None and np.dtype(dtype) != self._value.dtype):
            return np.array(self._value, dtype=dtype)
        shared = self._value.view()
        shared.flags.writeable = False
        return shared

    def __dlpack__(self, **options: Any) -> Any:
        value = self._value
        value = value if value.flags.writeable else value.copy()
        if self._dtype is dtypes.bfloat16:
            return capsule_of(value)
        return value.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._value.__dlpack_device__()

    @property
    def device(self) -> str:
        """The device that holds the value."""
        return CPU_NAME

    @property
    def backing_device(self) -> str:
        """The device that holds the value."""
        return CPU_NAME

    @property
    def is_packed(self) -> bool:
        """False: packed tensors do not exist."""
        return False

    @property
    def graph(self) -> Any:
        """Not defined eagerly."""
        raise AttributeError("Tensor.graph is undefined when eager execution is enabled.")

    @property
    def op(self) -> Any:
        """Not defined eagerly."""
        raise AttributeError("Tensor.op is undefined when eager execution is enabled.")

    @property
    def name(self) -> str:
        """Not defined eagerly."""
        raise AttributeError("Tensor.name is undefined when eager execution is enabled.")

    @property
    def value_index(self) -> Any:
        """Not defined eagerly."""
        raise AttributeError("Tensor.value_index is undefined when eager execution is enabled.")

    @property
    def consumers(self) -> Any:
        """Not defined eagerly."""
        raise NotImplementedError("Tensor.consumers is undefined when eager execution is enabled.")

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Not defined eagerly."""
        raise NotImplementedError(
            "eval is not supported when eager execution is enabled, is .numpy() what you want?"
        )

    def gpu(self, gpu_index: int = 0) -> "EagerTensor":
        """Raises RuntimeError: GPUs are not supported."""
        raise RuntimeError(f"Device GPU:{gpu_index} is not available: this build computes on CPUs.")

    def _shape_as_list(self) -> list[int]:
        return list(self._shape_tuple())

    def _num_elements(self) -> int:
        return self._value.size if self._is_array() else 1

    def _datatype_enum(self) -> int:
        return self._dtype.as_datatype_enum

    def cpu(self) -> "EagerTensor":
        """Returns this tensor in the memory of the host, as another object."""
        return EagerTensor(self._value, self._dtype)

    def __copy__(self) -> "EagerTensor":
        return self

    def __deepcopy__(self, memo: Any) -> "EagerTensor":
        value = self._value.copy() if self._is_array() else self._value
        return type(self)(value, self._dtype)

    def __reduce__(self) -> Any:
        return unpickle, (self.numpy(), self._dtype.name)

    def _is_array(self) -> bool:
        return type(self._value) is np.ndarray

    def __len__(self) -> int:
        if not self._shape_tuple():
            raise TypeError("Scalar tensor has no `len()`")
        return self._value.shape[0]

    def __bool__(self) -> bool:
        return bool(self._value) if self._value.size else False

    def __nonzero__(self) -> bool:
        return bool(self)

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def _scalar(self) -> Any:
        if self._value.size != 1 or self._value.ndim:
            raise TypeError("only length-1 arrays can be converted to Python scalars")
        return self._value[()]

    def __index__(self) -> int:
        return self._value.__index__()

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.numpy(), digits)

    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec) if self._is_array() else str(self).__format__(spec)

    def __str__(self) -> str:
        return f"tf.Tensor({self._shown(str)}, shape={self.shape}, dtype={self._dtype.name})"

    def __repr__(self) -> str:
        return (
            f"<tf.Tensor: shape={self.shape}, dtype={self._dtype.name}, "
            f"{self._label()}={self._shown(repr)}>"
        )

    def _label(self) -> str:
        return "numpy" if self._is_array() else "value"

    def _shown(self, show: Any) -> str:
        if not self._is_array():
            kind = "ResourceHandle " if self._dtype is dtypes.resource else ""
            return f"<{kind}{type(self._value).__name__}>"
        value = self.numpy()
        if not self._value.ndim:
            if show is repr:  # all digits of a number
                return repr(value.item() if hasattr(value, "item") else value)
            return str(value)
        text = show(value)
        return "\n" + text if "\n" in text else text


# Shapes never change, so that tensors share them; the most recent ones are here.
_SHAPES: dict[tuple[int, ...], TensorShape] = {(): SCALAR}
_MOST_SHAPES = 1024


def _new_shape(extents: tuple[int, ...]) -> TensorShape:
    if len(_SHAPES) >= _MOST_SHAPES:
        _SHAPES.clear()
    shape = _SHAPES[extents] = make_shape(extents)
    return shape


def unpickle(value: Any, name: str) -> EagerTensor:
    """Unpickles a tensor."""
    dtype = dtypes.as_dtype(name)
    return EagerTensor(np.asarray(value, dtype.np), dtype)


memory_limit.register_holder(EagerTensor, "_value", "tensor")
