"""The emulated GPU as a device: equal to a real one except for libcuda."""

from penstock._src.devices.gpu.device import CudaDevice
from penstock._src.devices.gpu.emulator.library import EmulatedLibrary
from penstock._src.devices.gpu.emulator.nccl.library import EmulatedNccl
from penstock._src.devices.gpu.kernels.language import CudaCode
from penstock._src.util.flags import flags


def ir_image(code: CudaCode) -> bytes:
    """The emulator's image, the kernel's LLVM IR, in place of PTX and cubins."""
    return code.text.encode() + b"\0"


def emulated_library() -> EmulatedLibrary:
    """The emulated libcuda, with PENSTOCK_EMULATED_GPUS GPUs of PENSTOCK_EMULATED_CAPABILITY."""
    return EmulatedLibrary(devices=flags.emulated_gpus, capability=flags.emulated_capability)


DEVICE = CudaDevice("GPU_emulated", emulated_library, ir_image, collectives=EmulatedNccl)
