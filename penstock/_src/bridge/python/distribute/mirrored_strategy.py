"""Devices of mirrored strategies: `tensorflow.python.distribute.mirrored_strategy`."""

from __future__ import annotations

from typing import Any

from penstock._src.api.config.devices import list_logical_devices


def all_local_devices(num_gpus: int | None = None) -> list[Any]:
    """Returns the first GPUs, all by default; the CPUs where there are none."""
    devices = list_logical_devices("GPU")
    if num_gpus is not None:
        devices = devices[:num_gpus]
    return devices or list_logical_devices("CPU")
