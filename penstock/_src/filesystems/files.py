"""Functions of paths, on any file system. All raise TensorFlow's errors."""

import os
from typing import Any, BinaryIO

from penstock._src.core import errors
from penstock._src.filesystems.base import FileStatus, FileSystem, Reader
from penstock._src.filesystems.local.system import LOCAL
from penstock._src.filesystems.translation import translated

_COPIED_AT_ONCE = 8 << 20


def text_of(path: Any) -> str:
    """The text of a path: str, bytes or a PathLike."""
    return os.fsdecode(path)


def system_of(path: str) -> FileSystem:
    """The file system of a path.

    Raises:
      UnimplementedError: nothing opens paths with this scheme.
    """
    scheme, separator, _ = path.partition("://")
    if not separator or scheme == "file":
        return LOCAL
    if scheme == "ram":
        from penstock._src.filesystems.ram.system import RAM  # most programs have no such path

        return RAM
    from penstock._src.filesystems.remote.system import remote_files  # as above

    return remote_files(path)


def open_file(path: str, mode: str = "rb") -> BinaryIO:
    """Opens a file as bytes.

    Raises:
      NotFoundError: it is to be read, and is not there; or its folder is not.
    """
    return system_of(path).open(path, mode)


def reader_of(path: str) -> Reader:
    """Opens a file to be read at any offset, from several threads."""
    return system_of(path).reader(path)


def read(path: str) -> bytes:
    """The contents of a file, by one request."""
    return system_of(path).read(path)


def write(path: str, contents: bytes) -> None:
    """Writes a file; an existing one at `path` is replaced."""
    with translated(path), open_file(path, "wb") as file:
        file.write(contents)


def exists(path: str) -> bool:
    """True if there is a file or folder."""
    return system_of(path).exists(path)


def is_folder(path: str) -> bool:
    """True if the path is a folder."""
    return system_of(path).kind(path) == "folder"


def is_file(path: str) -> bool:
    """True if the path is a file."""
    return system_of(path).kind(path) == "file"


def status(path: str) -> FileStatus:
    """Length, time of the last change and kind.

    Raises:
      NotFoundError: nothing is there.
    """
    return system_of(path).status(path)


def names(folder: str) -> list[str]:
    """The names in a folder."""
    return system_of(folder).names(folder)


def matching(pattern: str) -> list[str]:
    """The paths that match a pattern, sorted."""
    return system_of(pattern).matching(pattern)


def matching_prefix(prefix: str, between: str) -> list[str]:
    """The paths `<prefix><between><anything>`, whatever signs are in the prefix."""
    folder, start = os.path.split(prefix + between)
    try:
        entries = names(folder)
    except (errors.NotFoundError, errors.FailedPreconditionError):
        return []
    return sorted(os.path.join(folder, name) for name in entries if name.startswith(start))


def make_folders(path: str) -> None:
    """Makes a folder and those above it, where there are none. The empty path is the current one."""
    if path:
        system_of(path).make_folders(path)


def remove(path: str) -> None:
    """Removes a file.

    Raises:
      NotFoundError: it is not there.
    """
    system_of(path).remove(path)


def remove_if_there(path: str) -> None:
    """Removes a file if it exists."""
    try:
        remove(path)
    except errors.NotFoundError:
        return


def remove_tree(path: str) -> None:
    """Removes a folder with its content, or a file."""
    system_of(path).remove_tree(path)


def rename(source: str, target: str) -> None:
    """Renames a file or folder; a file that has the name is replaced."""
    system, other = system_of(source), system_of(target)
    if type(system) is not type(other):
        raise errors.UnimplementedError(
            f"Renaming {source} to {target} not implemented: they are in different file systems."
        )
    system.rename(source, target)


def copy(source: str, target: str) -> None:
    """Copies the contents of a file; an existing one at `target` is replaced."""
    with translated(target), open_file(source) as old, open_file(target, "wb") as new:
        _pass_on(old, new)


def copy_into(source: str, target: BinaryIO) -> None:
    """Writes the contents of a file into an open one."""
    with open_file(source) as old:
        _pass_on(old, target)


def _pass_on(source: BinaryIO, target: BinaryIO) -> None:
    while block := source.read(_COPIED_AT_ONCE):
        target.write(block)


def is_absolute(path: str) -> bool:
    """True if a path means the same in every folder."""
    return "://" in path or os.path.isabs(path)


def relative_to(path: str, folder: str) -> str:
    """A path as seen from a folder; the path itself if that is on another file system."""
    if "://" not in path and "://" not in folder:
        return os.path.relpath(path, folder or ".")
    start = folder.rstrip("/") + "/"
    return path[len(start) :].lstrip("/") if path.startswith(start) else path
