"""Reads SavedModels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.formats.model import Model
from penstock._src.saving.saved_model.load import load

# Begins the names of signatures that run when a model is loaded.
_HIDDEN = "__saved_model_"


def read(path: str, tags: Any = None, allow: Iterable[str] = ()) -> Model:
    """Returns the signatures of a SavedModel.

    Args:
      path: the folder.
      tags: select one of several programs; by default the only one.
      allow: what its graph may do besides computing; see tf.saved_model.experimental.allow.

    Raises:
      OSError: there is no SavedModel.
    """
    root = load(path, tags, allow=tuple(allow))
    shown = {name: f for name, f in root.signatures.items() if not name.startswith(_HIDDEN)}
    return Model(shown, root, path)
