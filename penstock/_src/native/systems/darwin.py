"""macOS: threads wait for one another by the calls that its C++ library uses for std::atomic's wait."""

from . import posix

_COMPARE_AND_WAIT, _WAKE_ALL = 1, 0x100
_CLOCK_UPTIME_RAW = 8


def text(architecture: str) -> str:
    """IR text of the interface, the same on every processor."""
    return f"""
{posix.text(_CLOCK_UPTIME_RAW, "i64", "malloc_size")}
declare i32 @__ulock_wait(i32, ptr, i64, i32)
declare i32 @__ulock_wake(i32, ptr, i64)
define internal void @os_wait(ptr %word, i32 %seen) #0 {{
  %wide = zext i32 %seen to i64
  %r = call i32 @__ulock_wait(i32 {_COMPARE_AND_WAIT}, ptr %word, i64 %wide, i32 0)
  ret void
}}
define internal void @os_wake(ptr %word) #0 {{
  %r = call i32 @__ulock_wake(i32 {_COMPARE_AND_WAIT | _WAKE_ALL}, ptr %word, i64 0)
  ret void
}}
"""
