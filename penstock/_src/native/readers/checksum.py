"""CRC-32C by the CPU's own instruction, as a Python builtin."""

import ctypes
import functools
from collections.abc import Callable

from penstock._src.util.files import crc32c

from .. import python_calls as py
from ..code import ModuleCode
from ..kernels import kernels
from ..language.module import Module
from ..language.types import I64, PTR
from ..target import X86_LEVELS, Target, host, levels_of_host

# Adds eight bytes, or one byte, to a running checksum.
_X86 = """
declare i64 @llvm.x86.sse42.crc32.64.64(i64, i64)
declare i32 @llvm.x86.sse42.crc32.32.8(i32, i8)
define internal i64 @crc_word(i64 %sum, i64 %word) #0 {
  %next = call i64 @llvm.x86.sse42.crc32.64.64(i64 %sum, i64 %word)
  ret i64 %next
}
define internal i64 @crc_byte(i64 %sum, i8 %byte) #0 {
  %low = trunc i64 %sum to i32
  %next = call i32 @llvm.x86.sse42.crc32.32.8(i32 %low, i8 %byte)
  %wide = zext i32 %next to i64
  ret i64 %wide
}
"""
_ARM = """
declare i32 @llvm.aarch64.crc32cx(i32, i64)
declare i32 @llvm.aarch64.crc32cb(i32, i32)
define internal i64 @crc_word(i64 %sum, i64 %word) #0 {
  %low = trunc i64 %sum to i32
  %next = call i32 @llvm.aarch64.crc32cx(i32 %low, i64 %word)
  %wide = zext i32 %next to i64
  ret i64 %wide
}
define internal i64 @crc_byte(i64 %sum, i8 %byte) #0 {
  %low = trunc i64 %sum to i32
  %value = zext i8 %byte to i32
  %next = call i32 @llvm.aarch64.crc32cb(i32 %low, i32 %value)
  %wide = zext i32 %next to i64
  ret i64 %wide
}
"""
_INSTRUCTIONS = {"x86_64": ("+sse4.2", _X86), "aarch64": ("+crc", _ARM)}

_ALL_ONES = 0xFFFFFFFF


@functools.cache
def native_crc32c() -> Callable[[bytes, int], int] | None:
    """Returns a builtin (bytes, previous checksum) -> checksum; None if the CPU lacks the instruction."""
    if not is_native_here():
        return None
    library = kernels()[ModuleCode(_write, (), kernels().cache)]
    _libraries.append(library)
    crc32c.use_native_at(_AT(library["crc32c"]))
    return py.builtin(library["py_crc32c"], "crc32c")


def _write(m: Module) -> None:
    emit(m)
    _emit_entry(m)


# (address, bytes, previous checksum) -> checksum, without the interpreter's lock
_AT = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_libraries: list = []  # kept alive: the builtin holds its address


@functools.cache
def is_native_here() -> bool:
    """True if the CPU of this process has the instruction, as all do that packs have code for."""
    return bool(levels_of_host()) or is_native(host())


def is_native(target: Target) -> bool:
    """True if the target has an instruction for the checksum."""
    feature, _ = _INSTRUCTIONS.get(target.architecture, ("", ""))
    has_it = feature in target.features.split(",") or target.cpu in X86_LEVELS
    return bool(feature) and has_it


def emit(m: Module) -> None:
    """Adds `crc32c` to a module: (data, count, previous checksum) -> checksum."""
    m.raw(_INSTRUCTIONS[m.target.architecture][1])
    m.names.update(("crc_word", "crc_byte"))
    _emit_sum(m)


def _emit_sum(m: Module) -> None:
    with m.fn("crc32c", ret=I64, data=PTR, count=I64, before=I64) as f:
        words = f.count >> 3

        def word(i, total):
            return (f.call("crc_word", total, f.load(f.data, i, I64), ret=I64),)

        def byte(i, total):
            return (f.call("crc_byte", total, f.load(f.data, i, "i8"), ret=I64),)

        # The register begins and ends inverted: undoing the last inversion goes on with a sum.
        (total,) = f.loop(f.i64(0), words, 1, word, f.before ^ _ALL_ONES)
        (total,) = f.loop(words << 3, f.count, 1, byte, total)
        f.give(total ^ _ALL_ONES)


def _emit_entry(m: Module) -> None:
    with m.fn("py_crc32c", ret=PTR, me=PTR, argv=PTR, nargs=I64) as f:
        f.branch(f.nargs.eq(2), "right", "wrong")
        f.start("wrong")
        py.give_type_error(f, "crc32c: expected bytes and an int")
        f.start("right")
        text = f.load(f.argv, 0, PTR)
        data = f.call("PyBytes_AsString", text, ret=PTR)
        count = f.call("PyBytes_Size", text, ret=I64)
        before = py.integer(f, f.load(f.argv, 1, PTR))
        error = f.call("PyErr_Occurred", ret=PTR)
        f.branch(f.is_null(error), "good", "bad")
        f.start("bad")
        f.give(f.const(0, PTR))
        f.start("good")
        py.give(f, f.call("crc32c", data, count, before, ret=I64))
