"""Events that workers report to their launcher: lines on standard error that the launcher removes from the output."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import asdict, dataclass

MARK = "\x1epenstock "
STARTED, FINISHED, FAILED = "started", "finished", "failed"


@dataclass(frozen=True)
class Event:
    """Something that happened to a worker.

    rank    of the worker
    kind    STARTED, FINISHED or FAILED
    text    of a failure: the error in one line
    status  of an end: the exit status
    """

    rank: int
    kind: str
    text: str = ""
    status: int = 0
    process: int = 0
    host: str = ""


def tell(rank: int, kind: str, text: str = "", status: int = 0, process: int = 0) -> None:
    """Writes an event of a process, by default this one."""
    event = Event(rank, kind, text, status, process or os.getpid(), socket.gethostname())
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, f"\n{MARK}{json.dumps(asdict(event))}\n".encode())  # whole, as one piece


def read(line: str) -> Event | None:
    """Returns the event that a line reports, or None."""
    _, mark, told = line.partition(MARK)
    try:
        return Event(**json.loads(told)) if mark else None
    except (json.JSONDecodeError, TypeError):  # pieces of other processes' lines are between
        return None
