"""The machines that models are built for: a row each, chosen by a triple of architecture and system."""

from dataclasses import dataclass

import llvmlite.binding as llvm

from penstock._src.core.errors import InvalidArgumentError, OpError
from penstock._src.native import Target, host
from penstock._src.native.llvm import initialize as initialize_llvm


@dataclass(frozen=True)
class Machine:
    """Target machine of a model.

    name         as users write it
    target       what kernels are generated for
    zig          the same for ziglang's linker
    pointer      bytes of an address
    abi          LLVM's name of the calling convention, where the triple does not say it
    model        LLVM's code model
    formats      suffixes of the object, the static and the shared library; None: there is no such library
    links_math   whether a C library with functions such as `pow` is linked
    """

    name: str
    target: Target
    zig: str
    pointer: int = 8
    abi: str = ""
    model: str = "small"
    formats: tuple[str, str, str | None] = (".o", ".a", ".so")
    links_math: bool = True

    def machine(self) -> llvm.TargetMachine:
        """A new LLVM target machine."""
        initialize_llvm()
        target = llvm.Target.from_triple(self.target.triple)
        return target.create_target_machine(
            cpu=self.target.cpu, features=self.target.features, opt=2,
            reloc="static" if self.target.system in ("none", "unknown") else "pic",
            codemodel=self.model, abiname=self.abi,
        )  # fmt: skip


@dataclass(frozen=True)
class _Architecture:
    """Defaults of building for an architecture."""

    cpu: str
    features: str
    vector_bytes: int
    registers: int
    pointer: int = 8
    abi: str = ""


_WASM = "+simd128,+bulk-memory,+sign-ext,+nontrapping-fptoint,+mutable-globals"
_ARCHITECTURES = {
    "x86_64": _Architecture("x86-64-v3", "", 32, 16),
    "aarch64": _Architecture("generic", "+neon", 16, 32),
    "armv7": _Architecture("cortex-a7", "+neon,+vfp4", 16, 16, 4),
    "thumbv7em": _Architecture("cortex-m4", "", 16, 8, 4),
    "riscv64": _Architecture("generic-rv64", "+m,+a,+f,+d,+c,+v", 16, 32, 8, "lp64d"),
    "wasm32": _Architecture("generic", _WASM, 16, 15, 4),
}
# (system, architecture) -> LLVM's triple and ziglang's.
_TRIPLES = {
    ("linux", "x86_64"): ("x86_64-unknown-linux-gnu", "x86_64-linux-gnu"),
    ("linux", "aarch64"): ("aarch64-unknown-linux-gnu", "aarch64-linux-gnu"),
    ("linux", "armv7"): ("armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf"),
    ("linux", "riscv64"): ("riscv64-unknown-linux-gnu", "riscv64-linux-gnu"),
    ("windows", "x86_64"): ("x86_64-pc-windows-gnu", "x86_64-windows-gnu"),
    ("windows", "aarch64"): ("aarch64-pc-windows-gnu", "aarch64-windows-gnu"),
    ("macos", "x86_64"): ("x86_64-apple-macosx11.0.0", "x86_64-macos"),
    ("macos", "aarch64"): ("arm64-apple-macosx11.0.0", "aarch64-macos"),
    ("none", "thumbv7em"): ("thumbv7em-none-unknown-eabihf", "thumb-freestanding-eabihf"),
    ("none", "wasm32"): ("wasm32-unknown-unknown", "wasm32-wasi"),
}
_FORMATS = {
    "windows": (".obj", ".lib", ".dll"),
    "macos": (".o", ".a", ".dylib"),
    "none": (".o", ".a", None),
}
_CALLED = {
    "arm64": "aarch64", "amd64": "x86_64", "arm": "armv7", "armv7a": "armv7", "armv7l": "armv7", "wasm": "wasm32",
    "darwin": "macos", "apple": "macos", "macosx": "macos", "win32": "windows", "unknown": "none",
    "freestanding": "none", "eabi": "none", "eabihf": "none",
}  # fmt: skip
_X86_LEVELS = {
    "x86-64": (16, 16), "x86-64-v2": (16, 16), "x86-64-v3": (32, 16), "x86-64-v4": (64, 32),
}  # fmt: skip
_NATIVE = "native"


