"""The inspector of a fitted model: trees, importances of features, evaluations."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from penstock._src.bridge.decision_forests.learners import ydf
from penstock._src.bridge.decision_forests.semantics import Task
from penstock._src.observe.summaries import scalar, text
from penstock._src.observe.writer import create_file_writer

__all__ = ["Evaluation", "Inspector", "SimpleColumnSpec", "TrainLog", "make_inspector"]


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


class Evaluation(NamedTuple):
    """The quality of a model; None where it is not known.

    Args:
      num_examples: rows that count.
      accuracy: of classes.
      loss: of the learner.
      rmse: the root of the mean squared error.
      ndcg: of ranks.
      aucs: the area below the ROC curve of each class.
      auuc: of uplift.
      qini: of uplift.
    """

    num_examples: int | None = None
    accuracy: float | None = None
    loss: float | None = None
    rmse: float | None = None
    ndcg: float | None = None
    aucs: list[float] | None = None
    auuc: float | None = None
    qini: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns what is known."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class TrainLog(NamedTuple):
    """The quality of a model while trees were added.

    Args:
      num_trees: how many there were.
      evaluation: with these trees.
    """

    num_trees: int
    evaluation: Evaluation | None = None


def _evaluation(found: Any) -> Evaluation | None:
    """An evaluation of ydf's."""
    if found is None:
        return None
    curves = found.characteristics
    same = {name: getattr(found, name) for name in ("num_examples", "accuracy", "loss", "rmse", "ndcg")}  # fmt: skip
    return Evaluation(**same, aucs=[each.roc_auc for each in curves] if curves else None)


def _write(evaluation: Evaluation | None, prefix: str, step: int) -> None:
    """Writes scalars for TensorBoard; of several numbers, each by its place."""
    for name, value in (evaluation or Evaluation()).to_dict().items():
        numbers = {f"{name}/{i}": v for i, v in enumerate(value)} if isinstance(value, list) else {name: value}  # fmt: skip
        for each, number in numbers.items():
            scalar(prefix + each, number, step=step)


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

    def label(self) -> SimpleColumnSpec:
        """Returns the label's column."""
        place = self._model.label_col_idx()
        kind = "CATEGORICAL" if self.task is Task.CLASSIFICATION else "NUMERICAL"
        return SimpleColumnSpec(self._model.label(), kind, place)

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

    def evaluation(self) -> Evaluation | None:
        """Returns the evaluation of fitting: on rows out of a tree's bag, or on rows for validation; None if there is none."""
        return _evaluation(self._model.self_evaluation())

    def training_logs(self) -> list[TrainLog] | None:
        """Returns the evaluations while trees were added; None if there are none."""
        logs = self._model.training_logs()
        return [TrainLog(log.iteration, _evaluation(log.evaluation)) for log in logs] or None

    def export_to_tensorboard(self, path: str) -> None:
        """Writes the evaluations for TensorBoard.

        Args:
          path: the folder.
        """
        writer = create_file_writer(path)
        with writer.as_default():
            text("model_type", self.model_type(), step=0)
            _write(self.evaluation(), "final/", 0)
            for log in self.training_logs() or []:
                _write(log.evaluation, "", log.num_trees)
        writer.close()

    def tuning_logs(self) -> Any:
        """Returns what a tuner has tried, as a data frame: a row for each trial, its score, whether it is the best, and its hyperparameters; None if there was none."""
        logs = self._model.hyperparameter_optimizer_logs()
        if logs is None:
            return None
        best = max(trial.score for trial in logs.trials)
        rows = [{"score": t.score, "best": t.score == best, **t.params} for t in logs.trials]
        return importlib.import_module("pandas").DataFrame(rows)

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
