"""Where in the user's program something was called: frames of Penstock itself are left out."""

import os
import sys
from types import FrameType
from typing import NamedTuple

OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
# Files whose frames are plumbing between the user and an op: their line helps nobody.
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
    first = None
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((OWN_FOLDER, "<frozen")):
            location = Location(name, frame.f_lineno, frame.f_code.co_name)
            if not any(part in name for part in PLUMBING):
                return location
            first = first or location
        frame = frame.f_back
    return first
