"""A fork-join thread pool written in LLVM IR: no Python, no GIL and no C in the loop.

    penstock_pool_run(fn, ctx, n, limit)    fn(ctx, task, thread) for task in range(n); returns when all are done

`thread` is below `limit`, the number of threads for which the caller has memory. A job invites as many threads as there are
tasks, at most: the others notice nothing of it. If the pool is busy with another caller, or the calling thread works alone
(`Pool.work_alone`), the tasks run sequentially on the calling thread as thread 0; the results are the same, because the split
into tasks is fixed.

Each invited thread has a range of consecutive tasks, and takes them in order. Since kernels split work in memory order, a thread works
on the same part of an array in consecutive jobs and finds it in its own caches. Whoever has finished its own range takes tasks of others',
so that a slow thread, or one without a core, delays one task at most. The caller is thread 0 and waits for tasks, never for workers.

Memory that many threads write to is what limits a pool on many cores, so there is little of it:

- Each thread has a word on a cache line of its own: (job number << 32 | tasks taken from its range). The caller sets the words of the invited
  threads, which wait for their own to change. A task is taken by a compare-exchange on the word of its range: it fails if the job has ended.
- Finished tasks are counted in a tree: by groups of GROUP ranges, then groups at the root, which the caller waits for. A thread adds what it has done of
  a range once it finds nothing left there.
- Workers whose word has not changed for a while sleep on it. They are woken in a tree, too: each thread wakes at most CHILDREN others.

Memory order:

- A thread reads the fields of a job after its own word has the job's number, and compares the number beside the fields before and after (a seqlock), so it
  has the fields of that job or leaves. A job is open while a task of it is not taken: a compare-exchange that succeeds proves that it was.
- A task's stores are released by the addition to its group, which is released by that to the root: the caller acquires both.
- A worker stores its mark in ASLEEP before it compares its word for the last time, and the caller stores the words before anybody reads marks, with fences
  between: at least one of them sees the other's store. Words are stored from the last thread to the first, so that whoever has its own sees the marks
  of the threads that it is to wake. If a worker sleeps through a job all the same, others do its tasks.
"""

from . import interrupts

MOST_THREADS = 1024
# Programs launch one kernel after another: sleeping between them would cost more than it saves.
SPIN = 10000  # pauses before a worker sleeps, about 100 µs
PATIENCE = 4000  # pauses before the caller yields its core
# Counting in one word, hundreds of threads would wait for its cache line.
GROUP = 8  # ranges whose finished tasks are counted together
CHILDREN = 4  # threads that a thread wakes

# Byte offsets in the pool's state. Fields that different threads write are 128 bytes apart: processors fetch lines in pairs.
_LINE = 128
_JOB, _CONTROL, _BUSY, _ROOT = (i * _LINE for i in range(4))
_JOB_FN, _JOB_CTX, _JOB_EACH, _JOB_REST, _JOB_THREADS = (_JOB + at for at in (8, 16, 24, 32, 40))
_THREADS, _ALIVE, _QUIT, _KEY = (_CONTROL + at for at in (0, 8, 16, 24))
_ASLEEP = 4 * _LINE  # a byte of each thread
_GROUPS = _ASLEEP + MOST_THREADS
_WORDS = _GROUPS + MOST_THREADS // GROUP * _LINE
_SIZE = _WORDS + MOST_THREADS * _LINE
_NUMBER = 4  # byte offset of the job number in a word, which is little-endian


def _at(offset: int) -> str:
    return f"ptr getelementptr (i8, ptr @penstock_pool, i64 {offset})"


