"""Files that are either there as a whole or not at all."""

import contextlib
import errno
import functools
import os
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any

_PREFIX = ".new-"
_TEMPORARY = re.compile(r"\.new-(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}")


def sync(file: IO[Any]) -> None:
    """Waits until the data of an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: str | os.PathLike[str]) -> None:
    """Waits until the names of a folder are on the disk, where the file system can say so."""
    try:
        opened = os.open(folder or ".", os.O_RDONLY)
    except PermissionError:
        return  # files may be made in the folder, but its names may not be listed
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(opened)


def temporary_path(path: str | os.PathLike[str]) -> str:
    """Return a new hidden name in the folder of `path`. It contains the host and process that use it."""
    name = f"{_PREFIX}{_host()}-{os.getpid()}-{os.urandom(4).hex()}"
    return os.path.join(os.path.dirname(path), name)


def is_temporary(path: str) -> bool:
    """True if a file, or a folder that contains it, has a temporary name."""
    return any(_TEMPORARY.fullmatch(part) for part in path.split(os.sep))


def is_left_over(path: str) -> bool:
    """True if a file under a temporary name was left by a process of this machine that has ended."""
    match = _TEMPORARY.fullmatch(os.path.basename(path))
    if match is None or match["host"] != _host() or int(match["process"]) == os.getpid():
        return False
    try:
        os.kill(int(match["process"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@functools.cache
def _host() -> str:
    import socket  # for processes that write files

    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


@contextlib.contextmanager
def written_whole(
    path: str | os.PathLike[str], mode: str = "wb", survives_crashes: bool = True
) -> Iterator[IO[Any]]:
    """Opens a file under a temporary name beside `path`, which it gets at the end.

    Its content is on the disk before it is renamed: otherwise a crash of the machine could leave an empty file under the
    name. If the body raises, the file is removed, and what `path` was before is left as it is.

    Args:
      path: the file's name.
      mode: how it is opened.
      survives_crashes: False saves the time to wait for the disk, for files that are checked when read, and can be made again.

    >>> from penstock._src.util.files.whole import written_whole
    >>> with written_whole("numbers", "w") as file:
    ...     _ = file.write("1 2 3")
    >>> open("numbers").read()
    '1 2 3'
    """
    temporary = temporary_path(path)
    try:
        with open(temporary, mode) as file:
            yield file
            if survives_crashes:
                sync(file)
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        if isinstance(error, OSError) and error.filename == temporary:
            error.filename = os.fspath(path)  # what users asked for
        raise
