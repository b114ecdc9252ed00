"""Source locations in the user's program; Penstock's own frames are skipped."""

import os
import sys
from types import FrameType
from typing import NamedTuple

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
# Files between the user's code and an op whose lines do not help the user.
PLUMBING = (f"{os.sep}keras{os.sep}src{os.sep}", f"{os.sep}functools.py", f"{os.sep}contextlib.py")


class Location(NamedTuple):
    """A line of source."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f'File "{self.file}", line {self.line}, in {self.function}'


def user_location(depth: int = 1) -> Location | None:
    """Returns the innermost frame outside Penstock (and Keras, if there is one beyond it)."""
    frame: FrameType | None = sys._getframe(depth)
    plumbing = None
    while frame is not None:
        name = frame.f_code.co_filename
        kind = _KINDS.get(name)
        if kind is None:
            kind = _KINDS[name] = _kind_of(name)
        if kind is _USERS:
            return Location(name, frame.f_lineno, frame.f_code.co_name)
        if kind is _PLUMBING and plumbing is None:
            plumbing = frame
        frame = frame.f_back
    if plumbing is None:
        return None
    return Location(plumbing.f_code.co_filename, plumbing.f_lineno, plumbing.f_code.co_name)


_OWN, _PLUMBING, _USERS = "own", "plumbing", "user's"
_KINDS: dict[
    str, str
] = {}  # file -> kind; cached because it is looked up for every frame of every operation


def is_users(file: str) -> bool:
    """Whether a file is neither Penstock's nor one whose lines do not help the user."""
    return _kind_of(file) is _USERS


def _kind_of(file: str) -> str:
    if file.startswith((OWN_FOLDER, "<frozen")):
        return _OWN
    return _PLUMBING if any(part in file for part in PLUMBING) else _USERS
