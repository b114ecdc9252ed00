"""Datasets with elements copied to a GPU, ahead of their use or on request."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core.calls.placement import CPU, has_gpus, number_for
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import OutOfRangeError, UnimplementedError
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.data import structure
from penstock._src.data.dataset import Dataset, derived
from penstock._src.data.iterator import OwnedIterator
from penstock._src.devices.accelerator import feeder
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.data_iterators.handle import END
from penstock._src.util.export import export

Transformation = Callable[[Dataset], Dataset]
AHEAD = 2  # elements, unless the program sets a number


class _Placed(Dataset):
    """A dataset with eager iterators that give elements on a GPU."""

    number, ahead = 0, AHEAD

    def __iter__(self) -> OwnedIterator:
        """Returns a new iterator over the elements."""
        if STATE.graph is not None:
            return super().__iter__()
        return PlacedIterator(self, self.number, self.ahead)


class PlacedIterator(OwnedIterator):
    """An iterator that gives elements on a GPU and copies some ahead."""

    def __init__(self, dataset: Dataset, number: int, ahead: int) -> None:
        super().__init__(dataset)
        from penstock._src.eager.placed.tensor import TYPES  # there are GPUs

        self._number, self._ahead = number, ahead
        self._waiting: deque[tuple[Any, Any]] = deque()  # elements, and their copies in flight
        self._all_types = structure.flat_types(dataset.element_spec)
        self._sendable = TYPES

    def __next__(self) -> Any:
        if STATE.graph is not None:
            return super().__next__()
        element = self._received()
        if element is None:
            raise StopIteration
        return element

    next = __next__

    def get_next(self) -> Any:
        """Returns the next element.

        Raises:
          tf.errors.OutOfRangeError: there is none.
        """
        if STATE.graph is not None:
            return super().get_next()
        element = self._received()
        if element is None:
            raise OutOfRangeError(f"{END} [Op:IteratorGetNext]")
        return element

    _next_internal = get_next

    def _save(self) -> Any:
        raise UnimplementedError(
            "The position of an iterator that has elements on a GPU cannot be saved: save that of the dataset before "
            "prefetch_to_device."
        )

    def _received(self) -> Any:
        """The next element; those after it are sent meanwhile. None at the end."""
        handle = self._handle
        assert handle is not None
        for at in range(self._ahead + 1):
            values = handle.peek(at)
            if values is None:
                break
            if at >= len(self._waiting) or self._waiting[at][0] is not values:
                # A function may have taken elements that were sent.
                while len(self._waiting) > at:
                    self._waiting.pop()
                self._waiting.append((values, self._sent(values)))
        values = handle.next()
        if values is None:
            return None
        _, sent = self._waiting.popleft()
        memory = iter(feeder(self._number).receive(sent) if sent is not None else ())
        there = [
            DeviceArray(v.shape, v.dtype, self._number, next(memory)) if self._goes(v, dtype) else v
            for v, dtype in zip(values, self._all_types, strict=True)
        ]
        return self._packed(there)

    def _sent(self, values: Any) -> Any:
        """Return an element's pending copies; None if nothing of it goes to the GPU."""
        arrays = [
            v for v, dtype in zip(values, self._all_types, strict=True) if self._goes(v, dtype)
        ]
        return feeder(self._number).send(arrays) if arrays else None

    def _goes(self, value: Any, dtype: Any) -> bool:
        return type(value) is np.ndarray and dtype in self._sendable

    def _packed(self, values: list[Any]) -> Any:
        from penstock._src.eager.placed.tensor import PlacedTensor  # the same

        tensors = [
            PlacedTensor(v, dtype)
            if type(v) is DeviceArray
            else EagerTensor(structure.held(v, dtype), dtype)
            for v, dtype in zip(values, self._all_types, strict=True)
        ]
        return structure.from_tensors(self._element_spec, tensors)


def _placed(dataset: Dataset, device: str, ahead: int) -> Dataset:
    """The dataset with elements on a device; of the CPU with elements that are prepared ahead."""
    number = number_for(device, CPU, "PrefetchDataset") if has_gpus() else CPU
    if number == CPU:
        return dataset.prefetch(ahead)
    source = dataset.prefetch(-1) if ahead else dataset
    dataset_on_device = derived(
        "_PrefetchToDeviceDataset",
        source._variant_tensor,
        source.element_spec,
        source,
        base=_Placed,
    )
    dataset_on_device.number, dataset_on_device.ahead = number, AHEAD if ahead < 0 else ahead
    return dataset_on_device


@export("data.experimental.copy_to_device")
def copy_to_device(target_device: str, source_device: str = "/cpu:0") -> Transformation:
    """Returns a transformation that copies elements to a device when they are asked for; no effect on CPUs.

    Args:
      target_device: the name of a device.
      source_device: without effect: elements are read where they are.

    Returns:
      A function for `Dataset.apply`.
    """
    return lambda dataset: _placed(dataset, target_device, 0)


@export("data.experimental.prefetch_to_device")
def prefetch_to_device(device: str, buffer_size: int | None = None) -> Transformation:
    """Returns a transformation that copies elements to a device ahead of their use; of a CPU see `Dataset.prefetch`.

    It is the last transformation of a dataset. Copies go through pinned memory, while the device computes.

    Args:
      device: the name of a device.
      buffer_size: how many elements are copied ahead; None: 2.

    Returns:
      A function for `Dataset.apply`.
    """
    return lambda dataset: _placed(dataset, device, -1 if buffer_size is None else buffer_size)
