"""Reads files of XGBoost, LightGBM and YDF."""

from __future__ import annotations

from penstock._src.formats.model import Model
from penstock._src.util.slots import above


def read(path: str) -> Model:
    """Returns the model of a file or folder: from rows to predictions.

    Args:
      path: the file or folder.

    Raises:
      OpError: a file is missing, damaged, or of a kind of model that is not implemented.
    """
    return above("tree_model")(path)


def recognized(path: str) -> bool:
    """True if a path is a file of XGBoost or LightGBM, or a folder of YDF."""
    return above("is_tree_model")(path)