TEXT = f"""
@penstock_pool = internal global [{_SIZE} x i8] zeroinitializer, align {_LINE}

define internal ptr @word_of(i64 %tid) alwaysinline #0 {{       ; job number << 32 | tasks taken from the thread's range
  %bytes = mul i64 %tid, {_LINE}
  %at = getelementptr i8, {_at(_WORDS)}, i64 %bytes
  ret ptr %at
}}
define internal i64 @begin_of(i64 %range, i64 %each, i64 %rest) alwaysinline #0 {{     ; the first ranges have one task more
  %product = mul i64 %range, %each
  %further = call i64 @llvm.umin.i64(i64 %range, i64 %rest)
  %task = add i64 %product, %further
  ret i64 %task
}}

define internal void @work_off(i64 %number, i64 %tid, i64 %range, ptr %fn, ptr %ctx, i64 %each, i64 %rest, i64 %threads) #0 {{
entry:                                                    ; takes tasks of a range while there are any
  %word = call ptr @word_of(i64 %range)
  %begin = call i64 @begin_of(i64 %range, i64 %each, i64 %rest)
  %following = add i64 %range, 1
  %end = call i64 @begin_of(i64 %following, i64 %each, i64 %rest)
  %length = sub i64 %end, %begin
  %is.caller = icmp eq i64 %tid, 0
  br label %look
look:
  %finished = phi i64 [ 0, %entry ], [ %more, %done ]
  %first = load atomic i64, ptr %word acquire, align 8
  br label %try
try:
  %seen = phi i64 [ %first, %look ], [ %now, %take ]
  %job = lshr i64 %seen, 32
  %index = and i64 %seen, 4294967295
  %same = icmp eq i64 %job, %number
  %left = icmp ult i64 %index, %length
  %open = and i1 %same, %left
  br i1 %open, label %take, label %report
take:
  %next = add i64 %seen, 1
  %pair = cmpxchg ptr %word, i64 %seen, i64 %next acq_rel acquire
  %now = extractvalue {{ i64, i1 }} %pair, 0
  %mine = extractvalue {{ i64, i1 }} %pair, 1
  br i1 %mine, label %run, label %try
run:
  br i1 %is.caller, label %heed, label %ask
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
  %task = add i64 %begin, %index
  call void %fn(ptr %ctx, i64 %task, i64 %tid)
  br label %done
done:
  %more = add i64 %finished, 1
  br label %look
report:
  %any = icmp ne i64 %finished, 0
  br i1 %any, label %add, label %out
add:
  call void @count_finished(i64 %range, i64 %finished, i64 %each, i64 %rest, i64 %threads)
  ret void
out:
  ret void
}}

define internal void @count_finished(i64 %range, i64 %finished, i64 %each, i64 %rest, i64 %threads) #0 {{
entry:
  %group = udiv i64 %range, {GROUP}
  %bytes = mul i64 %group, {_LINE}
  %place = getelementptr i8, {_at(_GROUPS)}, i64 %bytes
  %before = atomicrmw add ptr %place, i64 %finished acq_rel
  %count = add i64 %before, %finished
  %first = mul i64 %group, {GROUP}
  %after = add i64 %first, {GROUP}
  %within = icmp ult i64 %after, %threads
  %last = select i1 %within, i64 %after, i64 %threads
  %begin = call i64 @begin_of(i64 %first, i64 %each, i64 %rest)
  %end = call i64 @begin_of(i64 %last, i64 %each, i64 %rest)
  %whole = sub i64 %end, %begin
  %complete = icmp eq i64 %count, %whole
  br i1 %complete, label %root, label %out
root:
  %u = atomicrmw add {_at(_ROOT)}, i64 1 acq_rel
  br label %out
out:
  ret void
}}

define internal void @take_tasks(i64 %number, i64 %tid) #0 {{     ; of a job: first of the own range, then of the others
entry:
  %before = load atomic i64, {_at(_JOB)} acquire, align 8
  %fn = load atomic ptr, {_at(_JOB_FN)} monotonic, align 8
  %ctx = load atomic ptr, {_at(_JOB_CTX)} monotonic, align 8
  %each = load atomic i64, {_at(_JOB_EACH)} monotonic, align 8
  %rest = load atomic i64, {_at(_JOB_REST)} monotonic, align 8
  %threads = load atomic i64, {_at(_JOB_THREADS)} monotonic, align 8
  fence acquire
  %after = load atomic i64, {_at(_JOB)} monotonic, align 8
  %b = icmp eq i64 %before, %number
  %a = icmp eq i64 %after, %number
  %t = icmp ult i64 %tid, %threads
  %ba = and i1 %b, %a
  %invited = and i1 %ba, %t
  br i1 %invited, label %rouse, label %out
rouse:
  call void @rouse(i64 %tid, i64 %threads)
  br label %turn
turn:
  %k = phi i64 [ 0, %rouse ], [ %k1, %worked ]
  %sum = add i64 %tid, %k
  %over = icmp uge i64 %sum, %threads
  %wrapped = sub i64 %sum, %threads
  %range = select i1 %over, i64 %wrapped, i64 %sum
  call void @work_off(i64 %number, i64 %tid, i64 %range, ptr %fn, ptr %ctx, i64 %each, i64 %rest, i64 %threads)
  br label %worked
worked:
  %k1 = add i64 %k, 1
  %some = icmp ult i64 %k1, %threads
  %open = call i1 @is_open(i64 %threads)
  %go = and i1 %some, %open
  br i1 %go, label %turn, label %out
out:
  ret void
}}
define internal i1 @is_open(i64 %threads) #0 {{               ; whether a group has tasks that are not finished
  %up = add i64 %threads, {GROUP - 1}
  %groups = udiv i64 %up, {GROUP}
  %done = load atomic i64, {_at(_ROOT)} acquire, align 8
  %open = icmp ult i64 %done, %groups
  ret i1 %open
}}

define internal void @rouse(i64 %tid, i64 %threads) #0 {{      ; wakes the threads below this one that sleep
entry:
  %bytes = mul i64 %tid, {CHILDREN}
  %first = add i64 %bytes, 1
  %after = add i64 %first, {CHILDREN}
  br label %next
next:
  %k = phi i64 [ %first, %entry ], [ %k1, %looked ]
  %inside = icmp ult i64 %k, %threads
  %below = icmp ult i64 %k, %after
  %go = and i1 %inside, %below
  br i1 %go, label %look, label %out
look:
  %mark = getelementptr i8, {_at(_ASLEEP)}, i64 %k
  %asleep = load atomic i8, ptr %mark monotonic, align 1
  %sleeps = icmp ne i8 %asleep, 0
  br i1 %sleeps, label %wake, label %looked
wake:
  %word = call ptr @word_of(i64 %k)
  %high = getelementptr i8, ptr %word, i64 {_NUMBER}
  call void @os_wake(ptr %high)
  br label %looked
looked:
  %k1 = add i64 %k, 1
  br label %next
out:
  ret void
}}

define internal ptr @worker(ptr %arg) #0 {{
entry:
  %start = ptrtoint ptr %arg to i64                       ; job number seen << 32 | thread
  %tid = and i64 %start, 4294967295
  %first = lshr i64 %start, 32
  %first32 = trunc i64 %first to i32
  %word = call ptr @word_of(i64 %tid)
  %high = getelementptr i8, ptr %word, i64 {_NUMBER}
  %mark = getelementptr i8, {_at(_ASLEEP)}, i64 %tid
  %mode = call i64 @penstock_denormals_flush()            ; for good: a worker runs tasks alone
  br label %idle
idle:                                                     ; %seen: the last job worked on
  %seen = phi i32 [ %first32, %entry ], [ %job, %work ]
  br label %spin
spin:
  %k = phi i32 [ 0, %idle ], [ %k1, %pause ]
  %e = load atomic i32, ptr %high acquire, align 4
  %new = icmp ne i32 %e, %seen
  br i1 %new, label %woken, label %pause
pause:
  call void @cpu_pause()
  %k1 = add i32 %k, 1
  %tired = icmp sgt i32 %k1, {SPIN}
  br i1 %tired, label %sleep, label %spin
sleep:
  store atomic i8 1, ptr %mark seq_cst, align 1
  fence seq_cst
  br label %compare
compare:
  %e2 = load atomic i32, ptr %high seq_cst, align 4
  %still = icmp eq i32 %e2, %seen
  br i1 %still, label %doze, label %awake
doze:
  call void @os_wait(ptr %high, i32 %seen)
  br label %compare
awake:
  store atomic i8 0, ptr %mark monotonic, align 1
  br label %woken
woken:
  %job = phi i32 [ %e, %spin ], [ %e2, %awake ]
  %quit = load atomic i64, {_at(_QUIT)} acquire, align 8
  %leave = icmp ne i64 %quit, 0
  br i1 %leave, label %gone, label %work
work:
  %number = zext i32 %job to i64
  call void @take_tasks(i64 %number, i64 %tid)
  br label %idle
gone:
  %g = atomicrmw sub {_at(_ALIVE)}, i64 1 seq_cst
  ret ptr null
}}

define internal i64 @post(ptr %fn, ptr %ctx, i64 %n, i64 %threads) #0 {{     ; a new job; the caller holds the pool. Returns its number
entry:
  %old = load atomic i64, {_at(_JOB)} monotonic, align 8
  %up = add i64 %old, 1
  %number = and i64 %up, 4294967295
  %high = shl i64 %number, 32
  %each = udiv i64 %n, %threads
  %shared = mul i64 %each, %threads
  %rest = sub i64 %n, %shared
  store atomic i64 4294967296, {_at(_JOB)} monotonic, align 8    ; no word has this number
  fence release
  store atomic ptr %fn, {_at(_JOB_FN)} monotonic, align 8
  store atomic ptr %ctx, {_at(_JOB_CTX)} monotonic, align 8
  store atomic i64 %each, {_at(_JOB_EACH)} monotonic, align 8
  store atomic i64 %rest, {_at(_JOB_REST)} monotonic, align 8
  store atomic i64 %threads, {_at(_JOB_THREADS)} monotonic, align 8
  store atomic i64 0, {_at(_ROOT)} monotonic, align 8
  %up.groups = add i64 %threads, {GROUP - 1}
  %groups = udiv i64 %up.groups, {GROUP}
  br label %group
group:
  %g = phi i64 [ 0, %entry ], [ %g1, %group ]
  %bytes = mul i64 %g, {_LINE}
  %place = getelementptr i8, {_at(_GROUPS)}, i64 %bytes
  store atomic i64 0, ptr %place monotonic, align 8
  %g1 = add i64 %g, 1
  %some = icmp ult i64 %g1, %groups
  br i1 %some, label %group, label %open
open:
  store atomic i64 %number, {_at(_JOB)} release, align 8
  br label %call
call:
  %k = phi i64 [ %threads, %open ], [ %k1, %call ]
  %k1 = sub i64 %k, 1
  %word = call ptr @word_of(i64 %k1)
  store atomic i64 %high, ptr %word release, align 8
  %last = icmp eq i64 %k1, 0
  br i1 %last, label %out, label %call
out:
  fence seq_cst
  ret i64 %number
}}

define internal void @grow(i64 %wanted) #0 {{                 ; starts workers until there are as many threads
entry:
  br label %next
next:
  %alive = load atomic i64, {_at(_ALIVE)} seq_cst, align 8
  %tid = add i64 %alive, 1
  %more = icmp ult i64 %tid, %wanted
  br i1 %more, label %make, label %out
make:
  %word = call ptr @word_of(i64 %tid)
  %content = load atomic i64, ptr %word monotonic, align 8
  %high = and i64 %content, -4294967296
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
  %only = icmp sle i64 %limit, 1
  %few = or i1 %one, %only
  %serial = or i1 %alone, %few
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
  %prepared = call i64 @llvm.smin.i64(i64 %t2, i64 %limit)
  %wanted = call i64 @llvm.smin.i64(i64 %prepared, i64 %n)
  %alive = load atomic i64, {_at(_ALIVE)} acquire, align 8
  %all = add i64 %alive, 1
  %short = icmp slt i64 %all, %wanted
  br i1 %short, label %more, label %fork
more:
  call void @grow(i64 %wanted)
  %alive2 = load atomic i64, {_at(_ALIVE)} acquire, align 8
  %all2 = add i64 %alive2, 1
  %started = call i64 @llvm.smin.i64(i64 %all2, i64 %wanted)
  br label %fork
fork:
  %threads = phi i64 [ %wanted, %check ], [ %started, %more ]
  %number = call i64 @post(ptr %fn, ptr %ctx, i64 %n, i64 %threads)
  call void @take_tasks(i64 %number, i64 0)
  br label %join
join:                                                     ; a worker may have lost its core: then let it have this one
  %k = phi i32 [ 0, %fork ], [ %k1, %wait ], [ %k1, %yield ]
  %k1 = add i32 %k, 1
  %open = call i1 @is_open(i64 %threads)
  br i1 %open, label %wait, label %joined
wait:
  call void @cpu_pause()
  %long = icmp sgt i32 %k1, {PATIENCE}
  br i1 %long, label %yield, label %join
yield:
  call void @os_yield()
  br label %join
joined:
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
  %i = phi i64 [ 0, %entry ], [ 0, %ask ], [ 0, %try ], [ %i1, %self.run ]
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
declare i64 @llvm.smin.i64(i64, i64)
declare i64 @llvm.umin.i64(i64, i64)

define void @penstock_pool_resize(i64 %n) #0 {{           ; ends the workers; the next jobs start as many as they need
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
  %alive = load atomic i64, {_at(_ALIVE)} seq_cst, align 8
  %all = add i64 %alive, 1
  %number = call i64 @post(ptr null, ptr null, i64 0, i64 %all)
  br label %call
call:                                                     ; workers that leave wake no others
  %k = phi i64 [ 0, %stop ], [ %k1, %call ]
  call void @rouse(i64 %k, i64 %all)
  %k1 = add i64 %k, 1
  %some = icmp ult i64 %k1, %all
  br i1 %some, label %call, label %wait
wait:
  %left = load atomic i64, {_at(_ALIVE)} acquire, align 8
  %none = icmp sle i64 %left, 0
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
  store atomic i64 0, {_at(_BUSY)} seq_cst, align 8
  %self = call i64 @os_thread()
  store i64 %self, {interrupts.word(interrupts.MAIN)}
  store i64 1, {interrupts.word(interrupts.HELD)}
  store i64 0, {interrupts.word(interrupts.STOP)}
  br label %rouse
rouse:                                                    ; nobody sleeps
  %k = phi i64 [ 0, %entry ], [ %k1, %rouse ]
  %mark = getelementptr i8, {_at(_ASLEEP)}, i64 %k
  store atomic i8 0, ptr %mark monotonic, align 1
  %k1 = add i64 %k, 1
  %some = icmp ult i64 %k1, {MOST_THREADS}
  br i1 %some, label %rouse, label %out
out:
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
EXPORTS = ("penstock_pool_run", "penstock_pool_resize", "penstock_pool_forked", "penstock_pool_threads",
           "penstock_pool_work_alone", "penstock_nanoseconds")  # fmt: skip
