"""Evaluations in YDF's files."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

__all__ = ["Evaluation", "TrainLog", "evaluation_of", "evaluation_of_log"]


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
        """Returns the known metrics."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class TrainLog(NamedTuple):
    """The quality of a model while trees were added.

    Args:
      num_trees: how many there were.
      evaluation: with these trees.
    """

    num_trees: int
    evaluation: Evaluation | None = None


# Secondary metrics of boosting, and the names of the same numbers here.
_METRICS = {"accuracy": "accuracy", "NDCG@5": "ndcg", "rmse": "rmse"}


def evaluation_of(message: Any) -> Evaluation:
    """Returns the evaluation of a message, on rows outside of trees' bags.

    Args:
      message: the message.
    """
    rows = message.count_predictions_no_weight
    if not rows:
        return Evaluation(num_examples=rows)
    known: dict[str, Any] = {"loss": message.loss_value if message.HasField("loss_value") else None}
    if message.HasField("classification"):
        known |= _of_classes(message, known["loss"])
    if message.HasField("regression") and message.regression.HasField("sum_square_error"):
        known["rmse"] = math.sqrt(message.regression.sum_square_error / message.count_predictions)
    if message.HasField("ranking") and message.ranking.HasField("ndcg"):
        known["ndcg"] = message.ranking.ndcg.value
    for name in ("auuc", "qini"):
        if message.HasField("uplift") and message.uplift.HasField(name):
            known[name] = getattr(message.uplift, name)
    return Evaluation(num_examples=rows, **known)


def _of_classes(message: Any, loss: float | None) -> dict[str, Any]:
    metrics, classes = {}, message.classification
    if classes.HasField("confusion"):
        table = classes.confusion
        right = sum(table.counts[i * (table.nrow + 1)] for i in range(table.nrow))
        metrics["accuracy"] = right / table.sum
    if classes.rocs:
        metrics["aucs"] = [curve.auc for curve in classes.rocs]
    if loss is None and classes.HasField("sum_log_loss"):
        metrics["loss"] = classes.sum_log_loss / message.count_predictions
    return metrics


def evaluation_of_log(logs: Any, place: int) -> Evaluation:
    """Returns the evaluation of a step of boosting, on rows for validation.

    Args:
      logs: the message.
      place: the number of the step.
    """
    entry = logs.entries[place]
    values = zip(logs.secondary_metric_names, entry.validation_secondary_metrics, strict=False)
    known = {_METRICS[name]: value for name, value in values if name in _METRICS}
    return Evaluation(loss=entry.validation_loss, **known)
