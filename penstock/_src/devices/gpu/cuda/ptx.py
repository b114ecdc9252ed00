"""PTX of kernels, by LLVM; and reports of ptxas, where it is installed."""

import functools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import llvmlite.binding as llvm

from penstock._src.core.errors import InternalError
from penstock._src.devices.gpu.target import TRIPLE
from penstock._src.native import Code
from penstock._src.native.llvm import initialize as initialize_llvm
from penstock._src.util.dataclass import dataclass

OPTIMIZE = 3


def ptx_of(code: Code, features: str = "") -> str:
    """The PTX of a kernel for its target.

    Args:
      code: of a kernel.
      features: the version of PTX, "+ptx80"; by default the target's.
    """
    initialize_llvm()
    target = code.target
    features = features or target.features
    module = llvm.parse_assembly(code.text, llvm.create_context())
    module.triple = TRIPLE
    machine = llvm.Target.from_triple(TRIPLE).create_target_machine(
        cpu=target.cpu, features=features, opt=OPTIMIZE
    )
    return machine.emit_assembly(module)


@dataclass(frozen=True)
class Resources:
    """The resources of a kernel on a GPU.

    spilled   bytes stored to and loaded from memory for lack of registers
    stack     bytes of a thread's own memory
    shared    bytes of a block's
    serial    True if its warpgroup products are serialized, as code between them uses their sums
    """

    kernel: str
    registers: int
    spilled: int
    stack: int
    shared: int
    serial: bool = False


@functools.cache
def find_ptxas() -> str | None:
    """The path of ptxas: of the wheel `nvidia-cuda-nvcc`, or of a toolkit; None if there is none."""
    for place in sys.path:
        paths = sorted(Path(place).glob("nvidia/*/bin/ptxas"))
        if paths:
            return str(paths[-1])
    return shutil.which("ptxas")


def assembled(ptx: str, architecture: str, ptxas: str) -> tuple[bytes, list[Resources]]:
    """(the cubin, the resources of each kernel).

    Raises:
      InternalError: ptxas rejects the text.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        source.write_text(ptx)
        command = [ptxas, f"-arch={architecture}", "-v", str(source), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InternalError(None, None, f"ptxas refused a kernel: {done.stderr}\n{ptx}")
        return target.read_bytes(), list(_resources(done.stderr))


_NAME = re.compile(r"Compiling entry function '(\w+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")
# that it has put waits between products, or that they do not overlap
_SERIAL = re.compile(r"\(C75\d\d\).* in (?:the )?function '(\w+)'")


def _resources(report: str) -> Iterator[Resources]:
    name, stack, spilled = "", 0, 0
    serial = set(_SERIAL.findall(report))
    for line in report.splitlines():
        if match := _NAME.search(line):
            name = match[1]
        elif match := _STACK.search(line):
            if name:
                stack, spilled = int(match[1]), int(match[2]) + int(match[3])
        elif (match := _USED.search(line)) and name:
            shared = _SHARED.search(line)
            bytes_shared = int(shared[1]) if shared else 0
            yield Resources(name, int(match[1]), spilled, stack, bytes_shared, name in serial)
            name = ""
