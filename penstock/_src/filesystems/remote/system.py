"""Files at URLs that fsspec supports: `gs://`, `s3://`, `http://`, `memory://` ..."""

import contextlib
import importlib
import io
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from penstock._src.core import errors
from penstock._src.filesystems.base import FileStatus, FileSystem, Reader
from penstock._src.filesystems.remote.read_ahead import ReadAhead
from penstock._src.filesystems.translation import as_tensorflow
from penstock._src.util.files.records import BUFFER
from penstock._src.util.process.installing import pip_install

# Stores in which an upload is there once it is complete, and renaming is copying.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "hf"}


@contextlib.contextmanager
def _translated(path: str) -> Iterator[None]:
    """Raises TensorFlow's errors for those of the libraries below fsspec, which have classes of their own."""
    try:
        yield
    except OSError as error:
        raise as_tensorflow(error, path) from error
    except (errors.OpError, NotImplementedError):
        raise
    except Exception as error:
        raise errors.UnavailableError(f"{path}; {type(error).__name__}: {error}") from error


class _RemoteReader(Reader):
    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch, self.size = fetch, size

    def read_into(self, target: memoryview, offset: int) -> int:
        end = min(offset + len(target), self.size)
        chunk = self._fetch(offset, end) if end > offset else b""
        target[: len(chunk)] = chunk
        return len(chunk)


class _Written:
    """A file being written. Its errors are TensorFlow's."""

    def __init__(self, file: Any, path: str) -> None:
        self._file, self.name = file, path

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._file, name)
        if not callable(attribute):
            return attribute

        def checked(*args: Any) -> Any:
            with _translated(self.name):
                return attribute(*args)

        return checked

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: Any, *error: Any) -> None:
        if kind is not None and hasattr(self._file, "discard"):
            try:
                self._file.discard()
            except Exception as failure:  # the error in the body matters more
                error[0].add_note(f"{self.name} was not discarded: {failure}")
            return
        self.close()


class _Uploaded(io.BytesIO):
    """A file that others can read while it grows, in a store that only takes whole files: each flush uploads it."""

    def __init__(self, system: Any, path: str) -> None:
        super().__init__()
        self._system, self.name = system, path
        with contextlib.suppress(FileNotFoundError):
            self.write(system.cat_file(path))
        self._uploaded = -1

    def flush(self) -> None:
        if self._uploaded != self.tell():
            with _translated(self.name):
                self._system.pipe_file(self.name, self.getvalue())
            self._uploaded = self.tell()

    def close(self) -> None:
        if not self.closed:
            self.flush()
        super().close()


class RemoteFiles(FileSystem):
    """The files of one fsspec file system."""

    is_distant = True

    def __init__(self, system: Any) -> None:
        self._system = system
        protocols = system.protocol if isinstance(system.protocol, tuple) else (system.protocol,)
        self.appears_when_closed = not _OBJECT_STORES.isdisjoint(protocols)

    def open(self, path: str, mode: str = "rb") -> BinaryIO:
        with _translated(path):
            if mode == "rb":
                raw = ReadAhead(self._fetcher(path), self._length(path), path)
                return cast(BinaryIO, io.BufferedReader(raw, BUFFER))
            if not mode.startswith("r"):
                self._make_parent(path)
            if mode == "ab" and self.appears_when_closed:
                return cast(BinaryIO, _Uploaded(self._system, path))
            return cast(BinaryIO, _Written(self._system.open(path, mode), path))

    def _make_parent(self, path: str) -> None:
        """Makes the folder that a file is to be in, where the store has folders."""
        with contextlib.suppress(NotImplementedError, PermissionError):
            self._system.makedirs(os.path.dirname(path), exist_ok=True)

    def _length(self, path: str) -> int:
        details = self._system.info(path)
        if details.get("type") == "directory":
            raise IsADirectoryError(path)
        if details.get("size") is None:  # a server that does not tell
            return len(self._system.cat_file(path))
        return int(details["size"])

    def _fetcher(self, path: str) -> Callable[[int, int], bytes]:
        def fetch(start: int, end: int) -> bytes:
            with _translated(path):
                return self._system.cat_file(path, start=start, end=end)

        return fetch

    def reader(self, path: str) -> Reader:
        with _translated(path):
            return _RemoteReader(self._fetcher(path), self._length(path))

    def read(self, path: str) -> bytes:
        with _translated(path):
            try:
                return self._system.cat_file(path)
            except FileNotFoundError:
                if self._system.isdir(path):
                    raise IsADirectoryError(path) from None
                raise

    def status(self, path: str) -> FileStatus:
        with _translated(path):
            self._system.invalidate_cache()
            details = self._system.info(path)
        changed = details.get("mtime") or details.get("LastModified") or details.get("created") or 0
        seconds = changed.timestamp() if hasattr(changed, "timestamp") else changed
        nanoseconds = int(seconds * 1e9) if isinstance(seconds, (int, float)) else 0
        return FileStatus(details.get("size") or 0, nanoseconds, details.get("type") == "directory")

    def kind(self, path: str) -> str | None:
        try:
            return "folder" if self.status(path).is_directory else "file"
        except errors.NotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        with _translated(folder):
            self._system.invalidate_cache()
            if not self._system.isdir(folder):
                raise NotADirectoryError(folder)
            paths = self._system.ls(folder, detail=False)
        names = [os.path.basename(path.rstrip("/")) for path in paths]
        return sorted(name for name in names if name)

    def make_folder(self, path: str) -> None:
        with _translated(path):
            self._system.mkdir(path)

    def make_folders(self, path: str) -> None:
        with _translated(path), contextlib.suppress(NotImplementedError):
            self._system.makedirs(path, exist_ok=True)

    def remove(self, path: str) -> None:
        with _translated(path):
            self._system.rm_file(path)

    def remove_folder(self, path: str) -> None:
        with _translated(path):
            self._system.rmdir(path)

    def remove_tree(self, path: str) -> None:
        with _translated(path):
            if not self._system.exists(path):
                raise FileNotFoundError(path)
            self._system.rm(path, recursive=True)

    def rename(self, source: str, target: str) -> None:
        with _translated(source):
            if self._system.isdir(source):
                self._system.mv(source, target, recursive=True)
            else:
                self._make_parent(target)
                self._system.mv(source, target)

    def matching(self, pattern: str) -> list[str]:
        scheme = pattern.partition("://")[0]
        with _translated(pattern):
            self._system.invalidate_cache()
            paths = [str(path) for path in self._system.glob(pattern)]
        whole = (p if "://" in p else f"{scheme}://{p.lstrip('/')}" for p in paths)
        return sorted(whole)


def schemes() -> list[str]:
    """The schemes that fsspec supports; none if it is not installed."""
    try:
        return importlib.import_module("fsspec").available_protocols()
    except ImportError:
        return []


def remote_files(path: str) -> FileSystem:
    """The file system of a URL.

    Raises:
      UnimplementedError: fsspec, or what it needs for this scheme, is not installed.
    """
    scheme = path.partition("://")[0]
    refusal = f"File system scheme '{scheme}' not implemented (file: '{path}')"
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        raise errors.UnimplementedError(
            f"{refusal}; URLs need the package fsspec: {pip_install('remote')}."
        ) from None
    try:
        return RemoteFiles(fsspec.core.url_to_fs(path)[0])
    except ValueError as error:
        raise errors.UnimplementedError(refusal) from error
    except ImportError as error:
        raise errors.UnimplementedError(f"{refusal}; {error}.") from error
