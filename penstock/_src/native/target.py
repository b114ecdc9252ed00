"""Target: the properties of a CPU that code generation depends on; and detection of this CPU."""

import dataclasses
import functools
import math
import os
import platform
import sys
from pathlib import Path
from typing import Any

from penstock._src.core import errors
from penstock._src.util.dataclass import dataclass
from penstock._src.util.flags import flags
from penstock._src.util.process import forks
from penstock._src.util.process.compiler import has_compiler

from . import llvm
from .language.types import SIZE, vec
from .llvm.records import recorded
from .process.matrix_registers import allow_matrix_registers


@dataclass(frozen=True)
class Target:
    """A CPU. Immutable; part of every kernel's identity.

    vector_bytes    width of one vector register
    registers       number of vector registers
    cores           that this process may use
    l1, l2          bytes of a core's data caches
    sum_threads     number of threads for which sums are divided
    checked         True if loads and stores are checked against their buffers (PENSTOCK_CHECKED)
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    cores: int = 1
    l1: int = 32 << 10
    l2: int = 512 << 10
    checked: bool = False
    sum_threads: int = 2

    @property
    def system(self) -> str:
        """linux, darwin or windows."""
        parts = self.triple.split("-")
        return next(
            (s for s in ("linux", "darwin", "windows") if any(p.startswith(s) for p in parts)),
            parts[-1],
        )

    @property
    def architecture(self) -> str:
        """x86_64, aarch64, riscv64, ..."""
        first = self.triple.split("-")[0]
        return {"arm64": "aarch64", "amd64": "x86_64"}.get(first, first)

    @property
    def multiplies_pairs(self) -> bool:
        """True if the target has dot products of bfloat16 pairs."""
        return "+avx512bf16" in self.features and "+avx512vl" in self.features

    @property
    def multiplies_matrices(self) -> bool:
        """True if the target multiplies matrices of 16 rows of bfloat16 pairs and of four bytes (AMX)."""
        features = {"+amx-tile", "+amx-bf16", "+amx-int8", "+avx512bw", "+avx512bf16"}
        return self.vector_bytes == 64 and features <= set(self.features.split(","))

    @property
    def multiplies_quads(self) -> bool:
        """True if the target has dot products of four bytes with one operand unsigned."""
        wide = "+avx512vnni" in self.features and "+avx512vl" in self.features
        return wide or ("+avxvnni" in self.features and self.vector_bytes == 32)

    @property
    def multiplies_signed_quads(self) -> bool:
        """True if the target has dot products of four signed bytes."""
        return self.architecture == "aarch64" and (
            "+dotprod" in self.features or self.cpu in _WITH_DOTPROD
        )

    @property
    def multiplies_words(self) -> bool:
        """True if the target has dot products of two 16-bit numbers at full vector width."""
        if self.architecture == "wasm32":
            return "+simd128" in self.features
        if self.architecture != "x86_64":
            return False
        level = {16: "", 32: "+avx2", 64: "+avx512bw"}[self.vector_bytes]
        return level in self.features or self.cpu in _FEATURES

    @property
    def converts_halves(self) -> bool:
        """True if LLVM's code for float16 calls no library function."""
        return self.architecture != "x86_64" or "+f16c" in self.features or self.cpu in _WITH_F16C

    @property
    def converts_bfloats(self) -> bool:
        """True if LLVM's code for bfloat16 calls no library function."""
        return self.architecture != "x86_64" or "+avx512bf16" in self.features

    @property
    def fuses(self) -> bool:
        """True if multiply-add is one instruction that rounds once."""
        if self.architecture == "x86_64":
            return "+fma" in self.features or self.cpu in _WITH_FMA
        return self.architecture != "wasm32"

    @property
    def adds_products(self) -> bool:
        """True if one instruction multiplies and adds, rounding once or twice."""
        return self.fuses or "+relaxed-simd" in self.features

    @property
    def saturates(self) -> bool:
        """True if a conversion to integers checks for numbers that are too large, which takes several instructions."""
        return self.architecture == "wasm32"

    @property
    def loads_first(self) -> bool:
        """True if another compiler follows LLVM and moves all loads of a basic block to its start."""
        return self.architecture == "wasm32"

    @property
    def rounds(self) -> bool:
        """True if rounding to whole numbers is an instruction."""
        return not self.architecture.startswith(("armv7", "thumb"))

    @property
    def is_microcontroller(self) -> bool:
        """True if the target has no vectors, so that LLVM splits them, and little memory for code."""
        return self.architecture.startswith("thumb")

    def lanes(self, element: str) -> int:
        """Return the number of elements in one register."""
        return self.vector_bytes // SIZE[element]

    def vector(self, element: str) -> str:
        """The vector type that fills one register."""
        return vec(element, self.lanes(element))

    @forks.cached_property
    def attributes(self) -> str:
        """The attribute group #0 that every function has."""
        short = "minsize optsize " if self.is_microcontroller else ""
        return (
            f'attributes #0 = {{ nounwind {short}"target-cpu"="{self.cpu}" "target-features"="{self.features}" '
            f'"prefer-vector-width"="{8 * self.vector_bytes}" "no-trapping-math"="true" }}'
        )

    @forks.cached_property
    def identity(self) -> str:
        """Everything that compiled code depends on besides its text."""
        checked = " checked" if self.checked else ""
        # Cores and caches are not part of it: they shape code only through its text.
        return f"{self.triple} {self.cpu} {self.features}{checked}"


