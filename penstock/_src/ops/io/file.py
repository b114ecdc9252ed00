"""Reads and writes whole files as strings."""

import os

from penstock._src.core.calls.facts import HostKernel, Permissions
from penstock._src.core.op import Op
from penstock._src.core.values.groups import Deferred, NotGrouped, Stacked
from penstock._src.filesystems import files
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import strings


def _path(op, filename, what="filename"):
    if filename.ndim:
        raise op.invalid(
            f"Input {what} tensor must be scalar, but had shape: {show(filename.shape)}"
        )
    return os.fsdecode(filename.item())


class ReadFile(Op):
    """The contents of a file."""

    signature = "filename: string[] -> contents: string[filename]"
    permissions = Permissions(capabilities="read_files", file_arguments="filename")
    host_kernel = HostKernel(defers_each=True)

    def eager(self, filename):
        return strings([files.read(_path(self, filename))], ())

    def eager_each(self, filename):
        if type(filename) is not Stacked or filename.array.ndim != 1:
            raise NotGrouped
        return FileContents(filename.array)


class FileContents(Deferred):
    """The contents of files, which an op may read itself.

    Args:
      names: of the files, an array of bytes.
    """

    def __init__(self, names):
        super().__init__(len(names))
        self.names = names

    def computed(self, at):
        return strings([files.read(os.fsdecode(self.names[at]))], ())


class WriteFile(Op):
    """Writes a file and creates its parent folders."""

    signature = "filename: string, contents: string ->"
    ranks = {"filename": (0,), "contents": (0,)}
    permissions = Permissions(capabilities="write_files", file_arguments="filename")
    stateful = True

    def eager(self, filename, contents):
        path = _path(self, filename)
        files.make_folders(os.path.dirname(path))
        files.write(path, contents.item())


class MatchingFiles(Op):
    """The files that match patterns, sorted."""

    signature = "pattern: string -> filenames: string[?]"
    ranks = {"pattern": (0, 1)}
    permissions = Permissions(
        capabilities="read_files", file_arguments="pattern", are_patterns=True
    )

    def eager(self, pattern):
        if pattern.ndim > 1:
            raise self.invalid(
                f"Input patterns tensor must be scalar or vector, but had shape: {show(pattern.shape)}"
            )
        matches = set()
        for each in pattern.reshape(-1):
            matches.update(files.matching(each.decode()))
        names = [name.encode() for name in sorted(matches)]
        return strings(names, (len(names),))
