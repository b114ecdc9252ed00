"""A round: a process saves versions 1, 2, 3 ... and is killed, or finds no room; another must load the last one that was whole.

Processes are forked from one that has imported everything and done nothing: it takes a second to import, but none to fork.
"""

import contextlib
import os
import random
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator

from tests.fuzz.kills.kinds import KINDS

SECONDS = 120
SECONDS_OF_CALLS = 2
# Kinds of which loading writes what is missing.
COMPLETED = ("cache", "snapshot")
ROOM = 96 << 20  # bytes of a file system of its own
# What a save asks of the system, after any of which it may be killed.
CALLS = ("replace", "fsync", "pwrite", "ftruncate", "open", "mkdir", "remove", "rmdir")


class Process:
    """A fork that runs a function, and tells numbers on the way."""

    def __init__(self, run: Callable[[Callable[[int], None]], None]) -> None:
        self._read, write = os.pipe()
        sys.stdout.flush()
        self.number = os.fork()
        if self.number:
            os.close(write)
            return
        status = 1
        try:
            run(lambda told: os.write(write, b"%d\n" % told) and None)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def told(self, seconds: float = SECONDS) -> int | None:
        """The next number; None if the process has ended, or says nothing."""
        text = b""
        while not text.endswith(b"\n"):
            if not select.select([self._read], [], [], seconds)[0]:
                return None
            found = os.read(self._read, 1)
            if not found:
                return None
            text += found
        return int(text)

    def last_told(self, last: int) -> int:
        """What it told last before its end; `last` if nothing."""
        while (told := self.told()) is not None:
            last = told
        return last

    def end(self, sign: int | None = None) -> int:
        """Waits for the end, after sending a signal if there is one; returns the status."""
        if sign is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.number, sign)
        status = os.waitpid(self.number, 0)[1]
        return status

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """It stands still in the body."""
        os.kill(self.number, signal.SIGSTOP)
        os.waitid(os.P_PID, self.number, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        yield
        os.kill(self.number, signal.SIGCONT)

    def close(self) -> None:
        """Lets go of the pipe."""
        os.close(self._read)


def saving(kind: str, folder: str, first: int) -> Callable[[Callable[[int], None]], None]:
    """A process that saves version after version, and tells each that is saved."""

    def run(tell: Callable[[int], None]) -> None:
        save = KINDS[kind][0](folder)
        version = first
        while True:
            save(version)
            tell(version)
            version += 1

    return run


def dying_after(calls: int, inner: Callable[..., None]) -> Callable[..., None]:
    """A process that is killed by itself after a number of calls of the system."""

    def run(tell: Callable[[int], None]) -> None:
        left = calls

        def counted(call: Callable) -> Callable:
            def counting(*args: object, **options: object) -> object:
                nonlocal left
                result = call(*args, **options)
                left -= 1
                if left <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            return counting

        def tell_and_arm(version: int) -> None:
            tell(version)
            if not armed:
                armed.append(version)
                for name in CALLS:
                    setattr(os, name, counted(getattr(os, name)))

        armed: list[int] = []
        inner(tell_and_arm)

    return run


def loaded(kind: str, folder: str) -> int | None:
    """The version that another process finds; None if it fails."""
    process = Process(lambda tell: tell(KINDS[kind][1](folder)))
    found = process.told()
    process.end(None if found is not None else signal.SIGKILL)
    process.close()
    return found


def kill_once(kind: str, folder: str, choice: random.Random, before: int) -> tuple[int, int | None]:
    """Kills a process that saves over version `before`, maybe at once; returns (the last version saved, the version found)."""
    inner = saving(kind, folder, before + 1)
    by_calls = choice.random() < 0.5
    process = Process(dying_after(choice.randrange(1, 60), inner) if by_calls else inner)
    begin = time.monotonic()
    last = process.told()
    assert last is not None, f"{kind}: could not be saved"
    if not by_calls:
        length = time.monotonic() - begin
        time.sleep(choice.random() * min(length * 1.5, 0.5))
        process.end(signal.SIGKILL)
        last = process.last_told(last)
    else:
        ends = time.monotonic() + SECONDS_OF_CALLS
        while time.monotonic() < ends and (told := process.told(SECONDS_OF_CALLS)) is not None:
            last = told
        process.end(signal.SIGKILL)  # for kinds that ask the system for less
        last = process.last_told(last)
    process.close()
    return last, loaded(kind, folder)


def refuse_once(
    kind: str, folder: str, choice: random.Random, before: int
) -> tuple[int, int | None]:
    """Lets a process save until files may not grow beyond some size; returns as `kill_once` does."""

    def run(tell: Callable[[int], None]) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        sys.dont_write_bytecode = True  # Python keeps what it could write of a module

        def tell_and_limit(version: int) -> None:
            tell(version)
            limit = choice.randrange(1, 5 << 20)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        _silent(saving(kind, folder, before + 1))(tell_and_limit)

    return _until_refused(kind, Process(run)), loaded(kind, folder)


def fill_once(kind: str, folder: str, choice: random.Random, before: int) -> tuple[int, int | None]:
    """Lets a process save into a file system of its own, until that is full; returns as `kill_once` does."""
    process = Process(_silent(saving(kind, folder, before + 1)))
    room = choice.randrange(4096, 5 << 20)

    def leave_room() -> None:
        with process.stopped():
            _remount(folder, f"size={_used(folder) + room}")

    last = _until_refused(kind, process, leave_room)
    if kind in COMPLETED:
        _remount(folder, f"size={ROOM}")
    found = loaded(kind, folder)
    _remount(folder, f"size={ROOM}")
    return last, found


def forbid_once(
    kind: str, folder: str, choice: random.Random, before: int
) -> tuple[int, int | None]:
    """Lets a process save into a file system that may only be read, after one was killed there; returns as `kill_once` does."""
    last, found = kill_once(kind, folder, choice, before)
    if found is None:
        return last, found
    _remount(folder, "ro")
    process = Process(_silent(saving(kind, folder, found + 1)))
    told = process.told()
    assert told is None, f"{kind}: {told} was saved where nothing may be written"
    process.end(signal.SIGKILL)
    process.close()
    again = loaded(kind, folder)
    _remount(folder, "rw")
    return found, again


def _until_refused(
    kind: str, process: Process, after_first: Callable[[], None] = lambda: None
) -> int:
    """The last version that a process saved before it saw an error, or its time was over."""
    last = process.told()
    assert last is not None, f"{kind}: could not be saved"
    after_first()
    ends = time.monotonic() + SECONDS_OF_CALLS
    while time.monotonic() < ends and (told := process.told(2)) is not None:
        last = told
    process.end(signal.SIGKILL)
    last = process.last_told(last)
    process.close()
    return last


def _silent(
    run: Callable[[Callable[[int], None]], None],
) -> Callable[[Callable[[int], None]], None]:
    """The same without the error that is expected."""

    def silent(tell: Callable[[int], None]) -> None:
        sys.stderr = open(os.devnull, "w")
        run(tell)

    return silent


@contextlib.contextmanager
def file_system() -> Iterator[str]:
    """A folder that is a file system of its own, in memory; who asks is root."""
    folder = tempfile.mkdtemp()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        os.rmdir(folder)


def _used(folder: str) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def _remount(folder: str, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", folder], check=True)
