"""The constant data of a built model: weights, packed for the target as Penstock packs them, and the constants of its plans."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from penstock._src.aot.code.machine_code import finished, parsed
from penstock._src.aot.targets import Machine
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.prepacked import PackedConstant, PackedForm
from penstock._src.native import host
from penstock._src.native.llvm.compile import machine_for
from penstock._src.native.loading import Library
from penstock._src.runtime.weight_packer import packed_constant, packer_of

LINE = 64  # bytes: where an array begins


@dataclass
class ConstantData:
    """One block of bytes, in which equal arrays lie once."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    known: dict[bytes, int] = field(default_factory=dict)

    def add(self, array: Any) -> int:
        """Puts an array into the block; returns its offset."""
        data = np.ascontiguousarray(array).tobytes()
        key = hashlib.sha256(data).digest()
        if key not in self.known:
            self.known[key] = self.size
            padding = -len(data) % LINE
            self.parts += [data, bytes(padding)]
            self.size += len(data) + padding
        return self.known[key]

    def bytes(self) -> bytes:
        """The whole block."""
        return b"".join(self.parts)


def prepacked_arrays(
    plan: Plan, variables: Mapping[int, np.ndarray], machine: Machine
) -> list[np.ndarray]:
    """Pack the weights that the plan keeps packed, by the code that the target would run."""
    libraries: dict[str, Library] = {}
    packed = []
    for weights in plan.prepacked:
        key = weights.code.code.key
        if key not in libraries:
            libraries[key] = _on_this_machine(weights, machine)
        packer = packer_of(weights, libraries[key], plan.threads)
        packed.append(packer.packed(np.ascontiguousarray(variables[weights.variable])))
    return packed


def packed_array(constant: PackedConstant, threads: int, machine: Machine) -> np.ndarray:
    """A constant that a plan keeps packed, by the code that the target would run."""
    return packed_constant(constant, _on_this_machine(constant, machine), threads)


def _on_this_machine(weights: PackedForm, machine: Machine) -> Library:
    """The functions that pack, compiled for this process: all that they hold is LLVM's common language."""
    code = weights.code.code
    names = sorted({stage.function for stage in weights.stages})
    own = host()
    text = code.text.replace(machine.target.attributes, own.attributes)
    llvm_machine = machine_for(own)
    module = parsed(text, llvm_machine, llvm.create_context())
    return Library(finished(module, llvm_machine, names), tuple(names))
