"""A fork-join thread pool written in LLVM IR: no Python, no GIL and no C in the loop.

    penstock_pool_run(fn, ctx, n, limit)    fn(ctx, task, thread) for task in range(n); returns when all are done

`thread` is below `limit`, the number of threads for which the caller has memory. If the pool is larger than that, is busy
with another caller, or the calling thread works alone (`Pool.work_alone`), the tasks run sequentially on the calling thread
as thread 0; the results are the same, because the split into tasks is fixed.

Even-numbered threads take tasks from the front, odd ones from the back. Since kernels split work in memory order, a thread
works on the same part of an array in consecutive jobs and finds it in its own caches.

`ticket` is (job number << 32 | tasks taken from the back << 16 | tasks taken from the front): one fetch-add both takes a task and
identifies its job. If there are more tasks than its fields can count, they run as several jobs. The caller is thread 0 and
waits for tasks, never for workers: a worker without a core and without a task delays nothing. A ticket below n keeps its
job open, so the job's fields are stable while they are read; a ticket past the end may see the next job half written, which
the job number, read before and after, detects. Workers spin on the job number for a while, then sleep on it. They start on
first use, and again in a forked child, which has no workers.
"""

import ctypes
import os
import threading

from penstock._src.core import errors
from penstock._src.util import flags
from penstock._src.util.process import forks

from .cache import ObjectCache
from .code import ModuleCode
from .language.module import Module
from .llvm import initialize
from .llvm.compile import compile_object
from .loading import Library, provide
from .process import array_memory, bounds, denormals, float16_calls, interrupts
from .systems import system_calls
from .target import host, usable_cores

MOST_THREADS = 1024
MOST_TASKS = (
    1 << 15
)  # most tasks of a job: there is room for as many threads that ask in vain before a field of the ticket overflows
SPIN = 10000  # pauses before a worker sleeps, about 100 µs
PATIENCE = 4000  # pauses before the caller yields its core

# Memory order in `post`, `take_tasks` and the join of `penstock_pool_run`:
#
# - The counters of a ticket cannot overflow into each other: they count at most MOST_TASKS tasks, and one vain attempt of each thread.
# - The job's number is 2**32 while `post` writes the fields, which no ticket has (a seqlock). An addition to the old ticket in this time
#   is lost, which is harmless: that job had no task left.
# - The barrier is one counter: each thread adds 1 to FINISHED after a task (release), and the caller waits until it is the number of tasks
#   (acquire), so that it sees everything that tasks have stored. After PATIENCE pauses it yields its core, in case the worker that it
#   waits for has lost its own.
# - A worker counts itself in ASLEEP before it compares the ticket for the last time, and `post` stores the ticket before it reads ASLEEP,
#   both sequentially consistent: at least one of them sees the other's store, so no wake-up is lost.
#
# Byte offsets in the pool's state: fields written by different threads are on separate cache lines.
_TICKET, _FINISHED, _ASLEEP, _JOB, _CONTROL = 0, 128, 256, 384, 512
_JOB_FN, _JOB_CTX, _JOB_N, _JOB_BASE = _JOB + 8, _JOB + 16, _JOB + 24, _JOB + 32
_THREADS, _ALIVE, _QUIT, _KEY, _BUSY = (_CONTROL + at for at in (0, 8, 16, 24, 64))


def _at(offset: int) -> str:
    return f"ptr getelementptr (i8, ptr @penstock_pool, i64 {offset})"


