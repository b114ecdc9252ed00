"""The emulated GPU as a device: everything as on a card, but for what stands for libcuda."""

from penstock._src.devices.cuda.device import CudaDevice
from penstock._src.devices.cuda.emulator.library import EmulatedLibrary
from penstock._src.devices.cuda.kernels.language import CudaCode


def ir_image(code: CudaCode) -> bytes:
    """What the emulator takes for PTX and for a cubin: the kernel's LLVM IR."""
    return code.text.encode() + b"\0"


DEVICE = CudaDevice("GPU_emulated", EmulatedLibrary, ir_image)
