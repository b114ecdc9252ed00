"""The devices of workers, and the elements that they get: `tensorflow.python.distribute.input_lib`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.bridge.python.distribute import device_util


class InputWorkers:
    """The devices that each worker's elements go to.

    Args:
      worker_device_pairs: pairs of a worker's device and a sequence of the devices it feeds.
      canonicalize_devices: whether these are named with job and task.
    """

    def __init__(
        self,
        worker_device_pairs: Sequence[tuple[str, Sequence[str]]],
        canonicalize_devices: bool = True,
    ) -> None:
        self._worker_device_pairs = worker_device_pairs
        self._canonicalize_devices = canonicalize_devices
        full, short = device_util.canonicalize, device_util.canonicalize_without_job_and_task
        named = full if canonicalize_devices else short
        self._input_worker_devices = tuple(worker for worker, _ in worker_device_pairs)
        self._fed_devices = tuple(tuple(map(named, fed)) for _, fed in worker_device_pairs)

    @property
    def num_workers(self) -> int:
        """The number of workers."""
        return len(self._input_worker_devices)

    @property
    def worker_devices(self) -> tuple[str, ...]:
        """The devices of the workers."""
        return self._input_worker_devices

    def compute_devices_for_worker(self, worker_index: int) -> tuple[str, ...]:
        """Returns the devices that a worker feeds."""
        return self._fed_devices[worker_index]

    def serialize(self) -> tuple[Any, bool]:
        """Returns the parts from which an equal object is built."""
        return self._worker_device_pairs, self._canonicalize_devices

    def __repr__(self) -> str:
        pairs = zip(self._input_worker_devices, self._fed_devices, strict=True)
        lines = (f"  {n} {worker}: {fed}" for n, (worker, fed) in enumerate(pairs))
        return f"{type(self).__name__}:{{\n" + ",\n".join(lines) + "}"
