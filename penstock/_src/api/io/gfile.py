"""tf.io.gfile: files and folders by path or URL; see `filesystems/`."""

import os
from collections import namedtuple

from penstock._src.core import errors
from penstock._src.filesystems import files
from penstock._src.filesystems.files import system_of
from penstock._src.filesystems.remote.system import schemes
from penstock._src.filesystems.translation import translated
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def _text(path):
    return os.fsdecode(path)


FileStatistics = namedtuple("FileStatistics", ["length", "mtime_nsec", "is_directory"])


@export("io.gfile.GFile", v1=["io.gfile.GFile", "gfile.GFile", "gfile.Open", "gfile.FastGFile"])
class GFile:
    """A file, opened on first use.

    Args:
      name: a path or a URL.
      mode: "r", "w" or "a", with "+" for both directions and "b" for bytes, not text.
    """

    def __init__(self, name, mode="r"):
        if mode.replace("b", "") not in ("r", "w", "a", "r+", "w+", "a+"):
            raise errors.InvalidArgumentError(None, None, f"mode is not 'r' or 'w' or 'a' {mode}")
        self._name, self._mode, self._file = name, mode, None

    name = read_only("_name", "The path.")
    mode = read_only("_mode", "The mode.")

    def _opened(self):
        if self._file is None:
            path = _text(self._name)
            self._file = system_of(path).open(path, self._mode.replace("b", "") + "b")
        return self._file

    def _decoded(self, data):
        return data if "b" in self._mode else data.decode("utf-8")

    def size(self):
        """The length in bytes.

        Returns:
          An int.
        """
        return stat(self._name).length

    def read(self, n=-1):
        """The next n bytes (or characters); by default all.

        Args:
          n: how many; -1 for all.

        Returns:
          Bytes, or a str for a file in text mode.

        Raises:
          PermissionDeniedError: the file is open for writing only.
        """
        if self._mode[0] != "r" and "+" not in self._mode:
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        with translated(_text(self._name)):
            return self._decoded(self._opened().read(n))

    def readline(self):
        """The next line, without carriage returns; empty at the end.

        Returns:
          Bytes, or a str for a file in text mode.
        """
        return self._decoded(self._opened().readline().replace(b"\r", b""))

    def readlines(self):
        """Returns all remaining lines.

        Returns:
          A list of what `readline` returns.
        """
        return list(self)

    def write(self, file_content):
        """Adds text or bytes at the end.

        Args:
          file_content: a str or bytes.

        Raises:
          PermissionDeniedError: the file is open for reading only.
        """
        if self._mode[0] == "r" and "+" not in self._mode:
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        data = file_content.encode("utf-8") if isinstance(file_content, str) else file_content
        with translated(_text(self._name)):
            self._opened().write(data)

    def seek(self, offset=None, whence=0, position=None):
        """Sets the position relative to the start (0), the current position (1) or the end (2).

        Args:
          offset: in bytes.
          whence: what it counts from: 0, 1 or 2.
          position: an older name of `offset`.

        Raises:
          TypeError: neither is given.
        """
        if offset is None and position is None:
            raise TypeError("seek(): offset argument required")
        self._opened().seek(position if offset is None else offset, whence)

    def tell(self):
        """The current position.

        Returns:
          An int, in bytes.
        """
        return self._opened().tell()

    def seekable(self):
        """True if the position can be set.

        Returns:
          True.
        """
        return True

    def flush(self):
        """Writes the buffered data."""
        if self._file is not None and self._mode[0] != "r":
            with translated(_text(self._name)):
                self._file.flush()

    def _sync(self):
        """Writes the buffered data, and flushes it to the disk if the file is on one."""
        if self._file is not None:
            system_of(_text(self._name)).sync(self._file)

    def close(self):
        """Closes the file."""
        if self._file is not None:
            file, self._file = self._file, None
            with translated(_text(self._name)):
                file.close()

    def next(self):
        """The next line.

        Returns:
          Bytes, or a str for a file in text mode.
        """
        return self.__next__()

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def __iter__(self):
        return self

    def __enter__(self):
        if self._mode[0] != "r":
            self._opened()
        return self

    def __exit__(self, unused_type, unused_value, unused_traceback):
        self.close()


@export("io.gfile.exists")
def exists(path):
    """True if a file or folder exists.

    Args:
      path: a path or a URL.

    Returns:
      A bool.
    """
    return files.exists(_text(path))


@export("io.gfile.isdir")
def isdir(path):
    """True if the path is a folder.

    Args:
      path: a path or a URL.

    Returns:
      A bool: False where nothing is.
    """
    return files.is_folder(_text(path))


