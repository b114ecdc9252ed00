"""Compiles IR text to object code on several threads.

llvmlite holds a lock during every call, so that two threads compile no faster than one. The lock is unnecessary if each
thread has its own LLVM context and target machine, so the five expensive calls go to the C functions directly. No LLVM
passes run: the generated IR is already vectorized and in SSA form, and passes gained less than 1 % in measurements.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core import errors
from penstock._src.util.flags import flags
from penstock._src.util.process import forks

from ..code import Code
from ..target import Target
from . import binding, initialize


class _Count:
    """Counts the modules that this process has compiled, for whatever purpose."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = forks.freed_in_child(threading.Lock())

    def add(self) -> None:
        with self._lock:
            self.number += 1


COMPILATIONS = _Count()


def _unlocked(name: str) -> Callable:
    """llvmlite's C function without the lock, or with it if a later llvmlite hides the function."""
    # ctypes releases the interpreter's lock during the call.
    function = getattr(binding().ffi.lib, name)
    return getattr(function, "_cfn", function)


def compile_object(text: str, machine: Any, verify: bool = False) -> bytes:
    """Compiles IR text in its own LLVM context; thread-safe."""
    llvm = binding()
    # Named, so that it lives longer than the module, which belongs to it.
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
            # 1 asks for object code, 0 for assembly.
            memory = _unlocked("LLVMPY_TargetMachineEmitToMemory")(machine, module, 1, error)
            if not memory:
                raise errors.InternalError(f"LLVM could not compile the generated code: {error}")
        COMPILATIONS.add()
        start = _unlocked("LLVMPY_GetBufferStart")(memory)
        return ctypes.string_at(start, _unlocked("LLVMPY_GetBufferSize")(memory))
    finally:
        if memory:
            _unlocked("LLVMPY_DisposeMemoryBuffer")(memory)
        _unlocked("LLVMPY_DisposeModule")(module)


def machine_for(target: Target, opt: int = 2) -> Any:
    """A new target machine of LLVM: one for each compiling thread."""
    # On Windows, a process's libraries may be out of reach of the 32 bits of an address in code.
    model = "large" if target.system == "windows" else "small"
    initialize()
    return (
        binding()
        .Target.from_triple(target.triple)
        .create_target_machine(
            cpu=target.cpu, features=target.features, opt=opt, reloc="pic", codemodel=model
        )
    )


class _LoopStrengthReduction:
    """LLVM's loop strength reduction, an option of the process: it is off while kernels for x86-64 are compiled.

    It takes a fifth of the time, and gains nothing for loops whose addresses are written as they are to be computed. Others who
    use llvmlite in this process have it as before.
    """

    def __init__(self) -> None:
        self._lock, self._users = forks.freed_in_child(threading.Lock()), 0

    @contextlib.contextmanager
    def off_for(self, target: Target) -> Iterator[None]:
        """Switches it off for a block in which code for a target is compiled, if that is x86-64."""
        if target.architecture != "x86_64":
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
            # An option is of the process: only the first user sets it, and the last one resets it.
            if not (before and self._users):
                off = "true" if self._users else "false"
                binding().set_option("penstock", f"-disable-lsr={off}")


_LOOP_STRENGTH_REDUCTION = _LoopStrengthReduction()


class _Machines:
    """LLVM's target machines that no thread uses.

    A new one takes 0.3 ms to make, and a millisecond more to find out what its processor has when it first compiles: a fifth of the time of
    a small kernel.
    """

    def __init__(self) -> None:
        self._free: dict[tuple[Target, int], list[Any]] = {}

    @contextlib.contextmanager
    def one_for(self, target: Target) -> Iterator[Any]:
        """A machine for a target that no other thread uses during a block."""
        free = self._free.setdefault((target, flags.optimize), [])
        try:
            machine = free.pop()
        except IndexError:
            machine = machine_for(target, flags.optimize)
        yield machine
        free.append(machine)  # unless the block failed


_MACHINES = _Machines()


class Compilation:
    """Compiles codes on threads, from the moment each is added: while others are still being written.

    A context: its end waits for all codes, and raises the first error. After an error of the body, codes that no thread has begun are left.

    Args:
      threads: the most that compile at once.
      done: called with each code and its object code, on any thread.
      verify: True lets LLVM check each module.
    """

    def __init__(
        self, threads: int, done: Callable[[Code, bytes], None], verify: bool = False
    ) -> None:
        self.threads, self.done, self.verify = threads, done, verify
        self._todo: list[Code] = []
        self._changed = threading.Condition()
        self._is_complete = False  # no code is added any more
        self._crew: list[threading.Thread] = []
        self._begun: list[threading.Thread] = []  # those of the crew that work, or have worked
        self._failures: list[BaseException] = []
        self._options = contextlib.ExitStack()

    def __enter__(self) -> Compilation:
        return self

    def add(self, code: Code) -> None:
        """Compiles a code, soon."""
        initialize()
        if not self._todo and not self._crew:
            self._options.enter_context(_LOOP_STRENGTH_REDUCTION.off_for(code.target))
        with self._changed:
            self._todo.append(code)
            self._changed.notify()
        if self.threads > 1 and len(self._crew) < self.threads:
            thread = threading.Thread(target=self._begin, name="penstock-compile")
            self._crew.append(thread)
            thread.start()

    def __exit__(self, kind: Any, *_: Any) -> None:
        with self._options:
            with self._changed:
                if kind is not None:
                    self._todo.clear()
                self._is_complete = True
                self._changed.notify_all()
            if not self._crew:
                self._work()
            # Ctrl-C while a thread was being started: it can't be joined yet, and finds nothing to do.
            for thread in self._crew if kind is None else self._begun:
                thread.join()
        if self._failures and kind is None:
            raise self._failures[0]

    def _begin(self) -> None:
        with self._changed:
            self._begun.append(threading.current_thread())
        self._work()

    def _work(self) -> None:
        while (code := self._next()) is not None:
            try:
                with _MACHINES.one_for(code.target) as machine:
                    data = compile_object(code.text, machine, self.verify)
                self.done(code, data)
            except BaseException as failure:  # raised again by __exit__, on the caller's thread
                self._failures.append(failure)

    def _next(self) -> Code | None:
        """The longest code that waits; None at the end, or after an error."""
        with self._changed:
            while not self._todo and not self._is_complete and not self._failures:
                self._changed.wait()
            if self._failures or not self._todo:
                return None
            # The longest first, so that none begins when all other threads are done.
            self._todo.sort(key=lambda code: len(code.text))
            return self._todo.pop()


def assembly(code: Code) -> str:
    """The assembly text of a code, for reading."""
    initialize()
    llvm = binding()
    module = llvm.parse_assembly(code.text, llvm.create_context())
    machine = machine_for(code.target, flags.optimize)
    module.triple = machine.triple
    with _LOOP_STRENGTH_REDUCTION.off_for(code.target):
        return machine.emit_assembly(module)
