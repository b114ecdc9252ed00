"""The inspector of a fitted model: trees, importances of features, evaluations."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock._src.bridge.decision_forests.learners import ydf
from penstock._src.bridge.decision_forests.semantics import Task

__all__ = ["Inspector", "SimpleColumnSpec", "make_inspector"]


class SimpleColumnSpec(NamedTuple):
    """A column of a model.

    Args:
      name: of the column.
      type: what it means: "NUMERICAL", "CATEGORICAL" and so on.
      col_idx: its number among all columns.
    """

    name: str
    type: str
    col_idx: int


class Inspector:
    """Looks into a model of ydf.

    Args:
      model: of ydf.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    @property
    def model(self) -> Any:
        """ydf's model."""
        return self._model

    @property
    def task(self) -> Any:
        """The model's `Task`."""
        return Task[self._model.task().name]

    def model_type(self) -> str:
        """Returns "RANDOM_FOREST" or "GRADIENT_BOOSTED_TREES"."""
        return self._model.name()

    def num_trees(self) -> int:
        """Returns how many trees there are."""
        return self._model.num_trees()

    def features(self) -> list[SimpleColumnSpec]:
        """Returns the columns that trees may test."""
        return [
            SimpleColumnSpec(f.name, f.semantic.name, f.column_idx)
            for f in self._model.input_features()
        ]

    def label(self) -> str:
        """Returns the name of the label's column."""
        return self._model.label()

    def label_classes(self) -> list[str] | None:
        """Returns the classes, or None if numbers are predicted."""
        return self._model.label_classes() if self.task.name == "CLASSIFICATION" else None

    def variable_importances(self) -> dict[str, list[tuple[SimpleColumnSpec, float]]]:
        """Returns (column, importance) of each kind of importance, the most important first."""
        known = {each.name: each for each in self.features()}
        return {
            kind: [(known[name], value) for value, name in rows]
            for kind, rows in self._model.variable_importances().items()
        }

    def evaluation(self) -> Any:
        """Returns the evaluation of fitting: on rows out of a tree's bag, or on rows for validation; None if there is none."""
        return self._model.self_evaluation()

    def training_logs(self) -> Any:
        """Returns the evaluations while trees were added."""
        return self._model.training_logs()

    def tuning_logs(self) -> Any:
        """Returns what a tuner has tried; None if there was none."""
        return self._model.hyperparameter_optimizer_logs()

    def extract_tree(self, tree_idx: int) -> Any:
        """Returns a tree as an object of ydf's.

        Args:
          tree_idx: its number.
        """
        return self._model.get_tree(tree_idx)

    def extract_all_trees(self) -> list[Any]:
        """Returns all trees as objects of ydf's."""
        return self._model.get_all_trees()


def make_inspector(directory: str, file_prefix: str | None = None) -> Inspector:
    """Returns what looks into a model in a folder of YDF.

    Args:
      directory: the folder.
      file_prefix: what the names of its files begin with.
    """
    package = ydf()
    options = package.ModelIOOptions(file_prefix=file_prefix)
    return Inspector(package.load_model(directory, advanced_options=options))
