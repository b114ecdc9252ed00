"""Common parts of Linux and macOS."""

from ..language.types import SIZE

_SIGINT = 2
_STRUCT = 512  # larger than any system's struct sigaction, whose first word is the handler

_TEXT = """
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i64 @pthread_self()
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)
declare i32 @pthread_key_create(ptr, ptr)
declare i32 @pthread_setspecific(KEY, ptr)
declare ptr @pthread_getspecific(KEY)
declare i32 @sigaction(i32, ptr, ptr)
declare i64 @BLOCK(ptr)

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
define internal i64 @os_thread() #0 {
  %self = call i64 @pthread_self()
  ret i64 %self
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
  %slot = alloca KEY
  %known = load atomic KEY, ptr %key acquire, align ALIGN
  %new = icmp eq KEY %known, 0
  br i1 %new, label %make, label %keep
make:
  %failed = call i32 @pthread_key_create(ptr %slot, ptr null)
  %bad = icmp ne i32 %failed, 0
  br i1 %bad, label %out, label %made
made:
  %made.key = load KEY, ptr %slot
  %up = add KEY %made.key, 1                              ; 0 is a key, too
  store atomic KEY %up, ptr %key release, align ALIGN
  br label %keep
keep:
  %number = phi KEY [ %known, %entry ], [ %up, %made ]
  %own = sub KEY %number, 1
  %r = call i32 @pthread_setspecific(KEY %own, ptr %value)
  br label %out
out:
  ret void
}
define internal ptr @os_noted(ptr %key) #0 {
entry:
  %known = load atomic KEY, ptr %key acquire, align ALIGN
  %none = icmp eq KEY %known, 0
  br i1 %none, label %nothing, label %ask
ask:
  %own = sub KEY %known, 1
  %value = call ptr @pthread_getspecific(KEY %own)
  ret ptr %value
nothing:
  ret ptr null
}
define internal i64 @os_block(ptr %p) #0 {
  %bytes = call i64 @BLOCK(ptr %p)
  ret i64 %bytes
}
define internal ptr @os_handler() #0 {
  %action = alloca [STRUCT x i8], align 16
  %r = call i32 @sigaction(i32 SIGINT, ptr null, ptr %action)
  %handler = load ptr, ptr %action
  ret ptr %handler
}
define internal void @os_handle(ptr %fn) #0 {                   ; its flags and mask stay
  %action = alloca [STRUCT x i8], align 16
  %r = call i32 @sigaction(i32 SIGINT, ptr null, ptr %action)
  store ptr %fn, ptr %action
  %s = call i32 @sigaction(i32 SIGINT, ptr %action, ptr null)
  ret void
}
define internal void @os_handled(ptr %fn) #0 { ret void }
"""


def text(clock: int, key: str, block: str) -> str:
    """IR text of the calls that are POSIX's.

    Args:
      clock: the number of the clock.
      key: the type of a pthread_key_t.
      block: the function that gives the size of a block of malloc's.
    """
    words = {
        "KEY": key,
        "ALIGN": SIZE[key],
        "BLOCK": block,
        "CLOCK": clock,
        "STRUCT": _STRUCT,
        "SIGINT": _SIGINT,
    }
    result = _TEXT
    for word, value in words.items():
        result = result.replace(word, str(value))
    return result
