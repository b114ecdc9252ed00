"""Collective ops of one process's GPUs by NCCL: from the arrays of all members to their results, all on their GPUs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.values.device_array import DeviceArray
from penstock._src.devices.accelerator import accelerator
from penstock._src.devices.gpu.cuda.driver.gpu import Gpu
from penstock._src.devices.gpu.cuda.driver.memory import DeviceMemory
from penstock._src.devices.gpu.cuda.nccl.calls import MEAN, OPERATIONS, TYPES, Nccl
from penstock._src.devices.gpu.cuda.nccl.communicators import group_of, held

Shape = tuple[int, ...]
Begin = Callable[[int, Gpu, int], object]


class Collective:
    """A collective of arrays on different GPUs, with one shape and dtype."""

    def __init__(self, nccl: Nccl, gpus: Sequence[Gpu], arrays: Sequence[DeviceArray]) -> None:
        self.nccl, self.gpus, self.arrays = nccl, gpus, arrays
        self.size, self.dtype = arrays[0].size, arrays[0].dtype
        self._type = TYPES[self.dtype.name]
        self._targets: list[DeviceMemory] = []
        self._sources: list[DeviceMemory] = []

    def run(self, shape: Shape, begin: Begin) -> list[DeviceArray]:
        """The results, of a shape, of the calls that `begin` makes on each GPU."""
        with held(self.gpus):
            for gpu, array in zip(self.gpus, self.arrays, strict=True):
                gpu.activate()
                self._sources.append(gpu.memory_of(array))
                self._targets.append(gpu.allocate(int(np.prod(shape)) * self.dtype.itemsize))
            if self.size:
                group_of(self.nccl, self.gpus).run(begin)
        return [
            DeviceArray(shape, self.dtype, gpu.number, target)
            for gpu, target in zip(self.gpus, self._targets, strict=True)
        ]

    def _places(self, rank: int) -> tuple[int, int]:
        return self._sources[rank].address, self._targets[rank].address

    def all_reduce(self, op: int) -> list[DeviceArray]:
        def begin(rank: int, gpu: Gpu, comm: int) -> None:
            places = self._places(rank)
            self.nccl.all_reduce(*places, self.size, self._type, op, comm, gpu.stream)

        return self.run(self.arrays[0].shape, begin)

    def reduce_scatter(self, op: int) -> list[DeviceArray]:
        rows, *rest = self.arrays[0].shape
        count = len(self.gpus)

        def begin(rank: int, gpu: Gpu, comm: int) -> None:
            share = self.size // count
            self.nccl.reduce_scatter(*self._places(rank), share, self._type, op, comm, gpu.stream)

        return self.run((rows // count, *rest), begin)

    def all_gather(self) -> list[DeviceArray]:
        rows, *rest = self.arrays[0].shape

        def begin(rank: int, gpu: Gpu, comm: int) -> None:
            self.nccl.all_gather(*self._places(rank), self.size, self._type, comm, gpu.stream)

        return self.run((rows * len(self.gpus), *rest), begin)


def can_combine(numbers: Sequence[int | None], types: Sequence[Any]) -> bool:
    """True if NCCL can combine values of these types on these logical GPUs: they are different physical GPUs, and the library is installed."""
    if len(numbers) < 2 or None in numbers or any(t.name not in TYPES for t in types):
        return False
    gpus = [accelerator(number) for number in numbers]  # type: ignore[arg-type]
    if None in gpus or len({gpu.physical for gpu in gpus if gpu}) < len(gpus):
        return False
    return gpus[0].nccl is not None  # type: ignore[union-attr]


def combined(kind: str, merge: str, final: str, values: Sequence[Any]) -> list[DeviceArray] | None:
    """The members' results from their arrays; None if the GPUs cannot compute them together.

    Args:
      kind: "Reduce", "ReduceScatter" or "Gather".
      merge: a key of OPERATIONS.
      final: "Div" for means.
      values: of the members, in order.
    """
    if not all(type(x) is DeviceArray and x.memory is not None for x in values):
        return None
    if len({(x.shape, x.dtype) for x in values}) > 1:
        return None  # the host's kernel raises the error
    if not can_combine([x.device for x in values], [x.dtype for x in values]):
        return None
    gpus: list[Any] = [accelerator(x.device) for x in values]
    collective = Collective(gpus[0].nccl, gpus, values)
    is_mean = final == "Div"
    rows = values[0].shape[0] if values[0].shape else 0
    if kind == "Gather" and rows:
        return collective.all_gather()
    if merge not in OPERATIONS or (is_mean and (merge != "Add" or values[0].dtype.kind in "iu")):
        return None
    op = MEAN if is_mean else OPERATIONS[merge]
    if kind == "Reduce":
        return collective.all_reduce(op)
    if kind == "ReduceScatter" and rows and rows % len(values) == 0:
        return collective.reduce_scatter(op)
    return None


__all__ = ["Collective", "can_combine", "combined"]
