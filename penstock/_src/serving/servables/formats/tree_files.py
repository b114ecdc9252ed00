"""Ensembles of decision trees: files of XGBoost and LightGBM, folders of YDF."""

from __future__ import annotations

import os
from collections.abc import Iterable

from penstock._src.filesystems import files
from penstock._src.serving.servables.formats.functions import definition_of, signature_of_function
from penstock._src.serving.servables.servable import ROOM, Room, Servable
from penstock._src.trees.model import tree_model
from penstock._src.trees.readers import table


def matches(path: str) -> bool:
    """True if a path is such a file or folder, or a folder with one such file."""
    return _place(path) is not None


def size(path: str, room: Room = ROOM) -> int:
    """Returns the bytes of the files."""
    place = _place(path) or path
    if not files.is_folder(place):
        return files.status(place).length
    return sum(files.status(os.path.join(place, name)).length for name in files.names(place))


def load(path: str, allow: Iterable[str] = (), room: Room = ROOM) -> Servable:
    """Returns the loaded model; such a file can only compute."""
    model = tree_model(_place(path) or path)
    ((name, traced),) = model.signatures.items()
    results = dict(traced.graph.structured_outputs)
    signature = signature_of_function(name, traced, traced.argument_names, results)
    definitions = {name: definition_of(signature)}
    return Servable(path, str(model.details["library"]), {name: signature}, definitions, model)


def _place(path: str) -> str | None:
    """The file or folder of a path, or None."""
    if table.is_ensemble(path):
        return path
    if not files.is_folder(path):
        return None
    names = [os.path.join(path, name) for name in files.names(path)]
    ensembles = [
        name for name in names if name.endswith(table.SUFFIXES) and table.is_ensemble(name)
    ]
    return ensembles[0] if len(ensembles) == 1 else None
