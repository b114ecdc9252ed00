"""Compiles IR text to object code on several threads.

llvmlite holds a lock during every call, so that two threads compile no faster than one. The lock is unnecessary if each
thread has its own LLVM context and target machine, so the five expensive calls go to the C functions directly. No LLVM
passes run: the generated IR is already vectorized and in SSA form, and passes gained less than 1 % in measurements.
"""

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence

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


class _LoopStrengthReduction:
    """LLVM's loop strength reduction, an option of the process: it is off while kernels for x86-64 are compiled.

    It takes a fifth of the time, and gains nothing for loops whose addresses are written as they are to be computed. Others who
    use llvmlite in this process have it as before.
    """

    def __init__(self) -> None:
        self._lock, self._users = threading.Lock(), 0

    @contextlib.contextmanager
    def off_for(self, codes: Sequence[Code]) -> Iterator[None]:
        """Switches it off for a block in which codes are compiled, if one is for x86-64."""
        if not any(code.target.architecture == "x86_64" for code in codes):
            yield
            return
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            before, self._users = self._users, self._users + change
            if not (before and self._users):
                off = "true" if self._users else "false"
                llvm.set_option("penstock", f"-disable-lsr={off}")


_LOOP_STRENGTH_REDUCTION = _LoopStrengthReduction()


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
    with _LOOP_STRENGTH_REDUCTION.off_for(codes):
        _run_on(threads, work, len(todo))
    if failures:
        raise failures[0]


def _run_on(threads: int, work: Callable[[], None], tasks: int) -> None:
    """Runs `work` on as many threads as there are tasks for."""
    if tasks <= 1 or threads <= 1:
        work()
    else:
        crew = [
            threading.Thread(target=work, name="penstock-compile")
            for _ in range(min(threads, tasks))
        ]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()


def assembly(code: Code) -> str:
    """The assembly text of a code, for reading."""
    initialize_llvm()
    module = llvm.parse_assembly(code.text, llvm.create_context())
    machine = code.target.machine(flags.optimize)
    module.triple = machine.triple
    with _LOOP_STRENGTH_REDUCTION.off_for([code]):
        return machine.emit_assembly(module)
