"""A round: a process saves versions 1, 2, 3 ... and is killed, or finds no room; another must load the last one that was whole.

Processes are forked from one that has imported everything and done nothing: it takes a second to import, but none to fork.
"""

import contextlib
import os
import random
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable

from tests.fuzz.kills.kinds import KINDS

SECONDS = 120
SECONDS_OF_CALLS = 10
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
    """Lets a process save until files may not grow beyond some size; returns as `kill_once` does. The process must see an error."""
    inner = saving(kind, folder, before + 1)

    def run(tell: Callable[[int], None]) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        def tell_and_limit(version: int) -> None:
            tell(version)
            limit = choice.randrange(1, 5 << 20)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        sys.stderr = open(os.devnull, "w")  # the error that is expected
        inner(tell_and_limit)

    process = Process(run)
    last = process.told()
    assert last is not None, f"{kind}: could not be saved"
    ends = time.monotonic() + 10
    while time.monotonic() < ends and (told := process.told(2)) is not None:
        last = told
    process.end(signal.SIGKILL)
    last = process.last_told(last)
    process.close()
    return last, loaded(kind, folder)
