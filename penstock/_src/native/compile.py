"""Compiles IR text to object code on several threads.

llvmlite holds a lock during every call, so that two threads compile no faster than one. The lock is unnecessary if each
thread has its own LLVM context and target machine, so the five expensive calls go to the C functions directly. No LLVM
passes run: the generated IR is already vectorized and in SSA form, and passes gained less than 1 % in measurements.
"""

import ctypes
import threading
from collections.abc import Callable, Sequence

import llvmlite.binding as llvm

from penstock._src.core import errors
from penstock._src.util.flags import flags

from .code import Code
from .target import Target, initialize_llvm


def _unlocked(name: str) -> Callable:
    """llvmlite's C function without the lock, or with it if a later llvmlite hides the function."""
    function = getattr(llvm.ffi.lib, name)
    return getattr(function, "_cfn", function)


def compile_object(text: str, machine: llvm.TargetMachine, verify: bool = False) -> bytes:
    """Compiles IR text in its own LLVM context; thread-safe."""
    context = llvm.create_context()
    source = ctypes.c_char_p(text.encode())
    with llvm.ffi.OutputString() as error:
        module = _unlocked("LLVMPY_ParseAssembly")(context, source, error)
        if not module:
            raise errors.InternalError(f"LLVM could not read the generated code: {error}")
    memory = None
    try:
        if verify:
            with llvm.ffi.OutputString() as error:
                if _unlocked("LLVMPY_VerifyModule")(module, error):
                    raise errors.InternalError(f"The generated code is not valid: {error}")
        _unlocked("LLVMPY_SetTarget")(module, machine.triple.encode())
        with llvm.ffi.OutputString() as error:
            memory = _unlocked("LLVMPY_TargetMachineEmitToMemory")(machine, module, 1, error)
            if not memory:
                raise errors.InternalError(f"LLVM could not compile the generated code: {error}")
        start = _unlocked("LLVMPY_GetBufferStart")(memory)
        return ctypes.string_at(start, _unlocked("LLVMPY_GetBufferSize")(memory))
    finally:
        if memory:
            _unlocked("LLVMPY_DisposeMemoryBuffer")(memory)
        _unlocked("LLVMPY_DisposeModule")(module)


def compile_all(
    codes: Sequence[Code], threads: int, done: Callable[[Code, bytes], None], verify: bool = False
) -> None:
    """Compiles every code and passes each to `done` (on any thread); raises the first error."""
    todo = sorted(codes, key=lambda code: len(code.text))  # popped from the end: the longest first
    failures: list[BaseException] = []

    def work():
        machines: dict[Target, llvm.TargetMachine] = {}
        while not failures:
            try:
                code = todo.pop()
            except IndexError:
                return
            try:
                if code.target not in machines:
                    machines[code.target] = code.target.machine(flags.optimize)
                done(code, compile_object(code.text, machines[code.target], verify))
            except BaseException as failure:  # raised again below, on the caller's thread
                failures.append(failure)

    initialize_llvm()
    if len(todo) <= 1 or threads <= 1:
        work()
    else:
        crew = [
            threading.Thread(target=work, name="penstock-compile")
            for _ in range(min(threads, len(todo)))
        ]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    if failures:
        raise failures[0]


def assembly(code: Code) -> str:
    """The assembly text of a code, for reading."""
    initialize_llvm()
    module = llvm.parse_assembly(code.text, llvm.create_context())
    machine = code.target.machine(flags.optimize)
    module.triple = machine.triple
    return machine.emit_assembly(module)
