"""An emulator of GPUs: runs the LLVM IR of kernels on this CPU, and finds their faults.

In: the IR of a kernel, the words of its context, memory. Out: the memory, or a `KernelFault`. Read threads.py first, in which threads wait for
each other; then translate.py, which rewrites a kernel's text.

    memory.py       checks every access: bounds, alignment, races, reads of unwritten shared memory
    copies.py       asynchronous copies by threads
    asynchronous/   bulk copies and products of warpgroups, which kernels start by inline assembly
    intrinsics.py   barriers, shuffles, matrix instructions
    state.py        the words that native functions and Python share
    emulator.py     launches
    graphs.py       graphs of launches, and their conditional nodes; streams.py: streams and events
    library.py      libcuda; nccl/: libnccl
"""

from penstock._src.devices.gpu.emulator.emulator import Emulator, KernelFault, Memory
from penstock._src.devices.gpu.emulator.translate import EmulatedKernel

__all__ = ["EmulatedKernel", "Emulator", "KernelFault", "Memory"]