@functools.cache
def host() -> Target:
    """The CPU that this process runs on, or the older one that PENSTOCK_CPU names; the level of it that packs have code for, without LLVM."""
    if flags.cpu or not has_compiler():
        target = level(_checked_level(flags.cpu) if flags.cpu else _best_level())
        triple = llvm.binding().get_process_triple() if has_compiler() else target.triple
    else:
        # It links native code, whose modules know targets.
        from .process.processor import identity

        has_matrices, processor = allow_matrix_registers(), identity()
        facts = None if processor is None else (processor, has_matrices)
        described = recorded("processor", facts, functools.partial(_by_llvm, has_matrices))
        target = Target(*described)
        triple = target.triple
    return dataclasses.replace(
        target,
        triple=triple,
        cores=usable_cores(),
        l1=_cache_size(1) or 32 << 10,
        l2=_cache_size(2) or 512 << 10,
        sum_threads=_sum_threads(),
    )


def _by_llvm(has_matrices: bool) -> list[Any]:
    """Triple, name and features of the processor, bytes and number of vector registers, as LLVM describes it."""
    llvm.initialize()
    known = llvm.binding().get_host_cpu_features()
    if not has_matrices:
        known = type(known)({x: has and not x.startswith("amx-") for x, has in known.items()})
    triple, cpu = llvm.binding().get_process_triple(), llvm.binding().get_host_cpu_name()
    return [triple, cpu, known.flatten(), *_vectors(platform.machine(), known)]


# The processors that packs have code for: triple, features, bytes and number of vector registers.
_LEVELS = {
    "x86-64-v2": ("x86_64-unknown-linux-gnu", "", 16, 16),
    "x86-64-v3": ("x86_64-unknown-linux-gnu", "", 32, 16),
    "x86-64-v4": ("x86_64-unknown-linux-gnu", "", 64, 32),
    "aarch64": ("aarch64-unknown-linux-gnu", "+neon,+crc", 16, 32),
}
LEVELS = tuple(_LEVELS)
# What each level of x86-64 adds, as Linux names it.
_FEATURES = {
    "x86-64-v2": "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3",
    "x86-64-v3": "abm avx avx2 bmi1 bmi2 f16c fma movbe",
    "x86-64-v4": "avx512f avx512bw avx512cd avx512dq avx512vl",
}
_WITH_DOTPROD = (
    "cortex-a55", "cortex-a75", "cortex-a76", "cortex-a77", "cortex-a78", "cortex-x1", "neoverse-n1",
    "neoverse-n2", "neoverse-v1", "neoverse-v2", "apple-m1", "apple-m2", "apple-m3", "apple-m4",
)  # fmt: skip
_WITH_F16C = _WITH_FMA = ("x86-64-v3", "x86-64-v4")  # of those
X86_LEVELS = tuple(_FEATURES)
_X86 = ("x86_64", "amd64")


