"""Files that are either there as a whole or not at all, on any file system."""

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO

from penstock._src.filesystems.files import open_file, remove_if_there, system_of
from penstock._src.filesystems.translation import naming, translated
from penstock._src.util.files.whole import temporary_path


@contextlib.contextmanager
def written_whole(path: str) -> Iterator[BinaryIO]:
    """Opens a file under a temporary name beside `path`, which it gets at the end, when its content is safe.

    If the body raises, the file is removed, and what `path` was before is left as it is. In an object store the upload of the whole
    file does the same without another name.

    Args:
      path: the file's name, or URL.
    """
    system = system_of(path)
    place = path if system.appears_when_closed else temporary_path(path)
    try:
        with naming(path, place):
            with translated(path), open_file(place, "wb") as file:
                yield file
                system.sync(file)
            if place != path:
                system.rename(place, path)
                system.sync_folder(os.path.dirname(path))
    except BaseException:
        if place != path:
            remove_if_there(place)
        raise


def write_whole(path: str, contents: bytes | str) -> None:
    """Writes a file atomically: a reader finds the previous content, or all of the new one."""
    with written_whole(path) as file:
        file.write(contents.encode() if isinstance(contents, str) else contents)