def targets() -> list[str]:
    """Every target that a model can be built for."""
    return sorted(f"{architecture}-{system}" for system, architecture in _TRIPLES)


def machine_of(triple: str = _NATIVE, cpu: str = "", features: str = "") -> Machine:
    """The machine of a triple.

    Args:
      triple: such as "aarch64-linux", "wasm32", "thumbv7em-none-eabihf"; "native" is this machine.
      cpu: one that LLVM knows; by default the least that is common.
      features: LLVM's, "+dotprod,-sve", besides those of the processor.

    Raises:
      InvalidArgumentError: it is not known.
    """
    if triple == _NATIVE:
        own = host()
        key = (_system_of(own.triple), own.architecture)
        if key not in _TRIPLES:
            raise _unknown(own.triple)
        if not cpu:
            features = _without_matrix_registers(own.features)
            return _machine(key, own.cpu, features, own.vector_bytes, own.registers)
        return machine_of(f"{key[1]}-{key[0]}", cpu, features)
    first = triple.split("-")[0]
    architecture = _CALLED.get(first, first)
    key = (_system_of(triple), architecture)
    row = _ARCHITECTURES.get(architecture)
    if row is None or key not in _TRIPLES:
        raise _unknown(triple)
    cpu = cpu or row.cpu
    vector_bytes, registers = row.vector_bytes, row.registers
    if architecture == "x86_64":
        vector_bytes, registers = _x86_vectors(cpu, features)
    _check_cpu(_TRIPLES[key][0], cpu)
    features = ",".join(x for x in (row.features, _without_matrix_registers(features)) if x)
    return _machine(key, cpu, features, vector_bytes, registers)


def _without_matrix_registers(features: str) -> str:
    """The features but AMX: a process must ask its system for that, and a library may be loaded by any process."""
    return features.replace("+amx-", "-amx-")


def _machine(
    key: tuple[str, str], cpu: str, features: str, vector_bytes: int, registers: int
) -> Machine:
    system, architecture = key
    row = _ARCHITECTURES[architecture]
    triple, zig = _TRIPLES[key]
    target = Target(triple, cpu, features, vector_bytes, registers)
    formats = _FORMATS.get(system, (".o", ".a", ".so"))
    if architecture == "wasm32":
        formats = (".o", ".a", ".wasm")
    name = f"{architecture}-{system}"
    return Machine(
        name, target, zig, row.pointer, row.abi, formats=formats, links_math=system != "none"
    )


def _system_of(triple: str) -> str:
    """linux, windows, macos or none; for an architecture alone, its most common system."""
    first, *rest = triple.lower().split("-")
    for part in rest:
        for name in ("linux", "windows", "macos", "macosx", "darwin", "apple", "win32"):
            if part.startswith(name):
                return _CALLED.get(name, name)
    alone = _CALLED.get(first, first)
    return "none" if alone in ("wasm32", "thumbv7em") or rest else "linux"


def _x86_vectors(cpu: str, features: str) -> tuple[int, int]:
    """(bytes, number) of vector registers of an x86-64."""
    if "+avx512vl" in features:
        return 64, 32
    if "+avx2" in features:
        return 32, 16
    if cpu in _X86_LEVELS:
        return _X86_LEVELS[cpu]
    raise InvalidArgumentError(
        f"--cpu: expected one of {', '.join(_X86_LEVELS)}, or --features with +avx2,+fma or +avx512vl for "
        f"another. Received '{cpu}'."
    )


def _check_cpu(triple: str, cpu: str) -> None:
    """Raise an error for a processor that LLVM does not know: LLVM itself would only print a warning."""
    if "-" in cpu and cpu.startswith("x86-64"):
        return
    if not cpu.replace("-", "").replace("_", "").replace("+", "").isalnum():
        raise InvalidArgumentError(f"--cpu: not a processor of {triple}. Received '{cpu}'.")


def _unknown(triple: str) -> OpError:
    return InvalidArgumentError(
        f"--target: expected one of {', '.join(targets())}. Received '{triple}'."
    )
