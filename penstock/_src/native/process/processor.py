"""The identity of this processor: all by which LLVM distinguishes processors.

On x86-64 these are the answers of the instruction `cpuid`, which native code asks, and the registers that the system saves; on aarch64 what Linux reports in
/proc/cpuinfo. Equal identities have equal features, whatever machine they are on.
"""

import ctypes
import hashlib
import platform
import sys
from pathlib import Path

from ..cache import ObjectCache
from ..llvm import binding, initialize
from ..loading.elf import ElfImage, link

_EXPORTS = ("penstock_cpuid", "penstock_saved_registers")
_TEXT = """
define void @penstock_cpuid(i32 %leaf, i32 %part, ptr %out) nounwind {
  %r = call { i32, i32, i32, i32 } asm sideeffect "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx}"(i32 %leaf, i32 %part)
  store { i32, i32, i32, i32 } %r, ptr %out
  ret void
}
define i64 @penstock_saved_registers() nounwind {
  %r = call { i32, i32 } asm sideeffect "xgetbv", "={ax},={dx},{cx}"(i32 0)
  %low = extractvalue { i32, i32 } %r, 0
  %high = extractvalue { i32, i32 } %r, 1
  %low64 = zext i32 %low to i64
  %high64 = zext i32 %high to i64
  %shifted = shl i64 %high64, 32
  %all = or i64 %low64, %shifted
  ret i64 %all
}
"""
# Leaves of cpuid that describe features, with their parts; those that describe caches, or the core that asks, are left out.
_LEAVES = (
    (0, 0), (1, 0), (7, 0), (7, 1), (7, 2), (0xD, 0), (0xD, 1), (0x14, 0), (0x19, 0), (0x1E, 0), (0x1E, 1), (0x24, 0), (0x24, 1), (0x29, 0),
    (0x80000000, 0), (0x80000001, 0), (0x80000007, 0), (0x80000008, 0), (0x80000021, 0),
)  # fmt: skip
_SAVES = 1 << 27  # of the third register of leaf 1: the system saves registers, and says which
_BRAND = 0xFF  # of the second register of leaf 1: the rest is of the core that asks


def identity() -> str | None:
    """A text that is equal for equal processors; None on systems where it takes LLVM to find out."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32:
        return None
    machine = platform.machine().lower()
    if machine in ("aarch64", "arm64"):
        return _of_aarch64()
    return _of_x86() if machine in ("x86_64", "amd64") else None


def _of_aarch64() -> str | None:
    try:
        content = Path("/proc/cpuinfo").read_bytes()
    except OSError:
        return None
    return hashlib.sha256(content).hexdigest()


def _of_x86() -> str:
    linked = _linked()
    ask = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32))(
        linked.addresses["penstock_cpuid"]
    )
    answers: dict[tuple[int, int], list[int]] = {}
    for leaf, part in _LEAVES:
        most = answers.get((leaf & 0x80000000, 0), [leaf])[0]
        if leaf <= most:
            registers = (ctypes.c_uint32 * 4)()
            ask(leaf, part, registers)
            answers[leaf, part] = list(registers)
    features = answers[1, 0]
    features[1] &= _BRAND
    saved = 0
    if features[2] & _SAVES:
        saved = ctypes.CFUNCTYPE(ctypes.c_uint64)(linked.addresses["penstock_saved_registers"])()
    return hashlib.sha256(repr((answers, saved)).encode()).hexdigest()


def _linked() -> ElfImage:
    cache = ObjectCache.from_flags()
    key = hashlib.sha256(_TEXT.encode()).hexdigest()[:40] + "-cpuid"
    code = cache.read(key)
    if code is None:
        code = _compiled()
        cache.write(key, code)
    return link(code, _EXPORTS, {})


def _compiled() -> bytes:
    """The code for any processor: which one it is comes out of it."""
    initialize()
    llvm = binding()
    target = llvm.Target.from_triple("x86_64-unknown-linux-gnu")
    machine = target.create_target_machine(cpu="x86-64", reloc="pic", codemodel="small")
    code: bytes = machine.emit_object(llvm.parse_assembly(_TEXT, llvm.create_context()))
    return code
