"""Shared libraries and programs of a built model: linked by this system's compiler for itself, or by the ziglang wheel for any machine."""

import functools
import importlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from penstock._src.aot.targets import Machine, machine_of
from penstock._src.core.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
)
from penstock._src.util.process.installing import pip_install
from penstock._src.util.process.progress import Progress

_MINUTES = 10
WASM_STACK = 256 << 10  # bytes


@functools.cache
def has_zig() -> bool:
    """True if the ziglang wheel is installed."""
    try:
        importlib.import_module("ziglang")
    except ImportError:
        return False
    return True


def compiler_of(machine: Machine) -> list[str]:
    """The command of a C compiler and linker for a machine.

    Raises:
      FailedPreconditionError: there is none.
    """
    own = machine_of("native")
    system = shutil.which("cc") or shutil.which("clang") or shutil.which("gcc")
    if system and machine.name == own.name:
        return [system]
    if has_zig():
        return [sys.executable, "-m", "ziglang", "cc", "-target", machine.zig]
    raise FailedPreconditionError(
        None, None, f"Linking for {machine.name} needs the ziglang wheel: {pip_install('aot')}."
    )


def can_link(machine: Machine) -> bool:
    """True if a linker for this machine is available."""
    try:
        compiler_of(machine)
    except FailedPreconditionError:
        return False
    return True


def link_shared(
    machine: Machine, objects: Sequence[Path], output: Path, exports: Sequence[str]
) -> None:
    """Links a shared library, or a WebAssembly module.

    Args:
      machine: whose.
      objects: files.
      output: the file to write.
      exports: symbols that are seen from outside.
    """
    system, architecture = machine.target.system, machine.target.architecture
    command = compiler_of(machine)
    files = [str(path) for path in objects]
    what = f"linking {output.name} for {machine.name}"
    if architecture == "wasm32":
        # With the C library; a module contains only the functions that it calls.
        flags = ["-mexec-model=reactor", "-s", "-Wl,--no-entry", "-Wl,--export-table"]
        flags += [f"-Wl,-z,stack-size={WASM_STACK}"]
        flags += [f"-Wl,--export={name}" for name in exports]
        run([*command, *flags, "-o", str(output), *files], what)
        return
    flags = ["-shared", "-s"]
    if system == "linux":
        flags += [f"-Wl,-soname,{output.name}", "-Wl,--gc-sections"]
    run(
        [
            *command,
            *flags,
            "-o",
            str(output),
            *files,
            *(["-lm", "-pthread"] if system == "linux" else []),
        ],
        what,
    )


def run(command: Sequence[str], what: str) -> str:
    """Return the output of a command, and say what it does if that takes long: at its first use for a machine, zig builds its C library.

    Raises:
      InternalError: it fails.
      DeadlineExceededError: it takes ten minutes.
    """
    try:
        with Progress(what):
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60 * _MINUTES, check=False
            )
    except subprocess.TimeoutExpired as error:
        raise DeadlineExceededError(
            None, None, f"{' '.join(command)}\ndid not end in {_MINUTES} minutes."
        ) from error
    if done.returncode:
        raise InternalError(None, None, f"{' '.join(command)}\n{done.stderr or done.stdout}")
    return done.stdout
