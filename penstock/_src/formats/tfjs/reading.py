"""Reads models of TensorFlow.js."""

from __future__ import annotations

from penstock._src.core.errors import DataLossError
from penstock._src.formats.model import Model
from penstock._src.formats.tfjs.folder import read_folder
from penstock._src.formats.tfjs.graph_models import reading as graph_models
from penstock._src.formats.tfjs.layers_models import reading as layers_models


def read(path: str) -> Model:
    """Returns a graph model or layers model.

    Args:
      path: the folder, or its `model.json`.

    Raises:
      NotFoundError: a file is missing.
      DataLossError: a file is damaged.
    """
    head, values = read_folder(path)
    kind = head.get("format", "graph-model")
    if kind == "graph-model":
        return graph_models.model_of(head, values, path)
    if kind == "layers-model":
        return layers_models.model_of(head, values, path)
    raise DataLossError(f"{path} is of the unknown format {kind!r}.")