POOL_TEXT = f"""
@penstock_pool = internal global [1024 x i8] zeroinitializer, align 128

define internal void @take_tasks(i64 %tid) #0 {{
entry:
  %odd = trunc i64 %tid to i1
  %one = select i1 %odd, i64 65536, i64 1
  br label %take
take:
  %ticket = atomicrmw add {_at(_TICKET)}, i64 %one seq_cst
  %number = lshr i64 %ticket, 32
  %front = and i64 %ticket, 65535
  %shifted = lshr i64 %ticket, 16
  %back = and i64 %shifted, 65535
  %taken = add i64 %front, %back
  %before = load atomic i64, {_at(_JOB)} acquire, align 8
  %fn = load atomic ptr, {_at(_JOB_FN)} acquire, align 8
  %ctx = load atomic ptr, {_at(_JOB_CTX)} acquire, align 8
  %n = load atomic i64, {_at(_JOB_N)} acquire, align 8
  %base = load atomic i64, {_at(_JOB_BASE)} acquire, align 8
  %after = load atomic i64, {_at(_JOB)} acquire, align 8
  %b = icmp eq i64 %before, %number
  %a = icmp eq i64 %after, %number
  %m = icmp ult i64 %taken, %n
  %ba = and i1 %b, %a
  %mine = and i1 %ba, %m
  br i1 %mine, label %run, label %out
run:
  %owner = icmp eq i64 %tid, 0
  br i1 %owner, label %heed, label %ask
heed:                                                     ; the caller looks for signals, all whether tasks are dropped
  %signalled = call i1 @came()
  br i1 %signalled, label %attend, label %ask
attend:
  %ends = call i1 @abandons()
  br i1 %ends, label %drop, label %ask
drop:
  store atomic i64 1, {interrupts.word(interrupts.STOP)} seq_cst, align 8
  br label %ask
ask:
  %stop = load atomic i64, {interrupts.word(interrupts.STOP)} monotonic, align 8
  %go = icmp eq i64 %stop, 0
  br i1 %go, label %work, label %done
work:
  %last = sub i64 %n, 1
  %behind = sub i64 %last, %back
  %within = select i1 %odd, i64 %behind, i64 %front
  %task = add i64 %base, %within
  call void %fn(ptr %ctx, i64 %task, i64 %tid)
  br label %done
done:
  %d = atomicrmw add {_at(_FINISHED)}, i64 1 release
  br label %take
out:
  ret void
}}

define internal ptr @worker(ptr %arg) #0 {{
entry:
  %start = ptrtoint ptr %arg to i64                       ; job number seen << 32 | thread
  %tid = and i64 %start, 4294967295
  %first = lshr i64 %start, 32
  %first32 = trunc i64 %first to i32
  %mode = call i64 @penstock_denormals_flush()            ; for good: a worker runs tasks alone
  br label %idle
idle:                                                     ; %seen: the last job worked on
  %seen = phi i32 [ %first32, %entry ], [ %job, %work ]
  br label %spin
spin:
  %k = phi i32 [ 0, %idle ], [ %k1, %pause ]
  %e = load atomic i32, {_at(_TICKET + 4)} acquire, align 4
  %new = icmp ne i32 %e, %seen
  br i1 %new, label %woken, label %pause
pause:
  call void @cpu_pause()
  %k1 = add i32 %k, 1
  %tired = icmp sgt i32 %k1, {SPIN}
  br i1 %tired, label %sleep, label %spin
sleep:
  %z = atomicrmw add {_at(_ASLEEP)}, i32 1 seq_cst
  br label %doze
doze:
  call void @os_wait({_at(_TICKET + 4)}, i32 %seen)
  %e2 = load atomic i32, {_at(_TICKET + 4)} seq_cst, align 4
  %still = icmp eq i32 %e2, %seen
  br i1 %still, label %doze, label %awake
awake:
  %y = atomicrmw sub {_at(_ASLEEP)}, i32 1 seq_cst
  br label %woken
woken:
  %job = phi i32 [ %e, %spin ], [ %e2, %awake ]
  %quit = load atomic i64, {_at(_QUIT)} acquire, align 8
  %leave = icmp ne i64 %quit, 0
  br i1 %leave, label %gone, label %work
work:
  call void @take_tasks(i64 %tid)
  br label %idle
gone:
  %g = atomicrmw sub {_at(_ALIVE)}, i64 1 seq_cst
  ret ptr null
}}

define internal void @post(ptr %fn, ptr %ctx, i64 %base, i64 %n) #0 {{     ; a new job; the caller holds the pool
entry:
  %old = load atomic i64, {_at(_JOB)} monotonic, align 8
  %up = add i64 %old, 1
  %number = and i64 %up, 4294967295
  store atomic i64 4294967296, {_at(_JOB)} seq_cst, align 8     ; no ticket has this number
  store atomic ptr %fn, {_at(_JOB_FN)} release, align 8
  store atomic ptr %ctx, {_at(_JOB_CTX)} release, align 8
  store atomic i64 %n, {_at(_JOB_N)} release, align 8
  store atomic i64 %base, {_at(_JOB_BASE)} release, align 8
  store atomic i64 0, {_at(_FINISHED)} release, align 8
  store atomic i64 %number, {_at(_JOB)} seq_cst, align 8
  %first = shl i64 %number, 32
  store atomic i64 %first, {_at(_TICKET)} seq_cst, align 8
  %asleep = load atomic i32, {_at(_ASLEEP)} seq_cst, align 4
  %any = icmp sgt i32 %asleep, 0
  br i1 %any, label %wake, label %out
wake:
  call void @os_wake({_at(_TICKET + 4)})
  br label %out
out:
  ret void
}}

define internal void @grow() #0 {{                        ; starts workers up to the wanted number
entry:
  %seen = load atomic i64, {_at(_JOB)} monotonic, align 8
  %high = shl i64 %seen, 32
  br label %next
next:
  %alive = load atomic i64, {_at(_ALIVE)} seq_cst, align 8
  %wanted = load atomic i64, {_at(_THREADS)} seq_cst, align 8
  %tid = add i64 %alive, 1
  %more = icmp slt i64 %tid, %wanted
  br i1 %more, label %make, label %out
make:
  %start = or i64 %high, %tid
  %arg = inttoptr i64 %start to ptr
  %u = atomicrmw add {_at(_ALIVE)}, i64 1 seq_cst
  %failed = call i32 @os_start(ptr @worker, ptr %arg)
  %ok = icmp eq i32 %failed, 0
  br i1 %ok, label %next, label %fewer
fewer:                                                    ; the system refuses: be content with those that run
  %d = atomicrmw sub {_at(_ALIVE)}, i64 1 seq_cst
  store atomic i64 %tid, {_at(_THREADS)} seq_cst, align 8
  br label %out
out:
  ret void
}}

define void @penstock_pool_run(ptr %fn, ptr %ctx, i64 %n, i64 %limit) #0 {{
entry:
  %t = load atomic i64, {_at(_THREADS)} monotonic, align 8
  %alone = icmp sle i64 %t, 1
  %one = icmp sle i64 %n, 1
  %serial = or i1 %alone, %one
  br i1 %serial, label %self, label %ask
ask:
  %noted = call ptr @os_noted({_at(_KEY)})
  %by.itself = icmp ne ptr %noted, null
  br i1 %by.itself, label %self, label %try
try:
  %got = cmpxchg {_at(_BUSY)}, i64 0, i64 1 acquire monotonic
  %held = extractvalue {{ i64, i1 }} %got, 1
  br i1 %held, label %check, label %self
check:
  %t2 = load atomic i64, {_at(_THREADS)} acquire, align 8
  %fits = icmp sle i64 %t2, %limit
  br i1 %fits, label %ready, label %refuse
refuse:
  store atomic i64 0, {_at(_BUSY)} release, align 8
  br label %self
ready:
  %alive = load atomic i64, {_at(_ALIVE)} acquire, align 8
  %all1 = add i64 %alive, 1
  %short = icmp slt i64 %all1, %t2
  br i1 %short, label %more, label %fork
more:
  call void @grow()
  br label %fork
fork:                                                     ; a job of the next tasks
  %base = phi i64 [ 0, %ready ], [ 0, %more ], [ %next, %joined ]
  %left = sub i64 %n, %base
  %fits.job = icmp ule i64 %left, {MOST_TASKS}
  %count = select i1 %fits.job, i64 %left, i64 {MOST_TASKS}
  call void @post(ptr %fn, ptr %ctx, i64 %base, i64 %count)
  call void @take_tasks(i64 0)
  br label %join
join:                                                     ; a worker may have lost its core: then let it have this one
  %k = phi i32 [ 0, %fork ], [ %k1, %wait ], [ %k1, %yield ]
  %k1 = add i32 %k, 1
  %d = load atomic i64, {_at(_FINISHED)} acquire, align 8
  %done = icmp sge i64 %d, %count
  br i1 %done, label %joined, label %wait
wait:
  call void @cpu_pause()
  %long = icmp sgt i32 %k1, {PATIENCE}
  br i1 %long, label %yield, label %join
yield:
  call void @os_yield()
  br label %join
joined:
  %next = add i64 %base, %count
  %rest = icmp ult i64 %next, %n
  br i1 %rest, label %fork, label %release
release:
  %dropped = load atomic i64, {interrupts.word(interrupts.STOP)} monotonic, align 8
  %whole = icmp eq i64 %dropped, 0
  br i1 %whole, label %free, label %reset
reset:
  store atomic i64 0, {interrupts.word(interrupts.STOP)} seq_cst, align 8
  br label %free
free:
  store atomic i64 0, {_at(_BUSY)} release, align 8
  br label %out
self:
  %i = phi i64 [ 0, %entry ], [ 0, %ask ], [ 0, %try ], [ 0, %refuse ], [ %i1, %self.run ]
  %go = icmp slt i64 %i, %n
  br i1 %go, label %self.more, label %out
self.more:
  %first = icmp eq i64 %i, 0
  br i1 %first, label %self.run, label %self.heed
self.heed:
  %signalled = call i1 @came()
  br i1 %signalled, label %self.attend, label %self.run
self.attend:
  %ends = call i1 @abandons()
  br i1 %ends, label %out, label %self.run
self.run:
  call void %fn(ptr %ctx, i64 %i, i64 0)
  %i1 = add i64 %i, 1
  br label %self
out:
  ret void
}}

define void @penstock_pool_resize(i64 %n) #0 {{           ; ends the workers; the next job starts as many as wanted
entry:
  br label %try
try:
  %got = cmpxchg {_at(_BUSY)}, i64 0, i64 1 acquire monotonic
  %held = extractvalue {{ i64, i1 }} %got, 1
  br i1 %held, label %stop, label %later
later:
  call void @os_yield()
  br label %try
stop:
  store atomic i64 1, {_at(_QUIT)} seq_cst, align 8
  call void @post(ptr null, ptr null, i64 0, i64 0)
  br label %wait
wait:
  %alive = load atomic i64, {_at(_ALIVE)} acquire, align 8
  %none = icmp sle i64 %alive, 0
  br i1 %none, label %set, label %yield
yield:
  call void @os_yield()
  br label %wait
set:
  store atomic i64 0, {_at(_QUIT)} seq_cst, align 8
  store atomic i64 %n, {_at(_THREADS)} seq_cst, align 8
  store atomic i64 0, {_at(_BUSY)} release, align 8
  ret void
}}

define void @penstock_pool_forked() #0 {{                 ; in a new child: no worker lives, no job is open
entry:
  store atomic i64 0, {_at(_ALIVE)} seq_cst, align 8
  store atomic i64 0, {_at(_QUIT)} seq_cst, align 8
  store atomic i32 0, {_at(_ASLEEP)} seq_cst, align 4
  store atomic i64 0, {_at(_BUSY)} seq_cst, align 8
  %self = call i64 @os_thread()
  store i64 %self, {interrupts.word(interrupts.MAIN)}
  store i64 1, {interrupts.word(interrupts.HELD)}
  store i64 0, {interrupts.word(interrupts.STOP)}
  ret void
}}

define void @penstock_pool_work_alone(i64 %whether) #0 {{
entry:
  %value = inttoptr i64 %whether to ptr
  call void @os_note({_at(_KEY)}, ptr %value)
  ret void
}}

define i64 @penstock_pool_threads() #0 {{
entry:
  %t = load atomic i64, {_at(_THREADS)} acquire, align 8
  ret i64 %t
}}
define i64 @penstock_nanoseconds() #0 {{
entry:
  %t = call i64 @os_nanoseconds()
  ret i64 %t
}}
"""
_EXPORTS = ("penstock_pool_run", "penstock_pool_resize", "penstock_pool_forked", "penstock_pool_threads",
            "penstock_pool_work_alone", "penstock_nanoseconds")  # fmt: skip


