"""NumPy's allocator with a limit: large arrays are counted, and refused before the system's allocator is called.

NumPy calls its allocator through a table of functions (NEP 49). Ours replace the default ones and forward every request;
blocks of `memory_limit.LARGE` bytes or more are counted in `memory_limit.WORDS`, and refused if the limit would be exceeded. Small
requests cost one comparison. The count is of bytes that the system's allocator reports for each block.
"""

import atexit
import ctypes

import numpy as np

from penstock._src.core.values import memory_limit

from ..loading import Library

# Words after those of memory_limit.WORDS: the functions that requests are passed on to.
_MALLOC, _CALLOC, _REALLOC, _FREE = range(4, 8)
_TABLE_NUMBER = 306  # PyDataMem_DefaultHandler in NumPy's table of its C interface
_LARGE = memory_limit.LARGE
# Blocks are counted by what they have, which is known only afterwards: the system rounds requests
# up, to pages of at most 64 KB. Smaller requests than these cannot give a large block.
_LEAST = _LARGE - (64 << 10)


def _word(index: int) -> str:
    return f"getelementptr i64, ptr %words, i64 {index}"


def _new_block(arguments: str) -> str:
    """The rest of a function that gives a new block of %size bytes: by %fn, and counted if it is large."""
    return f"""  %small = icmp ult i64 %size, {_LEAST}
  br i1 %small, label %plain, label %large
plain:
  %p = tail call ptr %fn(ptr null, {arguments})
  ret ptr %p
large:
  %good = call i1 @array_admit(ptr %words, i64 %size)
  br i1 %good, label %take, label %refuse
take:
  %q = call ptr %fn(ptr null, {arguments})
  call void @array_settle(ptr %words, ptr %q, i64 %size)
  ret ptr %q
refuse:
  ret ptr null
"""


TEXT = f"""
define internal i1 @array_admit(ptr %words, i64 %size) #0 {{      ; counts a request, unless it is too much
entry:
  %at = {_word(memory_limit.USED)}
  %most.at = {_word(memory_limit.LIMIT)}
  %most = load i64, ptr %most.at
  %before = atomicrmw add ptr %at, i64 %size monotonic
  %after = add i64 %before, %size
  %fits = icmp ule i64 %after, %most
  %huge = icmp ugt i64 %size, %most
  %small = xor i1 %huge, true
  %good = and i1 %fits, %small
  br i1 %good, label %admitted, label %refused
admitted:
  %peak = {_word(memory_limit.PEAK)}
  %p = atomicrmw max ptr %peak, i64 %after monotonic
  ret i1 true
refused:
  %back = atomicrmw sub ptr %at, i64 %size monotonic
  ret i1 false
}}
define internal i64 @array_counted(i64 %block) #0 {{     ; by the block alone, so that all functions agree on it
entry:
  %large = icmp uge i64 %block, {_LARGE}
  %bytes = select i1 %large, i64 %block, i64 0
  ret i64 %bytes
}}
define internal void @array_settle(ptr %words, ptr %p, i64 %size) #0 {{    ; counts what a block has instead of what was asked
entry:
  %none = icmp eq ptr %p, null
  br i1 %none, label %correct, label %ask
ask:
  %has = call i64 @os_block(ptr %p)
  br label %correct
correct:
  %block = phi i64 [ 0, %entry ], [ %has, %ask ]
  %real = call i64 @array_counted(i64 %block)
  %more = sub i64 %real, %size
  %at = {_word(memory_limit.USED)}
  %u = atomicrmw add ptr %at, i64 %more monotonic
  ret void
}}
define internal void @array_forget(ptr %words, ptr %p) #0 {{
entry:
  %block = call i64 @os_block(ptr %p)
  %has = call i64 @array_counted(i64 %block)
  %at = {_word(memory_limit.USED)}
  %u = atomicrmw usub_sat ptr %at, i64 %has monotonic        ; blocks from before are not counted
  ret void
}}
define ptr @penstock_array_malloc(ptr %words, i64 %size) #0 {{
entry:
  %fn.at = {_word(_MALLOC)}
  %fn = load ptr, ptr %fn.at
{_new_block("i64 %size")}}}
define ptr @penstock_array_calloc(ptr %words, i64 %count, i64 %each) #0 {{
entry:
  %fn.at = {_word(_CALLOC)}
  %fn = load ptr, ptr %fn.at
  %product = call {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64 %count, i64 %each)
  %size = extractvalue {{ i64, i1 }} %product, 0
  %over = extractvalue {{ i64, i1 }} %product, 1
  br i1 %over, label %refuse, label %known
known:
{_new_block("i64 %count, i64 %each")}}}
define ptr @penstock_array_realloc(ptr %words, ptr %old, i64 %size) #0 {{
entry:
  %fn.at = {_word(_REALLOC)}
  %fn = load ptr, ptr %fn.at
  %had = call i64 @os_block(ptr %old)
  %old.large = icmp uge i64 %had, {_LARGE}
  %new.large = icmp uge i64 %size, {_LEAST}
  br i1 %new.large, label %large, label %shrink
shrink:
  br i1 %old.large, label %forget, label %plain
forget:
  call void @array_forget(ptr %words, ptr %old)
  br label %plain
plain:
  %p = call ptr %fn(ptr null, ptr %old, i64 %size)
  ret ptr %p
large:
  %good = call i1 @array_admit(ptr %words, i64 %size)
  br i1 %good, label %take, label %refuse
take:
  %q = call ptr %fn(ptr null, ptr %old, i64 %size)
  call void @array_settle(ptr %words, ptr %q, i64 %size)
  %failed = icmp eq ptr %q, null
  %free = xor i1 %failed, true
  %counted = and i1 %free, %old.large
  br i1 %counted, label %replaced, label %out
replaced:
  %at = {_word(memory_limit.USED)}
  %u = atomicrmw usub_sat ptr %at, i64 %had monotonic
  br label %out
out:
  ret ptr %q
refuse:
  ret ptr null
}}
define void @penstock_array_free(ptr %words, ptr %p, i64 %size) #0 {{
entry:
  %fn.at = {_word(_FREE)}
  %fn = load ptr, ptr %fn.at
  %small = icmp ult i64 %size, {_LEAST}
  br i1 %small, label %plain, label %large
large:
  call void @array_forget(ptr %words, ptr %p)
  br label %plain
plain:
  tail call void %fn(ptr null, ptr %p, i64 %size)
  ret void
}}
declare {{ i64, i1 }} @llvm.umul.with.overflow.i64(i64, i64)
"""
_NAMES = ("malloc", "calloc", "realloc", "free")
EXPORTS = tuple(f"penstock_array_{name}" for name in _NAMES)


