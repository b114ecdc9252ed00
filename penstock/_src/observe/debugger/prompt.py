"""pdb, in frames that replicate the user's."""

from __future__ import annotations

import atexit
import bdb
import pdb
import sys
import types
from typing import Any

from penstock._src.observe.debugger.frames import is_replaying, stands_for_users
from penstock._src.util.locations import PLUMBING, belongs_to_library, is_own

atexit.register(sys.settrace, None)  # a dialogue that goes on must not see the interpreter end

Stack = list[tuple[types.FrameType, int]]


class Prompt(pdb.Pdb):
    """Python's debugger, which passes over the frames of libraries.

    Args:
      streams: (input, output) of the dialogue; None: the terminal's or notebook's.
    """

    def __init__(self, streams: tuple[Any, Any] | None = None) -> None:
        stdin, stdout = streams or (None, None)
        super().__init__(stdin=stdin, stdout=stdout, nosigint=True)
        self.prompt = "(penstock) "

    def say(self, text: str) -> None:
        """Writes a line to the dialogue."""
        self.message(text)

    def stop_here(self, frame: types.FrameType) -> bool:
        """True if to stop in a frame: not in those of libraries, and in a replay in none but its own."""
        if is_replaying() and not stands_for_users(frame):
            return False
        return not _is_hidden(frame) and super().stop_here(frame)  # type: ignore[no-any-return]

    def set_stepinstr(self) -> None:
        """Begins at the next line, where `pdb` since Python 3.13 begins at the next instruction, which replicas of lines lack."""
        self.set_step()

    def get_stack(self, f: Any, t: Any) -> tuple[Stack, int]:
        """Returns the frames that are shown, and the index of the current one."""
        stack, _ = super().get_stack(f, t)
        shown = [(frame, line) for frame, line in stack if not _is_hidden(frame)]
        return shown, max(0, len(shown) - 1)

    def stop_in(self, frame: types.FrameType, why: str) -> None:
        """Begins the dialogue in the line that runs, for a reason."""
        self.reset()
        self.say(why)
        self.botframe = None  # type: ignore[assignment]
        self._set_stopinfo(None, None)  # type: ignore[attr-defined]
        self.interaction(frame, None)
        if self.quitting:
            raise bdb.BdbQuit
        is_continuing = self.stoplineno == -1
        if is_continuing and not self.breaks:
            return
        around: types.FrameType | None = frame
        while around is not None:
            around.f_trace = self.trace_dispatch
            self.botframe, around = around, around.f_back
        if is_continuing:
            self._set_stopinfo(self.botframe, None, -1)  # type: ignore[attr-defined]
        sys.settrace(self.trace_dispatch)


def _is_hidden(frame: types.FrameType) -> bool:
    """True of frames between the user's."""
    file = frame.f_code.co_filename
    if str(frame.f_globals.get("__name__")).startswith("penstock."):  # code that `exec` made, too
        return True
    return is_own(file) or belongs_to_library(file) or any(part in file for part in PLUMBING)


def users_frame() -> types.FrameType:
    """The innermost frame of the user's program that runs; the outermost frame if there is none."""
    frame = sys._getframe(1)
    while _is_hidden(frame) and frame.f_back is not None:
        frame = frame.f_back
    return frame
