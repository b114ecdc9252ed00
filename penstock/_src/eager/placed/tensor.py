"""PlacedTensor: an eager tensor on a device."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.placement import CPU, gpu_count, name_of, number_named
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape, make_shape
from penstock._src.core.typesets import BOOL, NUMERIC
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.accelerator import moved
from penstock._src.devices.residence import read_there
from penstock._src.eager.tensor import EagerTensor

# TensorFlow keeps int32 on the host: shapes, sizes and axes.
TYPES = (NUMERIC | BOOL) - {dtypes.int32}

_SLOT: Any = EagerTensor._value  # of a PlacedTensor it holds the DeviceArray


class PlacedTensor(EagerTensor):
    """An eager tensor with elements on a device, perhaps still being computed. Reading them waits for the device and copies them once.

    Args:
      value: a DeviceArray.
      dtype: of the tensor.
    """

    __slots__ = ()

    @property
    def held(self) -> DeviceArray:
        """The array of the device."""
        array: DeviceArray = _SLOT.__get__(self)
        return array

    @property
    def _value(self) -> Any:
        return self.held.on_host()

    @_value.setter
    def _value(self, value: DeviceArray) -> None:
        _SLOT.__set__(self, value)

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return make_shape(self.held.shape)

    @property
    def _shape_tuple_value(self) -> tuple[int, ...]:
        return self.held.shape

    def _shape_tuple(self) -> tuple[int, ...]:
        return self.held.shape

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.held.ndim

    def _is_array(self) -> bool:
        return True

    def _num_elements(self) -> int:
        return self.held.size

    def __len__(self) -> int:
        if not self.held.shape:
            raise TypeError("Scalar tensor has no `len()`")
        return self.held.shape[0]

    @property
    def device(self) -> str:
        """The device that holds the value."""
        return name_of(self.held.device)

    @property
    def backing_device(self) -> str:
        """The device that holds the value."""
        return self.device

    def __deepcopy__(self, memo: Any) -> EagerTensor:
        return PlacedTensor(self.held, self._dtype)  # shared: it is immutable

    def gpu(self, gpu_index: int = 0) -> EagerTensor:
        """Returns this tensor in the memory of a GPU.

        Raises:
          RuntimeError: there is no such GPU.
        """
        if not 0 <= gpu_index < gpu_count():
            raise RuntimeError(f"GPU:{gpu_index} unknown device.")
        return PlacedTensor(moved(self.held, gpu_index), self._dtype)

    def cpu(self) -> EagerTensor:
        """Returns this tensor in the memory of the host."""
        return EagerTensor(self.held.on_host(), self._dtype)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: Any = None,
        dl_device: Any = None,
        copy: Any = None,
    ) -> Any:
        if dl_device is not None and tuple(dl_device) != self.__dlpack_device__():
            if dl_device[0] != 1:
                raise BufferError(f"{self.device} cannot share its memory as device {dl_device}.")
            return self.cpu().__dlpack__(copy=copy)
        from penstock._src.eager.placed import dlpack  # programs that share nothing go without

        if copy:
            raise BufferError("A GPU tensor is shared, not copied: copy it by tf.identity.")
        return dlpack.capsule_of(self.held, self._dtype, stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        from penstock._src.eager.placed import dlpack  # the same

        return dlpack.device_of(self.held)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The memory, for other libraries; it is ready once the named stream has reached this point."""
        from penstock._src.eager.placed import dlpack  # the same

        return dlpack.interface_of(self.held)


def tensor_of_capsule(capsule: Any) -> PlacedTensor | None:
    """Return a tensor over the memory of a DLPack capsule; None if it is not memory of a GPU."""
    from penstock._src.eager.placed import dlpack  # programs that share nothing go without

    return PlacedTensor(*dlpack.array_of(capsule)) if dlpack.is_of_gpu(capsule) else None


def held_value(tensor: Any) -> Any:
    """The value of an eager tensor, on its device."""
    return tensor.held if type(tensor) is PlacedTensor else tensor._value


def tensor_there(value: Any, dtype: DType, number: int) -> EagerTensor:
    """A tensor of a result that belongs to a device: a host array is copied there when an op on that device reads it."""
    if type(value) is DeviceArray:
        return PlacedTensor(value, dtype)
    if number != CPU and dtype in TYPES and type(value) is np.ndarray:
        return PlacedTensor(DeviceArray(value.shape, value.dtype, number, host=value), dtype)
    return EagerTensor(value, dtype)


def value_of_variable(handle: VariableHandle, dtype: DType) -> EagerTensor:
    """The value of a variable that was made for a device, as a tensor there."""
    number = number_named(handle.device)
    assert number is not None
    return PlacedTensor(read_there(handle, number), dtype)
