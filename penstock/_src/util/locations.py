"""Source locations in the user's program, where Penstock's own frames are skipped, and stacks of them."""

from __future__ import annotations

import functools
import linecache
import os
import sys
import sysconfig
from collections.abc import Sequence
from types import FrameType
from typing import Any, NamedTuple, overload

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
# Files between the user's code and an op whose lines do not help the user.
PLUMBING = (f"{os.sep}keras{os.sep}src{os.sep}", f"{os.sep}functools.py", f"{os.sep}contextlib.py")
# Packages that the library calls, beside Python's own modules.
LIBRARIES = (
    "numpy",
    "scipy",
    "PIL",
    "ml_dtypes",
    "google",
    "llvmlite",
    "keras",
    "tf_keras",
    "optree",
)


class Location(NamedTuple):
    """A line of source."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f'File "{self.file}", line {self.line}, in {self.function}'

    def in_user_code(self) -> str:
        """Returns the end of an error's message: the line of the user's program, and its source if there is one."""
        source = source_line(self.file, self.line).strip()
        return f"in user code: {self}" + (f": {source}" if source else "")


def source_line(file: str, line: int) -> str:
    """Return a line of a file as it is now, as Python's tracebacks do; empty if it cannot be read."""
    if os.path.exists(file):
        # linecache keeps the first file on sys.path that has a relative name.
        file = os.path.abspath(file)
    linecache.checkcache(file)
    return linecache.getline(file, line)


def user_location(depth: int = 1) -> Location | None:
    """Returns the innermost frame outside Penstock (and Keras, if there is one beyond it)."""
    frame: FrameType | None = sys._getframe(depth)
    innermost, hidden = frame, _HIDDEN
    # Every operation of a graph comes here, under some fifty frames of Keras: a frame costs one look-up.
    while frame is not None:
        code = frame.f_code
        file = code.co_filename
        if file not in hidden and (_KINDS.get(file) is _USERS or is_users(file)):
            return Location(file, frame.f_lineno, code.co_name)
        frame = frame.f_back
    return _plumbing_location(innermost)


def _plumbing_location(frame: FrameType | None) -> Location | None:
    """The innermost frame outside Penstock, from `frame` outwards; None if there is none."""
    while frame is not None:
        code = frame.f_code
        if not is_own(code.co_filename):
            return Location(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back
    return None


_OWN, _PLUMBING, _USERS = "own", "plumbing", "user's"
_KINDS: dict[str, str] = {}  # file -> kind
_HIDDEN: set[str] = set()  # the files of other kinds than the user's, once they were met


def is_users(file: str) -> bool:
    """True if a file's lines help the user: it belongs neither to Penstock nor to a hidden library."""
    return _kind(file) is _USERS


def is_own(file: str) -> bool:
    """True if a file is Penstock's."""
    return _kind(file) is _OWN


def _kind(file: str) -> str:
    kind = _KINDS.get(file)
    if kind is None:
        kind = _KINDS[file] = _kind_of(file)
        if kind is not _USERS:
            _HIDDEN.add(file)
    return kind


@functools.cache
def belongs_to_library(file: str) -> bool:
    """True if a file belongs to Python itself or to a package that Penstock calls."""
    paths = sysconfig.get_paths()
    for packages in {paths["purelib"], paths["platlib"]}:
        if file.startswith(packages + os.sep):
            return file[len(packages) + 1 :].split(os.sep)[0] in LIBRARIES
    return file.startswith((paths["stdlib"] + os.sep, "<frozen", "<__array_function__"))


def _kind_of(file: str) -> str:
    if file.startswith((OWN_FOLDER, "<frozen")):
        return _OWN
    return _PLUMBING if any(part in file for part in PLUMBING) else _USERS


class StackFrame(Location):
    """A line of source in a stack."""

    __slots__ = ()

    filename = property(lambda self: self.file, doc="The file.")
    lineno = property(lambda self: self.line, doc="The line, from 1.")
    name = property(lambda self: self.function, doc="The function.")

    @property
    def text(self) -> str:
        """The source."""
        return source_line(self.file, self.line).strip()

    def __repr__(self) -> str:
        return f"<{self}>"


class StackTrace(Sequence[StackFrame]):
    """Frames, the outermost first."""

    def __init__(self, frames: Sequence[StackFrame]) -> None:
        self._frames = tuple(frames)

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> StackFrame: ...
    @overload
    def __getitem__(self, index: slice) -> StackTrace: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Returns a frame, or some of them as a stack."""
        if isinstance(index, slice):
            return StackTrace(self._frames[index])
        return self._frames[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StackTrace) and self._frames == other._frames

    def __hash__(self) -> int:
        return hash(self._frames)

    def __repr__(self) -> str:
        return "\n".join(map(str, self._frames))

    def get_user_frames(self) -> StackTrace:
        """Returns the frames outside of the library."""
        return StackTrace([frame for frame in self._frames if is_users(frame.file)])

    def last_user_frame(self) -> StackFrame:
        """Returns the innermost frame outside of the library, else the innermost one."""
        return (self.get_user_frames() or self)[-1]
