"""Reads and writes whole files as strings."""

import glob
import pathlib

from penstock._src.core.errors import FailedPreconditionError, NotFoundError
from penstock._src.core.op import Op
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import strings


def _path(op, filename, what="filename"):
    if filename.ndim:
        raise op.invalid(
            f"Input {what} tensor must be scalar, but had shape: {show(filename.shape)}"
        )
    path = filename.item().decode()
    return path[len("file://") :] if path.startswith("file://") else path


class ReadFile(Op):
    """The contents of a file."""

    signature = "filename: string[] -> contents: string[filename]"
    capabilities = "read_files"
    file_arguments = "filename"

    def eager(self, filename):
        path = _path(self, filename)
        try:
            with open(path, "rb") as file:
                return strings([file.read()], ())
        except FileNotFoundError:
            raise NotFoundError(f"{path}; No such file or directory") from None
        except IsADirectoryError:
            raise FailedPreconditionError(f"{path}; Is a directory") from None


class WriteFile(Op):
    """Writes a file and creates its parent folders."""

    signature = "filename: string, contents: string ->"
    capabilities = "write_files"
    file_arguments = "filename"
    stateful = True

    def eager(self, filename, contents):
        path = pathlib.Path(_path(self, filename))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents.item())
        except FileNotFoundError as error:
            raise NotFoundError(f"{error.filename}; No such file or directory") from None


class MatchingFiles(Op):
    """The files that match patterns, sorted."""

    signature = "pattern: string -> filenames: string[?]"
    capabilities = "read_files"
    file_arguments = "pattern"

    def eager(self, pattern):
        found = set()
        for each in pattern.reshape(-1):
            found.update(glob.glob(each.decode()))
        names = [name.encode() for name in sorted(found)]
        return strings(names, (len(names),))
