"""Permission to use the matrix registers of x86-64 (AMX), which Linux gives to a process that asks for it.

Their 8 KB are part of what is saved when a thread is interrupted, so the system refuses if a thread has an alternate signal
stack that is too small for them. Threads and forked processes have the permission of their process.
See the Linux kernel's Documentation/arch/x86/xstate.rst.
"""

import ctypes
import platform
import sys

_ARCH_PRCTL = 158  # number of the system call
_ARCH_REQ_XCOMP_PERM = 0x1023
_TILE_DATA = 18  # the component of the processor's state


def allow_matrix_registers() -> bool:
    """Asks for permission; returns True if this process may use them."""
    if sys.platform != "linux" or platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    if sys.maxsize < 1 << 32:
        return False
    system_call = ctypes.CDLL(None).syscall
    system_call.restype = ctypes.c_long
    return system_call(*map(ctypes.c_long, (_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _TILE_DATA))) == 0