def write_pool(module: Module) -> None:
    """Writes the pool's native code, with other code that exists once in a process."""
    target = module.target
    module.raw(system_calls(target) + POOL_TEXT, _EXPORTS)
    module.raw(denormals.text(target), denormals.EXPORTS)
    module.raw(array_memory.TEXT, array_memory.EXPORTS)
    module.raw(interrupts.TEXT, interrupts.EXPORTS)
    module.raw(bounds.TEXT, bounds.EXPORTS)
    module.raw(float16_calls.text(target), float16_calls.exports(target))


class Pool:
    """The process's pool. Generated code calls `penstock_pool_run` by name."""

    def __init__(self, threads: int):
        cache = ObjectCache.from_flags()
        code = ModuleCode(write_pool, (), cache)
        data = code.packed.content if code.packed else code.kept(cache)
        if data is None:
            initialize()
            data = compile_object(code.text, host().machine())
            code.keep(cache, data)
        self.library = Library(data, code.exports)
        for name in code.exports:
            if name not in array_memory.EXPORTS:
                provide(name, self.library[name])
        self._resize = self.library.function("penstock_pool_resize", ctypes.c_int64)
        self._threads = self.library.function("penstock_pool_threads", result=ctypes.c_int64)
        self._work_alone = self.library.function("penstock_pool_work_alone", ctypes.c_int64)
        self._noting = forks.freed_in_child(threading.Lock())
        self._run = self.library.function(
            "penstock_pool_run", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
        )
        self._resize(_checked(threads))
        array_memory.watch_arrays(self.library)
        interrupts.watch_interrupts(self.library)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.library.function("penstock_pool_forked"))

    @property
    def threads(self) -> int:
        """The number of threads, including the caller."""
        return self._threads()

    def resize(self, threads: int) -> None:
        """Sets the number of threads; waits until the pool is idle."""
        self._resize(_checked(threads))

    def work_alone(self, alone: bool = True) -> None:
        """Makes the calling thread run all tasks of its jobs itself.

        This is for programs with at least as many threads as cores: they keep all cores busy, and workers would only compete
        with them.
        """
        with self._noting:
            self._work_alone(int(alone))

    def run(self, function: int, context: int, tasks: int) -> None:
        """Runs the tasks of the function at that address; for tests and tools."""
        self._run(function, context, tasks, self.threads)


def _checked(threads: int) -> int:
    """The number of threads, if a pool can have it; else raises InvalidArgumentError."""
    if not 1 <= threads <= MOST_THREADS:
        raise errors.InvalidArgumentError(
            f"Thread pool: expected a size from 1 to {MOST_THREADS}. Received {threads}."
        )
    return threads


_pools: list[Pool] = []  # the process's pool, after first use
_wanted = [0]  # the requested number of threads; 0: the default
_making = forks.freed_in_child(threading.Lock())


def pool() -> Pool:
    """The process's pool, created on first use with the requested threads, PENSTOCK_THREADS or one per usable core."""
    if not _pools:
        with _making:
            if not _pools:
                _pools.append(Pool(wanted_threads()))
    return _pools[0]


def wanted_threads() -> int:
    """The number of threads that the process's pool has, or will have."""
    if _pools:
        return _pools[0].threads
    return _wanted[0] or flags.flags.threads or usable_cores()


def ask_for_threads(threads: int) -> bool:
    """Requests the number of threads of the process's pool (0: the default); returns False if the pool exists already."""
    with _making:
        if not _pools:
            _wanted[0] = threads
        return not _pools
