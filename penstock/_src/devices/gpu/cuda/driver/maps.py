"""The tensor maps of a launch: made by the driver, and made again when the described memory moves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from penstock._src.devices.gpu.cuda.driver.calls import MAP_BYTES
from penstock._src.devices.gpu.kernels.tensor_maps import TensorMap

if TYPE_CHECKING:
    from penstock._src.devices.gpu.cuda.driver.gpu import Gpu

ALIGNED = 64  # bytes: of a map


class LaunchMaps:
    """Maps of one launch. Launches copy them, also into a graph, so a map may be written again after any launch."""

    def __init__(self, gpu: "Gpu", maps: Sequence[TensorMap]):
        self.gpu, self.maps = gpu, maps
        room = np.zeros(len(maps) * MAP_BYTES + ALIGNED, np.uint8)
        self._room = room[-room.ctypes.data % ALIGNED :]
        self._made: list[tuple[int, tuple[int, ...]] | None] = [None] * len(maps)

    def addresses(self, context: Sequence[int]) -> list[int]:
        """The addresses of the maps on the host, for the words of the launch's context."""
        start = int(self._room.ctypes.data)
        starts = [start + i * MAP_BYTES for i in range(len(self.maps))]
        for i, (described, target) in enumerate(zip(self.maps, starts, strict=True)):
            wanted = described.of_launch(context)
            if wanted != self._made[i]:
                address, extents = wanted
                self.gpu.driver.write_map(
                    target, described.element, address, extents, described.strides, described.box
                )
                self._made[i] = wanted
        return starts
