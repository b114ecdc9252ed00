"""The files of a dump."""

import collections
import os
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

from penstock._src.filesystems.files import exists, make_folders, open_file
from penstock._src.observe.debug_events import messages
from penstock._src.util.files.records import frame
from penstock._src.version import VERSION

_FILE_VERSION = "debug.Event:1"
# Field of a DebugEvent -> the file for it.
_FILES = {
    "source_file": "source_files",
    "stack_frame_with_id": "stack_frames",
    "graph_op_creation": "graphs",
    "debugged_graph": "graphs",
    "debugged_device": "graphs",
    "execution": "execution",
    "graph_execution_trace": "graph_execution_traces",
}
_OF_EXECUTION = ("execution", "graph_execution_traces")


def _free_base(dump_root: str) -> str:
    """The prefix of a dump's file names: a second at which no other dump of the folder began."""
    second, host = int(time.time()), socket.gethostname()
    while exists(os.path.join(dump_root, f"tfdbg_events.{second:010d}.{host}.metadata")):
        second += 1
    return os.path.join(dump_root, f"tfdbg_events.{second:010d}.{host}")


class DebugEventsWriter:
    """The writer of a dump.

    Events of executions wait in buffers, which keep the latest ones, until `FlushExecutionFiles`.

    Args:
      dump_root: the folder.
      tfdbg_run_id: names the run.
      circular_buffer_size: the number of events that a buffer keeps; 0 or less: all are written at once.

    Attributes:
      is_closed: True if it writes no more.

    Raises:
      ValueError: there is no folder.
    """

    def __init__(self, dump_root: str, tfdbg_run_id: str, circular_buffer_size: int = 1000) -> None:
        if not dump_root:
            raise ValueError("Empty or None dump root")
        self.dump_root = dump_root
        self._lock = threading.Lock()
        self._devices: dict[str, int] = {}
        self.is_closed = False
        self._waiting: dict[str, collections.deque[bytes]] = {}
        if circular_buffer_size > 0:
            self._waiting = {
                name: collections.deque(maxlen=circular_buffer_size) for name in _OF_EXECUTION
            }
        make_folders(dump_root)
        base = _free_base(dump_root)
        metadata = messages.DebugMetadata(
            tensorflow_version=VERSION, file_version=_FILE_VERSION, tfdbg_run_id=tfdbg_run_id
        )
        head = messages.DebugEvent(debug_metadata=metadata, wall_time=time.time())
        names = ("metadata", *dict.fromkeys(_FILES.values()))
        self._files = {name: open_file(f"{base}.{name}", "wb") for name in names}
        self._files["metadata"].write(frame(head.SerializeToString()))
        self._files["metadata"].flush()

    def write(self, **event: Any) -> None:
        """Writes an event, or has it wait; nothing once the writer is closed.

        Args:
          **event: a field of DebugEvent and its message.
        """
        ((field, _),) = event.items()
        record = frame(messages.DebugEvent(wall_time=time.time(), **event).SerializeToString())
        with self._lock:
            if self.is_closed:
                return
            name = _FILES[field]
            if name in self._waiting:
                self._waiting[name].append(record)
            else:
                self._files[name].write(record)

    def RegisterDeviceAndGetId(self, device_name: str) -> int:
        """Returns the number of a device, starting at 1; the graphs' file maps numbers to devices."""
        if device_name not in self._devices:
            number = self._devices[device_name] = len(self._devices) + 1
            device = messages.DebuggedDevice(device_name=device_name, device_id=number)
            self.write(debugged_device=device)
        return self._devices[device_name]

    def FlushNonExecutionFiles(self) -> None:
        """Writes pending sources, stacks and graphs."""
        self._flush(name for name in self._files if name not in _OF_EXECUTION)

    def FlushExecutionFiles(self) -> None:
        """Writes the events of executions that wait."""
        self._flush(_OF_EXECUTION)

    def Close(self) -> None:
        """Writes all that waits, and closes the files."""
        self._flush(self._files)
        with self._lock:
            if not self.is_closed:
                self.is_closed = True
                for file in self._files.values():
                    file.close()

    def _flush(self, names: Iterable[str]) -> None:
        with self._lock:
            if self.is_closed:
                return
            for name in names:
                waiting = self._waiting.get(name)
                if waiting:
                    self._files[name].write(b"".join(waiting))
                    waiting.clear()
                self._files[name].flush()
