"""The operating system calls that native code needs: one row per system.

Each row is IR text that defines
    os_start(fn, arg) -> i32     runs fn(arg) on a new thread; not 0: it could not be started
    os_wait(word, seen)          sleeps while *word == seen (spurious wake-ups are allowed)
    os_wake(word)                wakes all threads that sleep on the word
    os_yield()                   yields the core to another thread
    os_nanoseconds() -> i64      a monotonic clock
    os_note(key, value)          keeps a pointer for this thread, null on other threads, under the key in the word at `key`,
                                 which is 0 until the first note
    os_noted(key) -> ptr         that pointer
and cpu_pause(), a hint to the core in a spinning loop.  A new system is a new row, and nothing else.
"""

from penstock._src.core import errors

from .target import Target

_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98}  # number of the system call
_WAIT_PRIVATE, _WAKE_PRIVATE = 128, 129

_PAUSE = {
    "x86_64": "declare void @llvm.x86.sse2.pause()\n"
    "define internal void @cpu_pause() #0 { call void @llvm.x86.sse2.pause() ret void }",
    "aarch64": "declare void @llvm.aarch64.hint(i32)\n"
    "define internal void @cpu_pause() #0 { call void @llvm.aarch64.hint(i32 1) ret void }",
}
_NO_PAUSE = "define internal void @cpu_pause() #0 { ret void }"

_POSIX = """
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)
declare i32 @pthread_key_create(ptr, ptr)
declare i32 @pthread_setspecific(i32, ptr)
declare ptr @pthread_getspecific(i32)

define internal i32 @os_start(ptr %fn, ptr %arg) #0 {
entry:
  %slot = alloca i64
  %failed = call i32 @pthread_create(ptr %slot, ptr null, ptr %fn, ptr %arg)
  %bad = icmp ne i32 %failed, 0
  br i1 %bad, label %out, label %made
made:
  %thread = load i64, ptr %slot
  %d = call i32 @pthread_detach(i64 %thread)
  br label %out
out:
  ret i32 %failed
}
define internal void @os_yield() #0 {
  %r = call i32 @sched_yield()
  ret void
}
define internal i64 @os_nanoseconds() #0 {
  %time = alloca [2 x i64]
  %r = call i32 @clock_gettime(i32 CLOCK, ptr %time)
  %fraction = getelementptr i64, ptr %time, i64 1
  %s = load i64, ptr %time
  %ns = load i64, ptr %fraction
  %whole = mul i64 %s, 1000000000
  %all = add i64 %whole, %ns
  ret i64 %all
}
define internal void @os_note(ptr %key, ptr %value) #0 {        ; the caller lets one thread at a time make the key
entry:
  %slot = alloca i32
  %known = load atomic i32, ptr %key acquire, align 4
  %new = icmp eq i32 %known, 0
  br i1 %new, label %make, label %keep
make:
  %failed = call i32 @pthread_key_create(ptr %slot, ptr null)
  %bad = icmp ne i32 %failed, 0
  br i1 %bad, label %out, label %made
made:
  %made.key = load i32, ptr %slot
  %up = add i32 %made.key, 1                              ; 0 is a key, too
  store atomic i32 %up, ptr %key release, align 4
  br label %keep
keep:
  %number = phi i32 [ %known, %entry ], [ %up, %made ]
  %own = sub i32 %number, 1
  %r = call i32 @pthread_setspecific(i32 %own, ptr %value)
  br label %out
out:
  ret void
}
define internal ptr @os_noted(ptr %key) #0 {
entry:
  %known = load atomic i32, ptr %key acquire, align 4
  %none = icmp eq i32 %known, 0
  br i1 %none, label %nothing, label %ask
ask:
  %own = sub i32 %known, 1
  %value = call ptr @pthread_getspecific(i32 %own)
  ret ptr %value
nothing:
  ret ptr null
}
"""


def _linux(architecture: str) -> str:
    if architecture not in _FUTEX:
        raise errors.UnimplementedError(
            f"Thread pool: no futex number for this architecture. Received {architecture!r}."
        )
    futex = _FUTEX[architecture]
    return f"""
{_POSIX.replace("CLOCK", "1")}
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


_ROWS = {"linux": _linux}


def is_supported(target: Target) -> bool:
    """Whether there is a row for a system."""
    return target.system in _ROWS


def system_calls(target: Target) -> str:
    """IR text of the row for `target`."""
    if target.system not in _ROWS:
        raise errors.UnimplementedError(
            f"Thread pool: known for {sorted(_ROWS)}. Received {target.system!r}."
        )
    return _ROWS[target.system](target.architecture) + _PAUSE.get(target.architecture, _NO_PAUSE)
