"""Linux: threads wait for one another by futexes."""

from penstock._src.core import errors

from . import posix

_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98}  # number of the system call
_WAIT_PRIVATE, _WAKE_PRIVATE = 128, 129
_CLOCK_MONOTONIC = 1


def text(architecture: str) -> str:
    """IR text of the interface."""
    if architecture not in _FUTEX:
        raise errors.UnimplementedError(
            f"Thread pool: the futex system call's number is not known for {architecture!r}."
        )
    futex = _FUTEX[architecture]
    return f"""
{posix.text(_CLOCK_MONOTONIC, "i32", "malloc_usable_size")}
declare i64 @syscall(i64, ...)
define internal void @os_wait(ptr %word, i32 %seen) #0 {{
  %r = call i64 (i64, ...) @syscall(i64 {futex}, ptr %word, i64 {_WAIT_PRIVATE}, i32 %seen, ptr null)
  ret void
}}
define internal void @os_wake(ptr %word) #0 {{
  %r = call i64 (i64, ...) @syscall(i64 {futex}, ptr %word, i64 {_WAKE_PRIVATE}, i32 2147483647)
  ret void
}}
"""
