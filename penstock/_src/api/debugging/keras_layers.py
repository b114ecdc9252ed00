"""Name of the Keras layer that is being called."""

import os
import sys
from types import FrameType

_FILE = os.path.join("keras", "src", "layers", "layer.py")


def current_layer() -> str | None:
    """Returns the name of the innermost Keras layer whose `__call__` is running in this thread, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__call__" and code.co_filename.endswith(_FILE):
            return str(getattr(frame.f_locals.get("self"), "name", None))
        frame = frame.f_back
    return None
