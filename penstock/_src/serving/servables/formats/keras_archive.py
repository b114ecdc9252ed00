"""Keras's `.keras` files: a file itself, or a folder with one."""

from __future__ import annotations

import os
from collections.abc import Iterable

from penstock._src.filesystems import files
from penstock._src.formats.keras import reading as keras_reading
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from penstock._src.serving.servables.formats.functions import definition_of, signature_of_function
from penstock._src.serving.servables.servable import ROOM, Room, Servable
from penstock._src.util.slots import above

_ENDING = ".keras"


def matches(path: str) -> bool:
    """True if a path is a `.keras` file, or a folder that contains one."""
    return _file(path) is not None


def size(path: str, room: Room = ROOM) -> int:
    """The bytes of the file."""
    return files.status(_file(path) or path).length


def load(path: str, allow: Iterable[str] = (), room: Room = ROOM) -> Servable:
    """Returns the loaded model: its call without training, named as `model.export` names it.

    Raises:
      UnimplementedError: the model does not say what inputs it takes.
    """
    model = above("load_keras_model")(_file(path), "python" in allow)
    traced = keras_reading.traced(model, path)
    names = traced.argument_names
    results = dict(traced.graph.structured_outputs)
    name = DEFAULT_SERVING_SIGNATURE_DEF_KEY
    signature = signature_of_function(name, traced, names, results)
    definitions = {name: definition_of(signature)}
    return Servable(path, "Keras", {name: signature}, definitions, (model, traced))


def _file(path: str) -> str | None:
    """The file of a path, or None."""
    if path.endswith(_ENDING) and files.is_file(path):
        return path
    if not files.is_folder(path):
        return None
    archives = [name for name in files.names(path) if name.endswith(_ENDING)]
    return os.path.join(path, archives[0]) if len(archives) == 1 else None
