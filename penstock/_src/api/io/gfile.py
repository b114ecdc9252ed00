"""tf.io.gfile: files and folders by path or URL (URLs through fsspec, if it is installed)."""

import contextlib
import glob as globbing
import importlib
import os
import shutil
import stat as stat_module
from collections import namedtuple

from penstock._src.core import errors
from penstock._src.util.export import export
from penstock._src.util.files import records
from penstock._src.util.signatures import read_only


def _text(path):
    path = os.fspath(path)
    path = path.decode() if isinstance(path, bytes) else path
    return path[len("file://") :] if path.startswith("file://") else path


def _remote(path):
    """The file system of a URL, or None for a local path."""
    text = _text(path)
    scheme, separator, _ = text.partition("://")
    if not separator:
        return None
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        raise errors.UnimplementedError(
            None, None, f"File system scheme '{scheme}' not implemented (file: '{text}'); URLs "
            "need the package fsspec: pip install penstock[files]."
        ) from None  # fmt: skip
    return fsspec.core.url_to_fs(text)[0]


@contextlib.contextmanager
def _translated(path):
    """Translates operating system errors to TensorFlow's."""
    try:
        yield
    except FileNotFoundError as error:
        raise errors.NotFoundError(
            None, None, f"{_text(path)}; No such file or directory"
        ) from error
    except PermissionError as error:
        raise errors.PermissionDeniedError(
            None, None, f"{_text(path)}; {error.strerror}"
        ) from error
    except FileExistsError as error:
        raise errors.AlreadyExistsError(None, None, f"{_text(path)}; File exists") from error
    except (IsADirectoryError, NotADirectoryError) as error:
        raise errors.FailedPreconditionError(
            None, None, f"{_text(path)}; {error.strerror}"
        ) from error
    except OSError as error:
        raise errors.FailedPreconditionError(
            None, None, f"{_text(path)}; {error.strerror}"
        ) from error


FileStatistics = namedtuple("FileStatistics", ["length", "mtime_nsec", "is_directory"])


@export("io.gfile.GFile", v1=["io.gfile.GFile", "gfile.GFile", "gfile.Open", "gfile.FastGFile"])
class GFile:
    """A file, opened on first use."""

    def __init__(self, name, mode="r"):
        if mode.replace("b", "") not in ("r", "w", "a", "r+", "w+", "a+"):
            raise errors.InvalidArgumentError(None, None, f"mode is not 'r' or 'w' or 'a' {mode}")
        self._name, self._mode, self._file = name, mode, None

    name = read_only("_name", "The path.")
    mode = read_only("_mode", "The mode.")

    def _opened(self):
        if self._file is None:
            path = _text(self._name)
            with _translated(path):
                system = _remote(path)
                binary = self._mode.replace("b", "") + "b"
                if system is None:
                    self._file = open(path, binary, records.BUFFER)
                else:
                    self._file = system.open(path, binary)
        return self._file

    def _decoded(self, data):
        return data if "b" in self._mode else data.decode("utf-8")

    def size(self):
        """The length in bytes."""
        return stat(self._name).length

    def read(self, n=-1):
        """The next n bytes (or characters); by default all."""
        if self._mode[0] != "r" and "+" not in self._mode:
            raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
        with _translated(self._name):
            return self._decoded(self._opened().read(n))

    def readline(self):
        """The next line; empty at the end."""
        return self._decoded(self._opened().readline())

    def readlines(self):
        """All remaining lines."""
        return list(self)

    def write(self, file_content):
        """Adds text or bytes at the end."""
        if self._mode[0] == "r" and "+" not in self._mode:
            raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
        data = file_content.encode("utf-8") if isinstance(file_content, str) else file_content
        with _translated(self._name):
            self._opened().write(data)

    def seek(self, offset=None, whence=0, position=None):
        """Sets the position relative to the start (0), the current position (1) or the end (2)."""
        if offset is None and position is None:
            raise TypeError("seek(): offset argument required")
        self._opened().seek(position if offset is None else offset, whence)

    def tell(self):
        """The current position."""
        return self._opened().tell()

    def seekable(self):
        """True."""
        return True

    def flush(self):
        """Writes what is buffered."""
        if self._file is not None and self._mode[0] != "r":
            self._file.flush()

    def _sync(self):
        """Writes what is buffered to the disk, where the file is on one."""
        self.flush()
        if _remote(self._name) is None and self._file is not None:
            os.fsync(self._file.fileno())

    def close(self):
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def next(self):
        """The next line."""
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
    """Whether a file or folder exists."""
    system = _remote(path)
    return os.path.exists(_text(path)) if system is None else system.exists(_text(path))


