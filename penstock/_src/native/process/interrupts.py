"""Ctrl-C in native code: the words that a run checks while Python code cannot run.

Python's handler of SIGINT only notes the signal; the main thread attends to it between bytecodes. Ours stands before it and sets a
word that runs look at between launches and between tasks. The main thread then takes the interpreter's lock and lets Python's
handlers run: if one raises, the rest of the tasks is dropped and the run ends with that exception. Other threads go on.

    HELD        the run must not end now: a variable is half updated, or there is no run on the main thread
    SIGNALLED   a signal has arrived that was not handled yet
    STOP        the job's tasks are dropped
    ABANDONED   the run of the main thread ends with an exception, which is set

Python replaces the handler when a program sets another one, so each run checks that ours is installed, at most every few milliseconds.
"""

import atexit
import ctypes
import threading
from collections.abc import Callable
from typing import Any

from ..language.function import Fn
from ..language.types import I64
from ..loading import Library

SIGNALLED, ABANDONED, STOP, HELD, MAIN, LOOKED, PREVIOUS = (8 * i for i in range(7))
_INTERVAL = 5_000_000  # nanoseconds between looks at the handler


def word(offset: int) -> str:
    """The address of a word as IR text."""
    return f"ptr getelementptr (i8, ptr @penstock_interrupts, i64 {offset})"


