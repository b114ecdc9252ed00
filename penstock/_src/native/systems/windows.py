"""Windows 8 or later."""

import ctypes

_SIGINT = 2
_IGNORE = 1
_INFINITE = -1
_BLOCK_UNKNOWN = -1  # result of HeapSize for an address that is not a block

_TEXT = f"""
declare ptr @CreateThread(ptr, i64, ptr, ptr, i32, ptr)
declare i32 @CloseHandle(ptr)
declare i32 @GetCurrentThreadId()
declare i32 @SwitchToThread()
declare i32 @WaitOnAddress(ptr, ptr, i64, i32)
declare void @WakeByAddressAll(ptr)
declare i32 @QueryPerformanceCounter(ptr)
declare i32 @QueryPerformanceFrequency(ptr)
declare i32 @TlsAlloc()
declare i32 @TlsSetValue(i32, ptr)
declare ptr @TlsGetValue(i32)
declare ptr @GetProcessHeap()
declare i64 @HeapSize(ptr, i32, ptr)
declare ptr @signal(i32, ptr)

define internal i32 @os_start(ptr %fn, ptr %arg) #0 {{
entry:
  %thread = call ptr @CreateThread(ptr null, i64 0, ptr %fn, ptr %arg, i32 0, ptr null)
  %bad = icmp eq ptr %thread, null
  br i1 %bad, label %failed, label %made
made:
  %c = call i32 @CloseHandle(ptr %thread)
  ret i32 0
failed:
  ret i32 1
}}
define internal i64 @os_thread() #0 {{
  %number = call i32 @GetCurrentThreadId()
  %self = zext i32 %number to i64
  ret i64 %self
}}
define internal void @os_wait(ptr %word, i32 %seen) #0 {{
  %slot = alloca i32
  store i32 %seen, ptr %slot
  %r = call i32 @WaitOnAddress(ptr %word, ptr %slot, i64 4, i32 {_INFINITE})
  ret void
}}
define internal void @os_wake(ptr %word) #0 {{
  call void @WakeByAddressAll(ptr %word)
  ret void
}}
define internal void @os_yield() #0 {{
  %r = call i32 @SwitchToThread()
  ret void
}}
define internal i64 @os_nanoseconds() #0 {{
  %slot = alloca i64
  %r = call i32 @QueryPerformanceFrequency(ptr %slot)
  %frequency = load i64, ptr %slot
  %q = call i32 @QueryPerformanceCounter(ptr %slot)
  %ticks = load i64, ptr %slot
  %seconds = udiv i64 %ticks, %frequency
  %rest = urem i64 %ticks, %frequency
  %whole = mul i64 %seconds, 1000000000
  %rest.ns = mul i64 %rest, 1000000000
  %fraction = udiv i64 %rest.ns, %frequency
  %all = add i64 %whole, %fraction
  ret i64 %all
}}
define internal void @os_note(ptr %key, ptr %value) #0 {{       ; the caller lets one thread at a time make the key
entry:
  %known = load atomic i32, ptr %key acquire, align 4
  %new = icmp eq i32 %known, 0
  br i1 %new, label %make, label %keep
make:
  %made.key = call i32 @TlsAlloc()
  %up = add i32 %made.key, 1                              ; 0 is a key, too; none left: -1
  %bad = icmp eq i32 %up, 0
  br i1 %bad, label %out, label %made
made:
  store atomic i32 %up, ptr %key release, align 4
  br label %keep
keep:
  %number = phi i32 [ %known, %entry ], [ %up, %made ]
  %own = sub i32 %number, 1
  %r = call i32 @TlsSetValue(i32 %own, ptr %value)
  br label %out
out:
  ret void
}}
define internal ptr @os_noted(ptr %key) #0 {{
entry:
  %known = load atomic i32, ptr %key acquire, align 4
  %none = icmp eq i32 %known, 0
  br i1 %none, label %nothing, label %ask
ask:
  %own = sub i32 %known, 1
  %value = call ptr @TlsGetValue(i32 %own)
  ret ptr %value
nothing:
  ret ptr null
}}
define internal i64 @os_block(ptr %p) #0 {{                     ; the C library's malloc takes blocks from the process's heap
entry:
  %none = icmp eq ptr %p, null
  br i1 %none, label %nothing, label %ask
ask:
  %heap = call ptr @GetProcessHeap()
  %bytes = call i64 @HeapSize(ptr %heap, i32 0, ptr %p)
  %unknown = icmp eq i64 %bytes, {_BLOCK_UNKNOWN}
  %known = select i1 %unknown, i64 0, i64 %bytes
  ret i64 %known
nothing:
  ret i64 0
}}
define internal ptr @os_handler() #0 {{                        ; there is no call that only asks
  %handler = call ptr @signal(i32 {_SIGINT}, ptr inttoptr (i64 {_IGNORE} to ptr))
  %ignored = call ptr @signal(i32 {_SIGINT}, ptr %handler)
  ret ptr %handler
}}
define internal void @os_handle(ptr %fn) #0 {{
  %before = call ptr @signal(i32 {_SIGINT}, ptr %fn)
  ret void
}}
define internal void @os_handled(ptr %fn) #0 {{                 ; a handler is called once
  %before = call ptr @signal(i32 {_SIGINT}, ptr %fn)
  ret void
}}
"""
_FROM = {
    "kernelbase": ("WaitOnAddress", "WakeByAddressAll"),
    "ucrtbase": ("signal",),  # Python's C library: others have handlers of their own
    "ntdll": ("__chkstk",),  # called by functions with large frames
}
_FLOATS = ctypes.c_int(1)  # `_fltused`: code with floating point references it, but never reads it


def text(architecture: str) -> str:
    """IR text of the interface, the same on every processor."""
    return _TEXT


def symbols() -> dict[str, int]:
    """Addresses of symbols that several libraries of a process define, or that it does not link."""
    addresses = {"_fltused": ctypes.addressof(_FLOATS)}
    for library, names in _FROM.items():
        handle = ctypes.CDLL(library)
        for name in names:
            addresses[name] = ctypes.cast(getattr(handle, name), ctypes.c_void_p).value or 0
    return addresses