@export("io.gfile.isdir")
def isdir(path):
    """Whether it is a folder."""
    system = _remote(path)
    return os.path.isdir(_text(path)) if system is None else system.isdir(_text(path))


@export("io.gfile.listdir")
def listdir(path):
    """The names in a folder."""
    if not isdir(path):
        raise errors.NotFoundError(None, None, f"Could not find directory {_text(path)}")
    system = _remote(path)
    if system is None:
        return os.listdir(_text(path))
    return [os.path.basename(p.rstrip("/")) for p in system.ls(_text(path), detail=False)]


@export("io.gfile.makedirs")
def makedirs(path):
    """Creates a folder and its parents."""
    with _translated(path):
        system = _remote(path)
        if system is None:
            os.makedirs(_text(path), exist_ok=True)
        else:
            system.makedirs(_text(path), exist_ok=True)


@export("io.gfile.mkdir")
def mkdir(path):
    """Creates a folder unless it exists."""
    with _translated(path):
        system = _remote(path)
        if system is not None:
            system.mkdir(_text(path))
        elif not os.path.isdir(_text(path)):
            os.mkdir(_text(path))


@export("io.gfile.remove")
def remove(path):
    """Deletes a file."""
    with _translated(path):
        system = _remote(path)
        os.remove(_text(path)) if system is None else system.rm_file(_text(path))


@export("io.gfile.rmtree")
def rmtree(path):
    """Deletes a folder and its contents, or a file."""
    with _translated(path):
        system = _remote(path)
        if system is not None:
            system.rm(_text(path), recursive=True)
        elif os.path.isfile(_text(path)):
            os.remove(_text(path))
        else:
            shutil.rmtree(_text(path))


@export("io.gfile.copy")
def copy(src, dst, overwrite=False):
    """Copies a file."""
    if exists(dst) and not overwrite:
        raise errors.AlreadyExistsError(None, None, f"file already exists: {_text(dst)}")
    with _translated(src):
        if _remote(src) is None and _remote(dst) is None:
            shutil.copyfile(_text(src), _text(dst))
            return
    with GFile(src, "rb") as source, GFile(dst, "wb") as target:
        target.write(source.read())


@export("io.gfile.rename")
def rename(src, dst, overwrite=False):
    """Moves a file or folder."""
    if not overwrite and exists(dst):
        raise errors.AlreadyExistsError(None, None, f"file already exists: {_text(dst)}")
    with _translated(src):
        system = _remote(src)
        if system is None:
            os.replace(_text(src), _text(dst))
        else:
            system.mv(_text(src), _text(dst), recursive=True)


@export("io.gfile.stat")
def stat(path):
    """Size, modification time and type of a path."""
    with _translated(path):
        system = _remote(path)
        if system is None:
            found = os.stat(_text(path))
            folder = stat_module.S_ISDIR(found.st_mode)
            return FileStatistics(found.st_size, found.st_mtime_ns, folder)
        info = system.info(_text(path))
        return FileStatistics(info.get("size") or 0, 0, info.get("type") == "directory")


@export("io.gfile.glob")
def glob(pattern):
    """The paths that match a pattern, or one of several."""
    patterns = [pattern] if isinstance(pattern, (str, bytes, os.PathLike)) else list(pattern)
    found = []
    for one in patterns:
        system = _remote(one)
        if system is None:
            found.extend(sorted(globbing.glob(_text(one))))
        else:
            found.extend(sorted(system.glob(_text(one))))
    return found


@export("io.gfile.join")
def join(path, *paths):
    """Parts of a path joined; a URL keeps its scheme."""
    text = [p.decode() if isinstance(p, bytes) else os.fspath(p) for p in (path, *paths)]
    if "://" not in text[0]:
        joined = os.path.join(*text)
    else:
        joined = text[0]
        for part in text[1:]:
            joined = part if "://" in part else joined.rstrip("/") + "/" + part.lstrip("/")
    return joined.encode() if isinstance(path, bytes) else joined


@export("io.gfile.walk")
def walk(top, topdown=True, onerror=None):
    """(folder, folders in it, files in it) of a tree."""
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
    """The URL schemes that can be opened."""
    try:
        fsspec = importlib.import_module("fsspec")
    except ImportError:
        return ["", "file", "ram"]
    return sorted({"", "file", "ram", *fsspec.available_protocols()})