TEXT = f"""
@penstock_interrupts = internal global [64 x i8] zeroinitializer, align 64
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare i32 @PyErr_CheckSignals()

define internal void @on_interrupt(i32 %number, ptr %info, ptr %context) #0 {{
entry:
  store atomic i64 1, {word(SIGNALLED)} seq_cst, align 8
  %before = load atomic ptr, {word(PREVIOUS)} seq_cst, align 8
  call void %before(i32 %number, ptr %info, ptr %context)
  call void @os_handled(ptr @on_interrupt)
  ret void
}}
define internal void @set_handler(ptr %wanted, ptr %instead) #0 {{   ; unless `instead` or no function handles the signal
entry:
  %handler = call ptr @os_handler()
  %number = ptrtoint ptr %handler to i64
  %known = icmp eq ptr %handler, %wanted
  %none = icmp ule i64 %number, 1
  %any = icmp eq ptr %instead, null
  %fits = icmp eq ptr %handler, %instead
  %may = or i1 %any, %fits
  %skip.a = or i1 %known, %none
  %not.may = xor i1 %may, true
  %skip = or i1 %skip.a, %not.may
  br i1 %skip, label %out, label %set
set:
  br i1 %any, label %keep, label %write
keep:
  store atomic ptr %handler, {word(PREVIOUS)} seq_cst, align 8
  br label %write
write:
  call void @os_handle(ptr %wanted)
  br label %out
out:
  ret void
}}
define void @penstock_interrupts_begin(i64 %main) #0 {{
entry:
  store i64 %main, {word(MAIN)}
  store i64 1, {word(HELD)}
  call void @set_handler(ptr @on_interrupt, ptr null)
  ret void
}}
define void @penstock_interrupts_end() #0 {{
entry:
  %before = load ptr, {word(PREVIOUS)}
  call void @set_handler(ptr %before, ptr @on_interrupt)
  ret void
}}
define internal i1 @on_main_thread() #0 {{
entry:
  %self = call i64 @os_thread()
  %main = load i64, {word(MAIN)}
  %same = icmp eq i64 %self, %main
  ret i1 %same
}}
define internal void @attend() #0 {{            ; a signal has come: lets Python's handlers run, if they may
entry:
  %mine = call i1 @on_main_thread()
  %held = load i64, {word(HELD)}
  %came = load atomic i64, {word(SIGNALLED)} monotonic, align 8
  %end = load i64, {word(ABANDONED)}
  %new = icmp ugt i64 %came, %end
  %free = icmp eq i64 %held, 0
  %could = and i1 %mine, %free
  %may = and i1 %could, %new
  br i1 %may, label %ask, label %out
ask:
  store atomic i64 0, {word(SIGNALLED)} seq_cst, align 8
  %state = call i32 @PyGILState_Ensure()
  %raised = call i32 @PyErr_CheckSignals()
  call void @PyGILState_Release(i32 %state)
  %bad = icmp ne i32 %raised, 0
  br i1 %bad, label %stop, label %out
stop:
  store atomic i64 1, {word(ABANDONED)} seq_cst, align 8
  br label %out
out:
  ret void
}}
define internal i1 @abandons() #0 {{            ; the same; whether this thread's run ends by it
entry:
  call void @attend()
  %mine = call i1 @on_main_thread()
  %end = load i64, {word(ABANDONED)}
  %any = icmp ne i64 %end, 0
  %both = and i1 %mine, %any
  ret i1 %both
}}
define internal i1 @came() #0 {{               ; whether there may be a signal for the calling thread, or was
entry:
  %new = load atomic i64, {word(SIGNALLED)} monotonic, align 8
  %end = load atomic i64, {word(ABANDONED)} monotonic, align 8
  %any = or i64 %new, %end
  %some = icmp ne i64 %any, 0
  ret i1 %some
}}
define i64 @penstock_task_is_dropped(i64 %tid) #0 {{     ; inside a long task of a thread
entry:
  %caller = icmp eq i64 %tid, 0
  br i1 %caller, label %look, label %worker
look:
  %any = call i1 @came()
  br i1 %any, label %ask, label %no
ask:
  %mine = call i1 @abandons()
  %ends = zext i1 %mine to i64
  ret i64 %ends
no:
  ret i64 0
worker:
  %stop = load atomic i64, {word(STOP)} monotonic, align 8
  ret i64 %stop
}}
define ptr @penstock_interrupt_words() #0 {{
entry:
  ret ptr @penstock_interrupts
}}
define i64 @penstock_run_begins() #0 {{         ; 1 on the main thread
entry:
  %mine = call i1 @on_main_thread()
  br i1 %mine, label %main, label %other
other:
  ret i64 0
main:
  %now = call i64 @os_nanoseconds()
  %last = load i64, {word(LOOKED)}
  %since = sub i64 %now, %last
  %due = icmp ugt i64 %since, {_INTERVAL}
  br i1 %due, label %look, label %begin
look:
  store i64 %now, {word(LOOKED)}
  call void @set_handler(ptr @on_interrupt, ptr null)
  br label %begin
begin:
  store i64 0, {word(HELD)}
  ret i64 1
}}
define void @penstock_run_holds(i64 %main, i64 %held) #0 {{
entry:
  %mine = icmp ne i64 %main, 0
  br i1 %mine, label %set, label %out
set:
  store i64 %held, {word(HELD)}
  br label %out
out:
  ret void
}}
define i64 @penstock_run_stops(i64 %main) #0 {{  ; between launches: whether the run ends now
entry:
  %mine = icmp ne i64 %main, 0
  br i1 %mine, label %look, label %no
look:
  %came = load atomic i64, {word(SIGNALLED)} monotonic, align 8
  %any = icmp ne i64 %came, 0
  br i1 %any, label %ask, label %tell
ask:
  call void @attend()
  br label %tell
tell:                                           ; perhaps attended to while a launch ran
  %end = load i64, {word(ABANDONED)}
  ret i64 %end
no:
  ret i64 0
}}
define i64 @penstock_run_ends(i64 %main) #0 {{   ; 1: by an exception, which is set
entry:
  %mine = icmp ne i64 %main, 0
  br i1 %mine, label %close, label %no
close:
  store i64 1, {word(HELD)}
  %end = load i64, {word(ABANDONED)}
  store i64 0, {word(ABANDONED)}
  ret i64 %end
no:
  ret i64 0
}}
"""
EXPORTS = ("penstock_interrupts_begin", "penstock_interrupts_end", "penstock_run_begins",
           "penstock_run_holds", "penstock_run_stops", "penstock_run_ends", "penstock_interrupt_words", "penstock_task_is_dropped")  # fmt: skip


def watch_interrupts(library: Library) -> None:
    """Puts the handler before Python's, until the process exits."""
    begin = library.function("penstock_interrupts_begin", ctypes.c_int64)
    # Python attends to signals in the main thread alone, so that only its runs can end by one.
    begin(threading.main_thread().ident)
    atexit.register(library.function("penstock_interrupts_end"))


def unless_dropped(f: Fn, body: Callable[[], Any]) -> None:
    """Run the body unless the job was dropped. Long tasks check this periodically."""
    dropped = f.call("penstock_task_is_dropped", f.tid, ret=I64)
    f.when(dropped.eq(0), body)
