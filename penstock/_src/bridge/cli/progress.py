"""What is going on, on a terminal only, once it has taken two seconds."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

PATIENCE = 2.0  # seconds without a word
INTERVAL = 0.5
CLEAR = "\r\x1b[K"


class Progress:
    """A line on the terminal that says what runs, and for how long; nothing elsewhere.

    with Progress("measuring 12 products") as progress:
        progress.done(3, 12)   # a bar
        progress.say("...")    # a line that stays
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._share: float | None = None
        self._shown = sys.stderr.isatty()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        if self._shown:
            self._thread = threading.Thread(target=self._draw_until_ended, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def done(self, count: float, of: float, what: str | None = None) -> None:
        """Shows a bar of so much of the whole, and, if given, another text."""
        with self._lock:
            self._share = min(1.0, count / of) if of else None
            self.what = what or self.what

    def say(self, line: str) -> None:
        """Prints a line that stays."""
        with self._lock:
            if self._shown:
                print(end=CLEAR, file=sys.stderr, flush=True)
            print(line, flush=True)

    def _draw_until_ended(self) -> None:
        start, wait, drawn = time.monotonic(), PATIENCE, False
        while not self._ended.wait(wait):
            wait, drawn = INTERVAL, True
            with self._lock:
                print(end=CLEAR + self.line(time.monotonic() - start), file=sys.stderr, flush=True)
        if drawn:
            print(end=CLEAR, file=sys.stderr, flush=True)

    def line(self, seconds: float) -> str:
        """The line after so many seconds."""
        text = f"{self.what}: {seconds:.0f} s"
        if self._share is None:
            return text
        full = round(20 * self._share)
        return f"{text}  [{'#' * full}{'.' * (20 - full)}] {self._share:.0%}"
