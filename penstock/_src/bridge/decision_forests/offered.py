"""The names in `tensorflow_decision_forests.keras`."""

from __future__ import annotations

from penstock._src.bridge.decision_forests.building.saved import (
    default_signature as build_default_input_model_signature,
)
from penstock._src.bridge.decision_forests.datasets import pd_dataframe_to_tf_dataset
from penstock._src.bridge.decision_forests.models import (
    CartModel,
    CoreModel,
    GradientBoostedTreesModel,
    RandomForestModel,
)
from penstock._src.bridge.decision_forests.semantics import (
    FeatureSemantic,
    FeatureUsage,
    Monotonic,
    Task,
)
from penstock._src.saving.saved_model.save import save
from penstock._src.trees.program import Program
from penstock._src.trees.readers import table

__all__ = [
    "CartModel",
    "CoreModel",
    "FeatureSemantic",
    "FeatureUsage",
    "GradientBoostedTreesModel",
    "Monotonic",
    "RandomForestModel",
    "Task",
    "build_default_input_model_signature",
    "get_all_models",
    "pd_dataframe_to_tf_dataset",
    "yggdrasil_model_to_keras_model",
]


def get_all_models() -> list[type[CoreModel]]:
    """Returns the classes of models."""
    return [RandomForestModel, GradientBoostedTreesModel, CartModel]


def yggdrasil_model_to_keras_model(src_path: str, dst_path: str) -> None:
    """Writes a model of YDF as a SavedModel, a function of columns.

    Args:
      src_path: the folder of YDF.
      dst_path: the folder to make.
    """
    program = Program(table.read(src_path))
    save(program, dst_path, signatures=program.signature(by_columns=True))
