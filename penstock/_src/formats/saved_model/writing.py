"""Writes SavedModels."""

from __future__ import annotations

from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.formats.model import Model
from penstock._src.saving.saved_model.save import save


def write(model: Model, path: str) -> None:
    """Writes a model as a SavedModel, with its variables.

    Args:
      model: the model.
      path: the folder to make.
    """
    owner = AutoTrackable()
    owner.model = model.root  # type: ignore[attr-defined]
    owner.variables_of_signatures = [  # type: ignore[attr-defined]
        v for function in model.signatures.values() for v in function.graph.variables
    ]
    save(owner, path, signatures=dict(model.signatures))
