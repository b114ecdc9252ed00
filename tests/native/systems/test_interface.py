"""The systems' calls: what the pool's code for each of them refers to, and how Windows' object files link."""

import ctypes
import re

import llvmlite.binding as llvm
import pytest

from penstock._src.core import errors
from penstock._src.native import Code, Module, Target, assembly, host
from penstock._src.native.llvm import initialize as initialize_llvm
from penstock._src.native.llvm.compile import compile_object, machine_for
from penstock._src.native.pool import write_pool
from penstock._src.native.systems import is_supported, symbols, system_calls

WINDOWS = Target("x86_64-pc-windows-msvc", "x86-64-v3", "", 32, 16)
MAC = Target("arm64-apple-darwin", "apple-m1", "", 16, 32)
OLDER_MAC = Target("x86_64-apple-darwin", "x86-64-v3", "", 32, 16)
PYTHON = {"PyErr_CheckSignals", "PyGILState_Ensure", "PyGILState_Release", "PyObject_Vectorcall"}
POSIX = PYTHON | {
    "clock_gettime", "pthread_create", "pthread_detach", "pthread_getspecific", "pthread_key_create",
    "pthread_self", "pthread_setspecific", "sched_yield", "sigaction",
}  # fmt: skip
ON_MAC = POSIX | {"__ulock_wait", "__ulock_wake", "malloc_size"}
ON_LINUX = POSIX | {"malloc_usable_size", "syscall"}
FLOATS = "fltused"  # less the first underscore, as all names are read
ON_WINDOWS = PYTHON | {
    "CloseHandle", "CreateThread", "GetCurrentThreadId", "GetProcessHeap", "HeapSize", "QueryPerformanceCounter",
    "QueryPerformanceFrequency", "SwitchToThread", "TlsAlloc", "TlsGetValue", "TlsSetValue", "WaitOnAddress",
    "WakeByAddressAll", "signal", FLOATS,
}  # fmt: skip


def undefined(code):
    """The names that a code's assembly uses and does not define."""
    text = re.sub(r"(__[xy]mm)@", r"\1", assembly(code))  # constants, on Windows
    labels = set(re.findall(r"^_?([\w.]+):", text, re.MULTILINE))
    uses = re.findall(
        r"^\t(?:callq|jmp|bl|b|movabsq)\t\$?_?([A-Za-z_]\w*)(?!\w*[,%])", text, re.MULTILINE
    )
    uses += re.findall(r"^\tmovabsq\t\$_?([A-Za-z_]\w*),", text, re.MULTILINE)
    uses += re.findall(r"^\t\.globl\t_?(\w+)", text, re.MULTILINE)
    return {
        name for name in uses if name not in labels and not name.startswith(("LBB", "penstock_"))
    }


@pytest.mark.parametrize(
    ("target", "calls"),
    [
        (WINDOWS, ON_WINDOWS),
        (MAC, ON_MAC),
        (OLDER_MAC, ON_MAC),
        (Target("x86_64-unknown-linux-gnu", "x86-64-v3", "", 32, 16), ON_LINUX),
        (Target("aarch64-unknown-linux-gnu", "generic", "+neon", 16, 32), ON_LINUX),
    ],
    ids=["windows", "mac", "older-mac", "linux", "linux-on-arm"],
)
def test_the_pool_calls_what_its_system_has(target, calls):
    initialize_llvm()
    module = Module(target)
    write_pool(module)
    code = Code.of(module)
    assert is_supported(target) and undefined(code) <= calls
    assert {name for name in calls - {FLOATS} if name in code.text} == calls - {FLOATS}
    compile_object(code.text, machine_for(target), verify=True)


def test_other_systems_are_refused():
    target = Target("x86_64-unknown-freebsd", "x86-64-v3", "", 32, 16)
    assert not is_supported(target)
    with pytest.raises(errors.UnimplementedError, match="darwin.*Received 'freebsd'"):
        system_calls(target)


def test_linkers_find_the_calls_of_linux_by_themselves():
    assert host().system != "linux" or symbols() == {}


REFERENCES = """
@far = external global i8
@table = internal constant [4 x i64] [i64 1, i64 20, i64 3, i64 4]
@factor = internal global double 2.5
define i64 @where() #0 {
entry:
  ret i64 ptrtoint (ptr @far to i64)
}
define i64 @fifty() #0 {
entry:
  %p = getelementptr [4 x i64], ptr @table, i64 0, i64 1
  %x = load i64, ptr %p
  %f = load double, ptr @factor
  %n = sitofp i64 %x to double
  %y = fmul double %n, %f
  %r = fptosi double %y to i64
  ret i64 %r
}
"""


@pytest.mark.skipif(
    (host().system, host().architecture) != ("linux", "x86_64"),
    reason="runs x86-64 code in this process",
)
def test_object_files_of_windows_link_to_addresses_anywhere():
    """Functions without arguments are called alike on both systems."""
    initialize_llvm()
    module = Module(WINDOWS)
    module.raw(REFERENCES, ("where", "fifty"))
    data = compile_object(Code.of(module).text, machine_for(WINDOWS))
    assert data[:2] == b"\x64\x86"
    builder = llvm.JITLibraryBuilder().add_object_img(data)
    used = ctypes.c_int()
    builder.import_symbol("far", 0x1234_5678_9ABC).import_symbol("_fltused", ctypes.addressof(used))
    builder.export_symbol("where").export_symbol("fifty")
    jit = llvm.create_lljit_compiler(machine_for(WINDOWS), use_jit_link=True)
    library = builder.link(jit, "references")
    called = [ctypes.CFUNCTYPE(ctypes.c_int64)(library[name])() for name in ("where", "fifty")]
    assert called == [0x1234_5678_9ABC, 50]
