"""An emulator of cards: runs the kernels' own LLVM IR on this CPU, and finds what they do wrong.

What comes in: the IR of a kernel, the words of its context, memory. What goes out: that memory, or a `KernelFault`. Read first:
threads.py, how threads wait for one another; then translate.py, what becomes of a kernel's text.

    memory.py       every access: out of bounds, misaligned, races, shared memory that nobody wrote
    copies.py       copies that go on while threads do
    asynchronous/   bulk copies and products of warpgroups, which go on too: what kernels ask for in inline assembly
    intrinsics.py   barriers, shuffles, matrix instructions
    state.py        the words that native functions and Python share
    emulator.py     launches
    graphs.py       graphs of launches, and their conditional nodes; streams.py: streams and events
    library.py      libcuda; nccl/: libnccl
"""

from penstock._src.devices.cuda.emulator.emulator import Emulator, KernelFault, Memory
from penstock._src.devices.cuda.emulator.translate import EmulatedKernel

__all__ = ["EmulatedKernel", "Emulator", "KernelFault", "Memory"]
