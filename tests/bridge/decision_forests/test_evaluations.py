"""Evaluations in YDF's files."""

import pytest

from penstock._src.bridge.decision_forests.evaluations import (
    Evaluation,
    evaluation_of,
    evaluation_of_log,
)
from penstock._src.trees.readers.ydf_schema import SCHEMA


def results(**parts):
    return SCHEMA["Results"](count_predictions=10, count_predictions_no_weight=8, **parts)


def test_classes():
    table = {"counts": [2, 1, 1, 1, 3, 1, 1, 1, 4], "sum": 15, "nrow": 3, "ncol": 3}
    classes = {"confusion": table, "rocs": [{"auc": 0.5}, {"auc": 0.75}], "sum_log_loss": 5}
    expected = Evaluation(num_examples=8, accuracy=0.6, loss=0.5, aucs=[0.5, 0.75])
    assert evaluation_of(results(classification=classes)) == expected
    assert evaluation_of(results(classification=classes, loss_value=2)).loss == 2


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"regression": {"sum_square_error": 40}, "loss_value": 5}, {"loss": 5, "rmse": 2}),
        ({"ranking": {"ndcg": {"value": 0.5}}}, {"ndcg": 0.5}),
        ({"uplift": {"auuc": 0.5, "qini": 0.25}}, {"auuc": 0.5, "qini": 0.25}),
    ],
)
def test_numbers_ranks_and_uplift(parts, expected):
    assert evaluation_of(results(**parts)).to_dict() == {"num_examples": 8, **expected}


def test_no_rows():
    assert evaluation_of(SCHEMA["Results"](loss_value=5)).to_dict() == {"num_examples": 0}


def test_steps_of_boosting():
    entries = [{}, {"validation_loss": 0.5, "validation_secondary_metrics": [0.25, 0.75, 2]}]
    names = ["accuracy", "NDCG@5", "other"]
    logs = SCHEMA["BoostedLogs"](entries=entries, secondary_metric_names=names)
    assert evaluation_of_log(logs, 1).to_dict() == {"loss": 0.5, "accuracy": 0.25, "ndcg": 0.75}
    assert evaluation_of_log(logs, 0).to_dict() == {"loss": 0}
