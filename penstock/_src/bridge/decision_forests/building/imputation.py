"""The replacement of missing values: YDF's engines are faster where one value passes the same conditions as a missing one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from penstock._src.bridge.decision_forests.py_tree.condition import (
    CategoricalIsInCondition,
    NumericalHigherThanCondition,
)
from penstock._src.bridge.decision_forests.py_tree.dataspec import ColumnType


def impute(specification: Any, conditions: Iterable[Any]) -> None:
    """Writes a value for missing ones of each column that has none yet.

    Args:
      specification: the message with all columns.
      conditions: of all trees.
    """
    thresholds: dict[str, list[NumericalHigherThanCondition]] = defaultdict(list)
    masks: dict[str, list[CategoricalIsInCondition]] = defaultdict(list)
    for each in conditions:
        if isinstance(each, NumericalHigherThanCondition):
            thresholds[each.feature.name].append(each)
        elif isinstance(each, CategoricalIsInCondition) and each.mask:
            masks[each.feature.name].append(each)
    for column in specification.columns:
        if column.type == ColumnType.NUMERICAL and not column.numerical.HasField("mean"):
            if tests := thresholds.get(column.name):
                column.numerical.mean = _number(tests)
        elif column.type == ColumnType.CATEGORICAL and column.categorical.is_already_integerized:
            if not column.categorical.HasField("most_frequent_value") and column.name in masks:
                _set_category(column.categorical, masks[column.name])


def _number(tests: list[NumericalHigherThanCondition]) -> float:
    """A number that takes the same branches as missing ones; 0 if there is no such number."""
    low = max((t.threshold for t in tests if t.missing_evaluation), default=None)
    high = min((t.threshold for t in tests if not t.missing_evaluation), default=None)
    if low is None and high is not None:
        low = _beside(high, -1.0)
    elif high is None and low is not None:
        high = _beside(low, 1.0)
    assert low is not None and high is not None  # there is a test
    return (low + high) / 2 if low < high else 0.0


def _beside(number: float, step: float) -> float:
    """A number that differs by 1, or the next one where 1 is too little."""
    moved = number + step
    if np.isinf(moved) or moved == number:
        return float(np.nextafter(number, step * np.inf))
    return moved


def _set_category(categorical: Any, tests: list[CategoricalIsInCondition]) -> None:
    """Writes a category that takes the same branches as missing ones, if there is one."""
    within = {int(item) for t in tests if t.missing_evaluation for item in t.mask}
    outside = {int(item) for t in tests if not t.missing_evaluation for item in t.mask}
    count = max(within | outside) + 1
    free = within - outside if within else set(range(1, count + 1)) - outside
    if free:
        categorical.most_frequent_value = min(free)
        categorical.number_of_unique_values = max(count, min(free) + 1)
