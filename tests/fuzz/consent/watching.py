"""Says what code touches: audit events of the interpreter, calls of `os` that raise none, and our file systems."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import penstock
from penstock._src.filesystems import files
from penstock._src.filesystems.ram.system import RAM
from penstock._src.filesystems.remote import system as remote

# Events that say that something is touched, whatever their arguments are.
ALWAYS = (
    "os.exec os.fork os.forkpty os.kill os.killpg os.posix_spawn os.spawn os.startfile os.system pty.spawn signal.pthread_kill "
    "socket.bind socket.connect socket.getaddrinfo socket.gethostbyaddr socket.gethostbyname socket.sendmsg socket.sendto "
    "sqlite3.connect subprocess.Popen syslog.openlog syslog.syslog urllib.Request webbrowser.open ftplib.connect http.client.connect"
).split()
# Events whose first arguments are paths.
OF_PATHS = (
    "open glob.glob os.add_dll_directory os.chdir os.chflags os.chmod os.chown os.getxattr os.link os.listdir os.listxattr os.lockf "
    "os.mkdir os.remove os.removexattr os.rename os.rmdir os.scandir os.setxattr os.symlink os.truncate os.utime os.walk os.fwalk "
    "shutil.chown shutil.copyfile shutil.copymode shutil.copystat shutil.copytree shutil.make_archive shutil.move shutil.rmtree "
    "shutil.unpack_archive tempfile.mkdtemp tempfile.mkstemp pathlib.Path.glob pathlib.Path.rglob ctypes.dlopen import"
).split()
# Events whose arguments are code or names of code: touched if they are ours.
OF_CODE = ("compile", "exec", "marshal.loads", "pickle.find_class")
# Functions of `os` without events.
SILENT = "access lstat readlink stat statvfs pathconf".split()
ENDING = ((os, "_exit"), (os, "abort"), (signal, "raise_signal"), (sys, "exit"))
# Files of the interpreter and of libraries, which are loaded at first use, and of the kernel cache.
OWN = tuple(
    os.path.realpath(place)
    for place in {
        sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(penstock.__file__).parent),
        str(Path(__file__).parents[3] / ".venv"), os.environ.get("PENSTOCK_CACHE_DIR", ""),
        os.path.expanduser("~/.cache/penstock"), os.path.expanduser("~/.config/penstock"), str(Path(__file__).parents[2]), "/proc", "/sys", "/dev", "/usr/lib", "/lib", "/etc/localtime",
        "/usr/share/zoneinfo", *[path for path in sys.path if "site-packages" in path or "dist-packages" in path],
    }
    if place
)  # fmt: skip


class Ended(BaseException):
    """Code would have ended the process."""


class Watch:
    """Notes what is touched while it is armed, by any thread.

    Args:
      marks: texts that are in every path, module and string of the bait.
    """

    def __init__(self, marks: tuple[str, ...]) -> None:
        self.marks, self.armed = marks, False
        self.touched: list[str] = []
        sys.addaudithook(self._hear)  # for good: while it is not armed it hears nothing

    def taken(self) -> list[str]:
        """Returns what was touched since the last call."""
        touched, self.touched = self.touched, []
        return touched

    @contextmanager
    def arm(self) -> Iterator[None]:
        """Within the block all is noted, and nothing ends the process."""
        places = [(os, name) for name in SILENT] + [(files, "system_of"), (remote, "remote_files")]
        before = [(owner, name, getattr(owner, name)) for owner, name in (*places, *ENDING)]
        for owner, name, function in before:
            ends = (owner, name) in ENDING
            setattr(owner, name, self._ending(name) if ends else self._of_path(name, function))
        methods = [name for name in vars(type(RAM)) if not name.startswith("_")]
        for name in methods:
            setattr(RAM, name, self._of_path(f"ram {name}", getattr(RAM, name)))
        self.armed = True
        try:
            yield
        finally:
            self.armed = False
            for owner, name, function in before:
                setattr(owner, name, function)
            for name in methods:
                delattr(RAM, name)

    def is_bait(self, argument: Any) -> bool:
        """True if an argument of a function or an event is bait."""
        if isinstance(argument, os.PathLike):
            argument = os.fspath(argument)
        if isinstance(argument, bytes | bytearray | memoryview):
            argument = bytes(argument).decode("latin-1")
        return isinstance(argument, str) and any(mark in argument for mark in self.marks)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        if event in ALWAYS:
            self._note(event, arguments)
        elif event in OF_PATHS:
            if any(map(self.is_bait, arguments)) or event == "open" and _is_foreign(arguments):
                self._note(event, arguments)
        elif event in OF_CODE:
            code = getattr(arguments[0], "co_filename", arguments[0])
            if any(map(self.is_bait, (code, *arguments[1:]))):
                self._note(event, arguments)

    def _note(self, event: str, arguments: Any) -> None:
        shown = ", ".join(repr(argument)[:150] for argument in arguments)
        self.touched.append(f"{event}({shown})")

    def _of_path(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any, **more: Any) -> Any:
            if self.armed and any(map(self.is_bait, arguments)):
                self._note(name, arguments)
            return function(*arguments, **more)

        return noting

    def _ending(self, name: str) -> Callable[..., Any]:
        def noting(*arguments: Any) -> Any:
            self._note(name, arguments)
            raise Ended(name)

        return noting


def _is_foreign(arguments: tuple[Any, ...]) -> bool:
    """True if `open` is called for a file of neither the interpreter, nor a library, nor the cache; or for one of theirs to write."""
    path, mode, flags = arguments
    if not isinstance(path, str | bytes):
        return False  # a descriptor
    real = os.path.realpath(os.fsdecode(path))
    is_own = any(real == place or real.startswith(f"{place}/") for place in OWN)
    return not is_own