def level(name: str) -> Target:
    """The target of one of LEVELS: code for it runs on each Linux machine whose processor has the level."""
    triple, features, vector_bytes, registers = _LEVELS[name]
    cpu = name if name in _FEATURES else "generic"
    return Target(triple, cpu, features, vector_bytes, registers)


def levels_of_host() -> tuple[str, ...]:
    """The names of LEVELS that this process can run, the best first; with PENSTOCK_CPU, that one and lesser ones."""
    if sys.platform != "linux":
        return ()
    machine = platform.machine().lower()
    has, levels = _features_of_linux(), list[str]()
    if machine in ("aarch64", "arm64"):
        return ("aarch64",) if {"asimd", "crc32"} <= has else ()
    if machine not in _X86:
        return ()
    for name, features in _FEATURES.items():
        if not set(features.split()) <= has:
            break
        levels.append(name)
        if name == flags.cpu:
            break
    return tuple(reversed(levels))


@functools.cache
def _features_of_linux() -> frozenset[str]:
    """The features of the processor that the system reports."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    flags_of_core = next((x for x in lines if x.startswith(("flags", "Features"))), "")
    return frozenset(flags_of_core.partition(":")[2].split())


def _best_level() -> str:
    levels = levels_of_host()
    if not levels:
        raise errors.UnimplementedError(
            None,
            None,
            "Without LLVM, native code runs on Linux, on aarch64 and x86-64-v2 or later. This is "
            f"{sys.platform} on {platform.machine()}: install llvmlite ({llvm.INSTALL}).",
        )
    return levels[0]


def _checked_level(cpu: str) -> str:
    """The processor level that PENSTOCK_CPU names."""
    if cpu not in _FEATURES or platform.machine().lower() not in _X86:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"PENSTOCK_CPU: expected one of {', '.join(_FEATURES)}, on x86-64. Received {cpu!r}.",
        )
    return cpu


def _sum_threads() -> int:
    """The number of threads for which sums are divided: it depends on the machine, not on the pool, and is the same up to 8 cores.

    So results have the same bits with one thread as with all.
    """
    return max(2, (1 << ((os.cpu_count() or 1) - 1).bit_length()) // 4)


def _vectors(machine: str, features: dict[str, bool]) -> tuple[int, int]:
    """(bytes, number) of the vector registers."""
    if machine.lower() in _X86:
        # AVX-512 without byte and short-vector instructions is used as AVX.
        if features.get("avx512f") and features.get("avx512vl") and features.get("avx512bw"):
            return 64, 32
        return (32, 16) if features.get("avx") else (16, 16)
    return 16, 32  # NEON, RISC-V's V at its least width, and others


def usable_cores() -> int:
    """The number of cores this process may use, by CPU affinity and cgroup quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        count = os.cpu_count() or 1
    quota = _cgroup_quota()
    return max(1, min(count, math.ceil(quota)) if quota else count)


def _cgroup_quota() -> float | None:
    """The cgroup's CPU quota in cores (cgroup v2 or v1); None without a limit."""
    try:
        group = next(
            (line.split(":", 2)[2].strip() for line in Path("/proc/self/cgroup").read_text().splitlines()
             if line.startswith("0::")), "/"
        )  # fmt: skip
    except OSError:
        return None
    limits = []
    root = Path("/sys/fs/cgroup")
    folder = root / group.lstrip("/")
    for place in (folder, *folder.parents):
        if root not in (place, *place.parents):
            break
        limits.append(_quota_of(place / "cpu.max"))
    limits.append(_quota_v1(root / "cpu"))
    known = [x for x in limits if x]
    return min(known) if known else None


def _quota_of(path: Path) -> float | None:
    try:
        quota, period = path.read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return quota / period if quota > 0 else None


def _cache_size(level: int) -> int | None:
    """Bytes of a core's data cache at `level`, as reported by Linux."""
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            kind = (index / "type").read_text().strip()
            if kind in ("Data", "Unified") and int((index / "level").read_text()) == level:
                text = (index / "size").read_text().strip()
                return int(text[:-1]) * {"K": 1 << 10, "M": 1 << 20}[text[-1]]
        except (OSError, ValueError, KeyError):
            continue
    return None
