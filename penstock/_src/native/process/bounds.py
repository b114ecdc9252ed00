"""PENSTOCK_CHECKED=1: the bounds of loads and stores in generated code.

A checked run lists its buffers, sorted by address, in WORDS (one such run at a time). Where a kernel gets a pointer, `find` looks up the
buffer that it points into; addresses that the kernel computes from the pointer must lie in that buffer, whatever lies elsewhere.
An access outside is recorded once for each run, and goes to a page that is not read; the run ends after the launch.
"""

import ctypes

import numpy as np

from ..loading import Library

COUNT, TABLE, STATUS, FAULTS, LOW, LENGTH, ADDRESS, BYTES, WHAT = range(9)
OUT_OF_BOUNDS = -3  # status of a run that has faulted
# More than are in use, so that the block is two whole cache lines.
WORDS = 16
PAGE = 8192  # bytes, more than any vector has

_AT = {
    name: f"ptr getelementptr (i64, ptr @penstock_bounds, i64 {globals()[name]})"
    for name in ("COUNT", "TABLE", "STATUS", "FAULTS", "LOW", "LENGTH", "ADDRESS", "BYTES", "WHAT")
}

TEXT = f"""
@penstock_bounds = internal global [{WORDS} x i64] zeroinitializer, align 64
@penstock_bounds_page = internal global [{PAGE} x i8] zeroinitializer, align 128

define ptr @penstock_bounds_words() #0 {{
entry:
  ret ptr @penstock_bounds
}}
define {{ i64, i64 }} @penstock_bounds_find(ptr %p) #0 {{      ; start and length of the buffer that %p points into; all memory outside of checked runs
entry:
  %a = ptrtoint ptr %p to i64
  %n = load i64, {_AT["COUNT"]}
  %table = load ptr, {_AT["TABLE"]}
  %off = icmp eq i64 %n, 0
  br i1 %off, label %all, label %search
all:
  ret {{ i64, i64 }} {{ i64 0, i64 -1 }}
search:                                                 ; the last that begins at or before %p
  %low = phi i64 [ 0, %entry ], [ %low2, %next ]
  %high = phi i64 [ %n, %entry ], [ %high2, %next ]
  %span = sub i64 %high, %low
  %more = icmp ugt i64 %span, 1
  br i1 %more, label %next, label %found
next:
  %sum = add i64 %low, %high
  %middle = lshr i64 %sum, 1
  %m2 = shl i64 %middle, 1
  %at = getelementptr i64, ptr %table, i64 %m2
  %start = load i64, ptr %at
  %before = icmp ule i64 %start, %a
  %low2 = select i1 %before, i64 %middle, i64 %low
  %high2 = select i1 %before, i64 %high, i64 %middle
  br label %search
found:
  %f2 = shl i64 %low, 1
  %begin.at = getelementptr i64, ptr %table, i64 %f2
  %begin = load i64, ptr %begin.at
  %size.at = getelementptr i64, ptr %begin.at, i64 1
  %size = load i64, ptr %size.at
  %inside = sub i64 %a, %begin
  %good = icmp ule i64 %inside, %size
  %length = select i1 %good, i64 %size, i64 0
  %x = insertvalue {{ i64, i64 }} zeroinitializer, i64 %begin, 0
  %y = insertvalue {{ i64, i64 }} %x, i64 %length, 1
  ret {{ i64, i64 }} %y
}}
define internal i1 @within(i64 %low, i64 %length, i64 %a, i64 %bytes) #0 {{
entry:
  %offset = sub i64 %a, %low
  %room = sub i64 %length, %bytes
  %fits = icmp ule i64 %bytes, %length
  %starts = icmp ule i64 %offset, %room
  %good = and i1 %fits, %starts
  ret i1 %good
}}
define internal void @fault(i64 %low, i64 %length, i64 %a, i64 %bytes, i64 %what) #0 {{
entry:
  %n = atomicrmw add {_AT["FAULTS"]}, i64 1 seq_cst
  %first = icmp eq i64 %n, 0
  br i1 %first, label %note, label %out
note:
  store i64 %low, {_AT["LOW"]}
  store i64 %length, {_AT["LENGTH"]}
  store i64 %a, {_AT["ADDRESS"]}
  store i64 %bytes, {_AT["BYTES"]}
  store i64 %what, {_AT["WHAT"]}
  %status = load ptr, {_AT["STATUS"]}
  store atomic i64 {OUT_OF_BOUNDS}, ptr %status seq_cst, align 8
  br label %out
out:
  ret void
}}
define ptr @penstock_bounds_place(i64 %low, i64 %length, ptr %p, i64 %bytes, i64 %what) #0 {{   ; where to load or store
entry:
  %a = ptrtoint ptr %p to i64
  %good = call i1 @within(i64 %low, i64 %length, i64 %a, i64 %bytes)
  br i1 %good, label %yes, label %no
yes:
  ret ptr %p
no:
  call void @fault(i64 %low, i64 %length, i64 %a, i64 %bytes, i64 %what)
  ret ptr @penstock_bounds_page
}}
define i64 @penstock_bounds_size(i64 %low, i64 %length, ptr %p, i64 %bytes, i64 %what) #0 {{    ; how much to set or copy
entry:
  %a = ptrtoint ptr %p to i64
  %none = icmp eq i64 %bytes, 0
  %fits = call i1 @within(i64 %low, i64 %length, i64 %a, i64 %bytes)
  %good = or i1 %none, %fits
  br i1 %good, label %yes, label %no
yes:
  ret i64 %bytes
no:
  call void @fault(i64 %low, i64 %length, i64 %a, i64 %bytes, i64 %what)
  ret i64 0
}}
define void @penstock_bounds_lanes(i64 %low, i64 %length, ptr %p, i64 %each, i64 %n, ptr %mask, ptr %offsets, i64 %what) #0 {{
entry:                                                  ; clears the bits of lanes that are outside
  %base = ptrtoint ptr %p to i64
  %listed = icmp ne ptr %offsets, null
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %i1, %done ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %lane, label %out
lane:
  %byte.i = lshr i64 %i, 3
  %byte.at = getelementptr i8, ptr %mask, i64 %byte.i
  %byte = load i8, ptr %byte.at
  %bit.i = and i64 %i, 7
  %bit8 = trunc i64 %bit.i to i8
  %bit = shl i8 1, %bit8
  %has = and i8 %byte, %bit
  %on = icmp ne i8 %has, 0
  br i1 %on, label %where, label %done
where:
  br i1 %listed, label %list, label %check
list:
  %o.at = getelementptr i64, ptr %offsets, i64 %i
  %o = load i64, ptr %o.at
  br label %check
check:
  %element = phi i64 [ %i, %where ], [ %o, %list ]
  %distance = mul i64 %element, %each
  %a = add i64 %base, %distance
  %good = call i1 @within(i64 %low, i64 %length, i64 %a, i64 %each)
  br i1 %good, label %done, label %bad
bad:
  call void @fault(i64 %low, i64 %length, i64 %a, i64 %each, i64 %what)
  %rest = xor i8 %byte, %bit
  store i8 %rest, ptr %byte.at
  br label %done
done:
  %i1 = add i64 %i, 1
  br label %loop
out:
  ret void
}}
"""
EXPORTS = ("penstock_bounds_words", "penstock_bounds_find", "penstock_bounds_place",
           "penstock_bounds_size", "penstock_bounds_lanes")  # fmt: skip


def bounds_words(library: Library) -> np.ndarray:
    """The words that a checked run fills and looks at, by the library's module of the process."""
    address = library.function("penstock_bounds_words", result=ctypes.c_void_p)()
    return np.ctypeslib.as_array((ctypes.c_int64 * WORDS).from_address(address))
