"""Kernels written by hand, run on the emulator; functions, run on the emulated GPU."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

import penstock as tf
from penstock._src.compiler.plan.launch_table import Launch
from penstock._src.devices.gpu.device import CudaDevice
from penstock._src.devices.gpu.emulator import EmulatedKernel, Emulator
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.devices.gpu.kernels.language import CudaCode, CudaFn, CudaModule
from penstock._src.devices.gpu.target import target_of
from penstock._src.util.flags import flags, override


def kernel(write: Callable[[CudaFn], object], threads: int = 64) -> CudaCode:
    """The code of a kernel that a function writes."""
    module = CudaModule(target_of(), threads)
    with module.kernel() as f:
        write(f)
    return module.finished()


def run(code: CudaCode, arrays: Sequence[np.ndarray], blocks: int = 1) -> list[np.ndarray]:
    """The arrays after a launch whose context is their addresses."""
    emulator = Emulator()
    memory = [emulator.allocate(a.nbytes, f"array {i}") for i, a in enumerate(arrays)]
    for m, a in zip(memory, arrays, strict=True):
        m.bytes[:] = a.view(np.uint8).reshape(-1)
    emulator.launch(EmulatedKernel(code.text, "task"), [m.address for m in memory], blocks, blocks)
    return [m.bytes.view(a.dtype).reshape(a.shape) for m, a in zip(memory, arrays, strict=True)]


# With PENSTOCK_DEVICE=GPU, functions run on this machine's GPU.
GPU_DEVICE = "GPU" if flags.device == "GPU" else "GPU_emulated"


def on_gpu(function, *arguments):
    """The results of a function on the emulated GPU, as arrays."""
    with override(device=GPU_DEVICE):
        return tf.nest.map_structure(np.asarray, tf.function(function)(*arguments))


def by_reference(function, *arguments):
    """The same, by the interpreter of primitives."""
    with override(device="reference"):
        return tf.nest.map_structure(
            np.asarray, tf.function(lambda *given: function(*given))(*arguments)
        )


@contextmanager
def launches() -> Iterator[list[Launch]]:
    """The launches of what is planned for the emulated GPU here."""
    found: list[Launch] = []

    def load(plan):
        found.extend(r for r in plan.launches if isinstance(r, Launch))
        return CudaDevice.load(DEVICE, plan)

    DEVICE.load = load
    try:
        yield found
    finally:
        del DEVICE.load


GPU, CPU = (f"/job:localhost/replica:0/task:0/device:{name}:0" for name in ("GPU", "CPU"))


def copies(counts):
    """How often was copied (to the GPU, from it)."""
    return counts["cuMemcpyHtoDAsync_v2"], counts["cuMemcpyDtoHAsync_v2"]
