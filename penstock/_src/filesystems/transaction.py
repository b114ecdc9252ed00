"""Several files that change together: afterwards either all are new, or all as before, even if the process is killed.

Each is written under a temporary name. If none of the names was taken, they are renamed in the order in which they were begun, the
one last without which the others are nothing. Otherwise a record of what is to be renamed is written first, and removed at the end:
who finds it (`recover`) renames the rest. Renaming what is renamed already does nothing, so that a reader may help a writer that
is alive.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import BinaryIO

from penstock._src.core import errors
from penstock._src.core.calls.consent import is_below
from penstock._src.filesystems import files
from penstock._src.filesystems.translation import naming, translated
from penstock._src.filesystems.whole import write_whole
from penstock._src.util.files.whole import is_left_over, is_temporary, temporary_path
from penstock._src.util.lazy import ByName

_ENDING = ".commit"
# Imported by name: with all formats of archives, which processes that only read need not.
_COPY_MODE = ByName("shutil", "copymode")


def record_of(path: str) -> str:
    """The path of the record of files that belong to `path`: hidden, beside it."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}{_ENDING}")


class Transaction:
    """Files that get their names together, when the body of a `with` statement ends; without it, they are removed.

    Args:
      path: what they belong to: the prefix of a checkpoint, the folder of a model. Readers call `recover` with it.
    """

    def __init__(self, path: str) -> None:
        self._record = record_of(path)
        self._places: dict[str, str] = {}

    def __enter__(self) -> "Transaction":
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self.commit()
        else:
            self.abandon()

    def place(self, path: str) -> str:
        """The temporary name under which a file is to be written, and synced."""
        if path not in self._places:
            self._places[path] = temporary_path(path)
        return self._places[path]

    def take(self, path: str, written: str) -> None:
        """Rename an already written local file to `path`, in the same file system, with the mode of the file that it replaces."""
        if os.path.exists(path):
            _COPY_MODE(path, written)
        with open(written, "rb") as file:
            os.fsync(file.fileno())
        self._places[path] = written

    def written(self, path: str) -> str:
        """The name under which the contents of `path` are now."""
        return self._places.get(path, path)

    @contextlib.contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Opens a file to write; it is safe when the body ends."""
        place = self.place(path)
        with naming(path, place), translated(path), files.open_file(place, "wb") as file:
            yield file
            files.system_of(path).sync(file)

    def commit(self) -> None:
        """Rename all files to their final names."""
        folder = os.path.dirname(self._record)
        is_replacing = len(self._places) > 1 and any(map(files.exists, self._places))
        if is_replacing:
            pairs = [
                [files.relative_to(path, folder) for path in (temporary, final)]
                for final, temporary in self._places.items()
            ]
            write_whole(self._record, json.dumps(pairs))
        _rename(dict(self._places))
        if is_replacing:
            files.remove_if_there(self._record)
        self._places.clear()

    def abandon(self) -> None:
        """Removes the written files."""
        for temporary in self._places.values():
            files.remove_if_there(temporary)
        self._places.clear()


def _rename(places: dict[str, str]) -> None:
    for final, temporary in places.items():
        try:
            files.rename(temporary, final)
        except errors.NotFoundError:
            if not files.exists(final):  # otherwise a reader has helped
                raise
    for folder in {os.path.dirname(final) for final in places}:
        files.system_of(folder).sync_folder(folder)


def recover(path: str) -> None:
    """Ends the renaming of files that belong to `path`, where a process was killed amid it."""
    _finish(record_of(path))


def _finish(record: str) -> None:
    if not files.exists(record):
        return
    try:
        places = _read_record(record)
    except errors.NotFoundError:  # whoever wrote it is done
        return
    _rename(places)
    files.remove_if_there(record)


def _read_record(record: str) -> dict[str, str]:
    """Return {final: temporary} of a record. The record may come from an untrusted model.

    Raises:
      DataLossError: it is damaged, or names a file that is not below its folder, or not temporary.
    """
    folder = os.path.dirname(record)
    try:
        pairs = json.loads(files.read(record))
        places = {os.path.join(folder, new): os.path.join(folder, old) for old, new in pairs}
    except (ValueError, TypeError) as error:
        raise errors.DataLossError(f"{record}: damaged: {error}") from error
    for final, temporary in places.items():
        are_below = all(is_below(path, folder) for path in (final, temporary))
        if not are_below or not is_temporary(files.relative_to(temporary, folder)):
            raise errors.DataLossError(f"{record}: renames {temporary} to {final}")
    return places


def tidy(folder: str) -> None:
    """Completes the renames of killed processes of this machine in a folder, and removes their unfinished files."""
    if "://" in folder or not files.is_folder(folder or "."):
        return
    entries = files.names(folder)
    for name in entries:
        if name.startswith(".") and name.endswith(_ENDING):
            _finish(os.path.join(folder, name))
    for name in entries:
        if is_left_over(name):
            with contextlib.suppress(errors.NotFoundError):  # another process tidies as well
                files.remove_tree(os.path.join(folder, name))
