"""A line of JSON for each request, in a file."""

from __future__ import annotations

import datetime
import logging
import os
import sys
import threading
import time
from collections import deque
from typing import Any, NamedTuple

from penstock._src.serving.requirements import orjson
from penstock._src.serving.trust.changes import Stamp, stamp_of

_LOG = logging.getLogger("penstock.serving")
# Seconds between writes.
_INTERVAL = 0.2
# Lines that wait to be written; of further ones only the number is.
_MOST = 100_000
STANDARD_OUTPUT = "-"


class Entry(NamedTuple):
    """A request that is answered.

    Args:
      protocol: "http" or "grpc".
      method: of HTTP; the service and method of gRPC.
      path: of HTTP; empty for gRPC.
      status: HTTP's number, or gRPC's name.
      client: its address.
      key: the name of its API key; empty if there are none.
      received: bytes of its body or message.
      sent: bytes of the reply's.
      began: on Python's `time.perf_counter`.
    """

    protocol: str
    method: str
    path: str
    status: int | str
    client: str
    key: str
    received: int
    sent: int
    began: float


class AccessLog:
    """Writes entries in a separate thread, so that no request waits for a disk.

    Args:
      path: of the file, which lines are appended to; "-" for the standard output. If it is renamed, a new one is begun.

    Raises:
      OSError: it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._entries: deque[tuple[float, Entry, float]] = deque()
        self._lost = 0
        self._file = -1
        self._place: int | None = None
        self._open()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="access-log", daemon=True)
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Adds a request that has just been answered."""
        if len(self._entries) < _MOST:
            self._entries.append((time.time(), entry, time.perf_counter()))
        else:
            self._lost += 1

    def close(self) -> None:
        """Writes pending lines, and ends."""
        self._ended.set()
        self._thread.join()
        if self._path != STANDARD_OUTPUT:
            os.close(self._file)

    def _work(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self._write()
        self._write()

    def _write(self) -> None:
        waiting = len(self._entries)
        lines = [_line(*self._entries.popleft()) for _ in range(waiting)]
        lost, self._lost = self._lost, 0
        if lost:
            lines.append(orjson().dumps({"time": _when(time.time()), "lost": lost}))
        if not lines:
            return
        try:
            self._open()
            left = memoryview(b"\n".join(lines) + b"\n")
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            _LOG.error("%s: %d lines of the access log are lost: %s", self._path, waiting, error)

    def _open(self) -> None:
        """Opens the file, or a new one if it was renamed."""
        if self._path == STANDARD_OUTPUT:
            self._file = sys.stdout.fileno()
            return
        if self._file >= 0 and self._place == _place(self._path):
            return
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._place = _place(self._path)


def _place(path: str) -> int | None:
    stamp: Stamp = stamp_of(path)
    return None if stamp is None else stamp[0]


def _line(when: float, entry: Entry, ended: float) -> bytes:
    fields: dict[str, Any] = {"time": _when(when), **entry._asdict()}
    del fields["began"]
    fields["milliseconds"] = round((ended - entry.began) * 1000, 3)
    return orjson().dumps(fields)


def _when(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
