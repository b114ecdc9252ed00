"""Denormal numbers are zeros in computations, as in TensorFlow: numbers below 2^-126 in float32 and bfloat16, below 2^-1022 in float64.

A program sets the processor's mode while it runs, and `call_flushing(function, *arguments)`, a builtin, while Python's kernels do.

Processors take a hundred cycles for an operation on one. Weights that get no more gradients arrive there after some thousand steps of an
optimizer, and stay. float16 is computed in float32, so its denormal numbers are kept. Copies keep all numbers.
Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 10.2.3; Arm Architecture Reference Manual, FPCR.
"""

from ..target import Target

_FLUSH_AND_TAKE_FOR_ZERO = 0x8040  # of MXCSR
_FLUSH = 1 << 24  # of FPCR

EXPORTS = ("penstock_denormals_flush", "penstock_denormals_restore", "py_call_flushing")

_X86 = f"""
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define i64 @penstock_denormals_flush() #0 {{                ; the calling thread's mode before, for restore
  %word = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %word)
  %old = load i32, ptr %word
  %new = or i32 %old, {_FLUSH_AND_TAKE_FOR_ZERO}
  store i32 %new, ptr %word
  call void @llvm.x86.sse.ldmxcsr(ptr %word)
  %mode = zext i32 %old to i64
  ret i64 %mode
}}
define void @penstock_denormals_restore(i64 %mode) #0 {{
  %word = alloca i32
  %old = trunc i64 %mode to i32
  store i32 %old, ptr %word
  call void @llvm.x86.sse.ldmxcsr(ptr %word)
  ret void
}}
"""
_AARCH64 = f"""
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)
define i64 @penstock_denormals_flush() #0 {{
  %old = call i64 @llvm.aarch64.get.fpcr()
  %new = or i64 %old, {_FLUSH}
  call void @llvm.aarch64.set.fpcr(i64 %new)
  ret i64 %old
}}
define void @penstock_denormals_restore(i64 %mode) #0 {{
  call void @llvm.aarch64.set.fpcr(i64 %mode)
  ret void
}}
"""
# A function of CPython's vectorcall protocol: an error's null is returned as a result is.
_CALL = """
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
define ptr @py_call_flushing(ptr %me, ptr %objects, i64 %count) #0 {
  %function = load ptr, ptr %objects
  %arguments = getelementptr ptr, ptr %objects, i64 1
  %number = sub i64 %count, 1
  %mode = call i64 @penstock_denormals_flush()
  %result = call ptr @PyObject_Vectorcall(ptr %function, ptr %arguments, i64 %number, ptr null)
  call void @penstock_denormals_restore(i64 %mode)
  ret ptr %result
}
"""
# The same functions where the mode stays as it is.
KEPT = """
define i64 @penstock_denormals_flush() #0 {
  ret i64 0
}
define void @penstock_denormals_restore(i64 %mode) #0 {
  ret void
}
"""


def text(target: Target) -> str:
    """IR text of the functions that set the calling thread's mode, restore it, and call a Python function between."""
    return {"x86_64": _X86, "aarch64": _AARCH64}.get(target.architecture, KEPT) + _CALL
