"""Numbers of the lines of source in a dump."""

import contextlib
import os
import socket
import sys
import threading
import uuid
from typing import Any

from penstock._src.observe.debug_events import messages
from penstock._src.observe.debug_events.writer import DebugEventsWriter
from penstock._src.util.locations import is_own


class Stacks:
    """The frames and source files that a dump has."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str, int, str], str] = {}
        self._files: dict[str, int] = {}
        self._host = socket.gethostname()
        self._lock = threading.Lock()

    def here(self, writer: DebugEventsWriter) -> Any:
        """Returns the message of the calling stack without Penstock's own frames, the outermost first; new frames and files are written."""
        identifiers = []
        frame = sys._getframe(1)
        while frame is not None:
            code = frame.f_code
            if not is_own(code.co_filename) and code.co_filename != contextlib.__file__:
                identifiers.append(
                    self._frame(writer, code.co_filename, frame.f_lineno, code.co_name)
                )
            frame = frame.f_back  # type: ignore[assignment]
        return messages.CodeLocation(host_name=self._host, stack_frame_ids=identifiers[::-1])

    def _frame(self, writer: DebugEventsWriter, file: str, line: int, function: str) -> str:
        key = (os.path.abspath(file), line, function)
        with self._lock:
            if key not in self._frames:
                self._frames[key] = str(uuid.uuid4())
                message = messages.StackFrameWithId(id=self._frames[key])
                place = message.file_line_col
                place.file_index = self._file(writer, key[0])
                place.line, place.func = line, function
                writer.write(stack_frame_with_id=message)
            return self._frames[key]

    def _file(self, writer: DebugEventsWriter, path: str) -> int:
        """The number of a source file; its lines are written if it can be read."""
        if path not in self._files:
            self._files[path] = len(self._files)
            lines: list[str] = []
            if path.endswith((".py", ".pyi")) and os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    lines = file.read().split("\n")
            writer.write(
                source_file=messages.SourceFile(file_path=path, host_name=self._host, lines=lines)
            )
        return self._files[path]
