"""Files that are either there as a whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from typing import IO, Any


def sync(file: IO[Any]) -> None:
    """Waits until what was written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def temporary_path(path: str | os.PathLike[str]) -> str:
    """Returns a new hidden name in the folder of `path`."""
    return os.path.join(os.path.dirname(path), f".new-{os.getpid()}-{os.urandom(4).hex()}")


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
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise
