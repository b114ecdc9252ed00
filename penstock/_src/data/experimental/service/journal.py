"""Journal: the changes of a dispatcher's state, in a file that outlives the process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from penstock._src.core.errors import DataLossError, FailedPreconditionError
from penstock._src.data.experimental.service.messages import DispatcherChange
from penstock._src.filesystems import files
from penstock._src.filesystems.whole import write_whole
from penstock._src.util.files.records import (
    DamagedRecord,
    RecordCutShort,
    frame,
    read_records,
)

FOLDER, NAME = "tf_data_dispatcher_journal", "journal"
LARGE = 64 << 20  # size in bytes from which a journal is rewritten
_OFTEN = ("split", "stream_split")
VERSION = 2  # of the format of changes; a journal begins with it
# Interval of syncs of splits: a sync takes milliseconds, and workers request each element.
UNSYNCED_SECONDS = 0.05


class Journal:
    """Keeps changes in a record file.

    Args:
      folder: the `work_dir` of a dispatcher; made if there is none.
    """

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, FOLDER, NAME)
        self._system = files.system_of(self.path)
        self._log: Any = None
        self._size, self._most = 0, LARGE
        self._synced = 0.0
        self._lock = threading.Lock()

    def changes(self) -> list[Any]:
        """The DispatcherChange messages of an earlier dispatcher, in order. A last one that was cut short was never answered.

        Raises:
          DataLossError: the file is damaged.
          FailedPreconditionError: another version has written it.
        """
        entries = self._read()
        if entries and entries[0].version != VERSION:
            raise FailedPreconditionError(
                f"tf.data service: the dispatcher's journal {self.path} is of version {entries[0].version}, and this is version "
                f"{VERSION}. Let the version that wrote it end its jobs, or choose another `work_dir`."
            )
        return entries[1:]

    def _read(self) -> list[Any]:
        if not files.exists(self.path):
            return []
        entries: list[Any] = []
        with files.open_file(self.path) as file:
            records = read_records(file, self.path)
            try:
                entries.extend(DispatcherChange.FromString(record) for record in records)
            except RecordCutShort:
                return entries
            except DamagedRecord as error:
                raise DataLossError(
                    f"tf.data service: the dispatcher's journal: {error}"
                ) from error
            except DecodeError as error:
                raise DataLossError(
                    f"tf.data service: the dispatcher's journal {self.path}: {error}"
                ) from error
        return entries

    def begin(self, changes: Iterable[Any]) -> None:
        """Replaces the journal by a new one."""
        with self._lock:
            self._close()
            files.make_folders(os.path.dirname(self.path))
            entries = [DispatcherChange(version=VERSION), *changes]
            contents = b"".join([frame(each.SerializeToString()) for each in entries])
            write_whole(self.path, contents)
            self._size, self._most = len(contents), max(LARGE, 2 * len(contents))
            self._log = self._system.open_log(self.path)

    def append(self, change: Any) -> None:
        """Adds a change, safe from the end of the process, and, but for the splits of the last moment, from that of the machine.

        It raises TensorFlow's error where that is impossible.
        """
        record = frame(change.SerializeToString())
        with self._lock:
            if self._log is None:
                return  # the dispatcher is stopped
            self._log.write(record)
            self._log.flush()
            now = time.monotonic()
            if change.WhichOneof("change") not in _OFTEN or now > self._synced + UNSYNCED_SECONDS:
                self._system.sync(self._log)
                self._synced = now
            self._size += len(record)

    @property
    def is_large(self) -> bool:
        """True if the journal is large enough to be rewritten."""
        return self._size > self._most

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None
