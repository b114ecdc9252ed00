"""The lines of source that made the operations of a SavedModel's functions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from penstock._src.filesystems.files import make_folders
from penstock._src.filesystems.transaction import Transaction
from penstock._src.proto.graph import GraphDebugInfo
from penstock._src.saving.saved_model import constants


def debug_info(functions: Iterable[Any]) -> Any:
    """Returns a GraphDebugInfo with the stack of each operation of concrete functions, by "operation@function"."""
    info = GraphDebugInfo()
    files: dict[str, int] = {}
    frames: dict[Any, int] = {}
    traces: dict[tuple[int, ...], int] = {}
    for function in functions:
        for operation in function.graph.get_operations():
            stack = tuple(operation.traceback or ())
            numbers = tuple(frames.setdefault(frame, len(frames) + 1) for frame in stack)
            trace = traces.setdefault(numbers, len(traces) + 1)
            info.name_to_trace_id[f"{operation.name}@{function.graph_function.name}"] = trace
    for frame, number in frames.items():
        message = info.frames_by_id[number]
        message.file_index = files.setdefault(frame.filename, len(files))
        message.line, message.func = frame.lineno, frame.name
    for numbers, trace in traces.items():
        info.traces_by_id[trace].frame_id.extend(numbers)
    info.files.extend(files)
    return info


def write(folder: str, functions: Iterable[Any], transaction: Transaction) -> None:
    """Writes the debug information of a SavedModel's functions."""
    place = os.path.join(folder, constants.DEBUG_DIRECTORY)
    make_folders(place)
    with transaction.open(os.path.join(place, constants.DEBUG_INFO_FILENAME_PB)) as file:
        file.write(debug_info(functions).SerializeToString(deterministic=True))