class _Allocator(ctypes.Structure):
    """NumPy's PyDataMemAllocator."""

    _fields_ = [("context", ctypes.c_void_p), *((name, ctypes.c_void_p) for name in _NAMES)]


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler."""

    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("allocator", _Allocator),
    ]


def watch_arrays(library: Library) -> bool:
    """Puts the library's functions into NumPy's default allocator until the process exits.

    Returns False if that allocator is not as expected; then only Penstock's own arrays are held to the limit.
    """
    handler = _default_handler()
    if handler is None:
        return False
    # Sets the limit's word: at 0 every large array would be refused.
    memory_limit.limit()
    allocator = handler.allocator
    for word, name in zip((_MALLOC, _CALLOC, _REALLOC, _FREE), _NAMES):
        memory_limit.WORDS[word] = getattr(allocator, name)
    # Arrays outlive generated code.
    atexit.register(_restore, allocator)
    # The old functions ignore the context, so it may change first.
    allocator.context = memory_limit.WORDS.ctypes.data
    for name, export in zip(_NAMES, EXPORTS):
        setattr(allocator, name, library[export])
    return True


def _restore(allocator: _Allocator) -> None:
    for word, name in zip((_MALLOC, _CALLOC, _REALLOC, _FREE), _NAMES):
        setattr(allocator, name, int(memory_limit.WORDS[word]))


def _default_handler() -> _Handler | None:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    interface = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    table = ctypes.cast(pointer(interface, None), ctypes.POINTER(ctypes.c_void_p))
    capsule = ctypes.cast(table[_TABLE_NUMBER], ctypes.POINTER(ctypes.py_object))[0]
    handler = ctypes.cast(pointer(capsule, b"mem_handler"), ctypes.POINTER(_Handler))[0]
    known = handler.name == b"default_allocator" and handler.version == 1
    return handler if known else None