@export("io.gfile.listdir")
def listdir(path):
    """Returns the names of the files and folders in a folder.

    Args:
      path: a path or a URL.

    Returns:
      A list of names, without the path, in no particular order.

    Raises:
      NotFoundError: there is no such folder.

    >>> tf.io.gfile.makedirs(folder + "/a/b")
    >>> tf.io.gfile.listdir(folder + "/a")
    ['b']
    """
    text = _text(path)
    if not files.is_folder(text):
        raise errors.NotFoundError(None, None, f"Could not find directory {text}")
    return files.names(text)


@export("io.gfile.makedirs")
def makedirs(path):
    """Creates a folder and the folders above it; one that is there already stays.

    Args:
      path: a path or a URL.

    Raises:
      FailedPreconditionError: a file has the name of a folder.

    >>> tf.io.gfile.makedirs(folder + "/a/b")
    >>> tf.io.gfile.isdir(folder + "/a/b")
    True
    """
    system_of(_text(path)).make_folders(_text(path))


@export("io.gfile.mkdir")
def mkdir(path):
    """Creates a folder, unless something has its name.

    Args:
      path: a path or a URL, whose parent is there.
    """
    text = _text(path)
    if not files.exists(text):
        system_of(text).make_folder(text)


@export("io.gfile.remove")
def remove(path):
    """Deletes a file.

    Args:
      path: a path or a URL.

    Raises:
      NotFoundError: there is no such file.
    """
    files.remove(_text(path))


@export("io.gfile.rmtree")
def rmtree(path):
    """Deletes a folder with all its contents, or a file.

    Args:
      path: a path or a URL.

    Raises:
      NotFoundError: there is nothing at `path`.

    >>> tf.io.gfile.makedirs(folder + "/a/b")
    >>> tf.io.gfile.rmtree(folder + "/a")
    >>> tf.io.gfile.exists(folder + "/a")
    False
    """
    files.remove_tree(_text(path))


@export("io.gfile.copy")
def copy(src, dst, overwrite=False):
    """Copies a file.

    Args:
      src: the path or URL of a file.
      dst: that of the copy.
      overwrite: whether a file that is there is replaced.

    Raises:
      AlreadyExistsError: `dst` exists, and `overwrite` is False.
    """
    if exists(dst) and not overwrite:
        raise errors.AlreadyExistsError(None, None, f"file already exists: {_text(dst)}")
    files.copy(_text(src), _text(dst))


@export("io.gfile.rename")
def rename(src, dst, overwrite=False):
    """Moves a file or folder.

    Args:
      src: a path or a URL.
      dst: the new one.
      overwrite: whether what is there is replaced.

    Raises:
      AlreadyExistsError: `dst` exists, and `overwrite` is False.
    """
    if not overwrite and exists(dst):
        raise errors.AlreadyExistsError(None, None, f"file already exists: {_text(dst)}")
    files.rename(_text(src), _text(dst))


@export("io.gfile.stat")
def stat(path):
    """Size, modification time and type of a path.

    Args:
      path: a path or a URL.

    Returns:
      A tuple with `length` in bytes, `mtime_nsec`, the time of the last change in nanoseconds, and `is_directory`.

    Raises:
      NotFoundError: nothing is there.
    """
    return FileStatistics(*files.status(_text(path)))


@export("io.gfile.glob")
def glob(pattern):
    """The paths that match a pattern, or one of several.

    Args:
      pattern: a path with `*`, `?` or `[...]`, or a sequence of such.

    Returns:
      A list of paths; those of the first pattern come first.
    """
    patterns = [pattern] if isinstance(pattern, (str, bytes, os.PathLike)) else list(pattern)
    return [path for one in patterns for path in files.matching(_text(one))]


@export("io.gfile.join")
def join(path, *paths):
    """Parts of a path joined: an absolute path leaves out those before it.

    Args:
      path: the first part.
      *paths: the others.

    Returns:
      A path.
    """
    return os.path.join(path, *paths)


@export("io.gfile.walk")
def walk(top, topdown=True, onerror=None):
    """(folder, folders in it, files in it) of a tree.

    Args:
      top: the path or URL of a folder.
      topdown: whether a folder comes before those in it.
      onerror: called with the error if `top` is not a folder; None passes over it.

    Returns:
      An iterator of tuples: a path, the names of folders and the names of files there.
    """
    try:
        names = listdir(top)
    except errors.NotFoundError as error:
        if onerror:
            onerror(error)
        return
    folders = [n for n in names if isdir(join(top, n))]
    files = [n for n in names if n not in folders]
    here = (_text(top), folders, files)
    if topdown:
        yield here
    for folder in folders:
        yield from walk(join(top, folder), topdown, onerror)
    if not topdown:
        yield here


@export("io.gfile.get_registered_schemes")
def get_registered_schemes():
    """The URL schemes that can be opened.

    Returns:
      A sorted list of strings, such as "ram"; "" stands for plain paths.
    """
    return sorted({"", "file", "ram", *schemes()})
