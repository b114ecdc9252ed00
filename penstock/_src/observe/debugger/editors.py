"""Editors attached to the process by debugpy: VS Code and others with its protocol."""

import sys
import types


def suspended_in_editor(frame: types.FrameType) -> bool:
    """Makes the editor stop at the next line of a frame; False if none is attached."""
    debugpy = sys.modules.get("debugpy")
    if debugpy is None or not debugpy.is_client_connected():
        return False
    # Loaded by debugpy, which brings it along.
    import pydevd

    pydevd.settrace(
        suspend=True,
        trace_only_current_thread=True,
        patch_multiprocessing=False,
        stop_at_frame=frame,
    )
    return True
