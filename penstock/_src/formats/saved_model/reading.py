"""Reads SavedModels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.formats.model import Model
from penstock._src.saving.saved_model.load import load

# Begins the names of signatures that run when a model is loaded.
_HIDDEN = "__saved_model_"
_FILES = ("saved_model.pb", "saved_model.pbtxt")


def read(path: str, tags: Any = None, allow: Iterable[str] = ()) -> Model:
    """Returns the signatures of a SavedModel.

    Args:
      path: the folder, or the file with the graph in it.
      tags: select one of several programs; by default the only one.
      allow: what its graph may do besides computing; see tf.saved_model.experimental.allow.

    Raises:
      OSError: there is no SavedModel.
    """
    if os.path.basename(path) in _FILES:
        path = os.path.dirname(path) or "."
    root = load(path, tags, allow=tuple(allow))
    shown = {name: f for name, f in root.signatures.items() if not name.startswith(_HIDDEN)}
    return Model(shown, root, path)
