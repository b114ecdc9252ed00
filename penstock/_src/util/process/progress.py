"""Progress line of a task that has taken two seconds, on a terminal or in a notebook only; `PENSTOCK_PROGRESS=0` is silent."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from types import TracebackType
from typing import Any, Protocol

from penstock._src.util.flags import flags

from . import forks

PATIENCE = 2.0  # seconds without a word
INTERVAL = 0.5
CLEAR = "\r\x1b[K"


class Progress:
    """A line that shows what runs, and for how long; no output without a view.

    with Progress("measuring 12 products") as progress:
        progress.done(3, 12)   # a bar
        progress.say("...")    # a line that stays

    One within another, or beside one of another thread, is silent: the outer one says what the user asked for.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self.part = ""
        self._share: float | None = None
        self._view: View | None = None
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        global _drawn
        if _drawn is None:
            self._view = view()
        if self._view is not None:
            _drawn = self
            # The context selects the notebook cell of the line.
            run = contextvars.copy_context().run
            self._thread = threading.Thread(
                target=run, args=(self._draw_until_ended, self._view), daemon=True
            )
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _drawn
        self._ended.set()
        if self._thread is not None:
            _drawn = None
            self._thread.join()

    def done(self, count: float, of: float, what: str | None = None) -> None:
        """Shows a bar with a completed share, and optionally another text."""
        with self._lock:
            self._share = min(1.0, count / of) if of else None
            self.what = what or self.what

    def say(self, line: str) -> None:
        """Prints a line that stays."""
        with self._lock:
            if self._view is not None:
                self._view.clear()
            print(line, flush=True)

    def _draw_until_ended(self, shown: View) -> None:
        start, wait, drawn = time.monotonic(), PATIENCE, False
        while not self._ended.wait(wait):
            wait, drawn = INTERVAL, True
            with self._lock:
                shown.draw(self.line(time.monotonic() - start))
        if drawn:
            shown.end(f"{self.what}: {time.monotonic() - start:.0f} s")

    def line(self, seconds: float) -> str:
        """Return the line after `seconds` seconds."""
        text = f"{self.what}: {seconds:.0f} s"
        if self.part:
            text += f", {self.part}"
        if self._share is None:
            return text
        full = round(20 * self._share)
        return f"{text}  [{'#' * full}{'.' * (20 - full)}] {self._share:.0%}"


_drawn: Progress | None = None  # the one that is on the screen, or will be


def note(part: str, count: int = 0, of: int = 0) -> None:
    """Adds to the line on the screen, if there is one, the current item of its work, and the progress.

    Args:
      part: of the work.
      count: of the part's steps, that are done.
      of: how many there are; 0 if it is not known.
    """
    drawn = _drawn
    if drawn is not None:
        drawn.part = f"{part} {count} of {of}" if of else part


def _forget() -> None:
    global _drawn
    _drawn = None  # its thread is the parent's


forks.call_in_child(_forget)


class View(Protocol):
    """Place where a line is shown."""

    def draw(self, line: str) -> None:
        """Replaces the shown line."""

    def clear(self) -> None:
        """Makes room for other text."""

    def end(self, line: str) -> None:
        """Shows the last line, or none."""


class Terminal:
    """A terminal, on which the line goes in the end."""

    def draw(self, line: str) -> None:
        """Writes over the line before."""
        print(end=CLEAR + line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Empties the line."""
        self.draw("")

    def end(self, line: str) -> None:
        """Empties the line."""
        self.draw("")


class Cell:
    """An output of a notebook's cell, where the last line stays."""

    def __init__(self, display: Any) -> None:
        self._display = display
        self._handle: Any = None

    def draw(self, line: str) -> None:
        """Replaces the output."""
        data = {"text/plain": line}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True)
        else:
            self._handle.update(data, raw=True)

    def clear(self) -> None:
        """Does nothing: other text is another output."""

    def end(self, line: str) -> None:
        """Replaces the output for the last time."""
        self.draw(line)


def view() -> View | None:
    """Return the view of this process's messages; None if there is none, or the user wants none."""
    if not flags.progress:
        return None
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if hasattr(shell, "kernel"):
        return Cell(sys.modules["IPython.display"].display)
    stream = sys.stderr
    return Terminal() if stream is not None and not stream.closed and stream.isatty() else None
