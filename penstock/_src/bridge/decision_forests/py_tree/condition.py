"""Conditions of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from penstock._src.bridge.decision_forests.py_tree.dataspec import (
    OUT_OF_DICTIONARY,
    ColumnType,
    SimpleColumnSpec,
    categories_of,
    column_name_to_column_idx,
    discretized_numerical_to_numerical,
    make_simple_column_spec,
)

__all__ = [
    "AbstractCondition",
    "CategoricalIsInCondition",
    "CategoricalSetContainsCondition",
    "ColumnType",
    "IsMissingInCondition",
    "IsTrueCondition",
    "NumericalHigherThanCondition",
    "NumericalSparseObliqueCondition",
    "SimpleColumnSpec",
    "column_spec_bitmap_to_items",
    "column_spec_items_to_bitmap",
    "core_condition_to_condition",
    "set_core_node",
]


class AbstractCondition:
    """A condition of columns. Two are equal if they test the same; what they do with missing values, and scores, have no part.

    Attributes:
      missing_evaluation: whether the condition holds where the column's value is missing; None: it never is.
      split_score: of the learner.
    """

    missing_evaluation: bool | None
    split_score: float | None

    def features(self) -> list[SimpleColumnSpec]:
        """Returns the columns that are tested."""
        raise NotImplementedError

    def _ended(self, text: str) -> str:
        return f"({text}; miss={self.missing_evaluation}, score={self.split_score})"


@dataclass(frozen=True, repr=False)
class _OfOneColumn(AbstractCondition):
    feature: SimpleColumnSpec

    def features(self) -> list[SimpleColumnSpec]:
        """Returns the column that is tested."""
        return [self.feature]


@dataclass(frozen=True, repr=False)
class IsMissingInCondition(_OfOneColumn):
    """Holds where a value is missing.

    Args:
      feature: the column.
      split_score: of the learner.
    """

    split_score: float | None = field(default=None, compare=False)
    missing_evaluation = False

    def __repr__(self) -> str:
        return f"({self.feature.name} is missing, score={self.split_score})"


@dataclass(frozen=True, repr=False)
class IsTrueCondition(_OfOneColumn):
    """Holds where a boolean is true.

    Args:
      feature: the column.
      missing_evaluation: whether the condition holds where the value is missing.
      split_score: of the learner.
    """

    missing_evaluation: bool | None = field(compare=False)
    split_score: float | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return self._ended(f"{self.feature.name} is true")


@dataclass(frozen=True, repr=False)
class NumericalHigherThanCondition(_OfOneColumn):
    """Holds where a number is at least a threshold.

    Args:
      feature: the column.
      threshold: the least number for which it holds.
      missing_evaluation: whether the condition holds where the value is missing.
      split_score: of the learner.
    """

    threshold: float
    missing_evaluation: bool | None = field(compare=False)
    split_score: float | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return self._ended(f"{self.feature.name} >= {self.threshold}")


@dataclass(frozen=True, repr=False)
class _OfCategories(_OfOneColumn):
    """A condition on categories.

    Args:
      feature: the column.
      mask: the categories: texts, or numbers.
      missing_evaluation: whether the condition holds where the value is missing.
      split_score: of the learner.
    """

    mask: list[str] | list[int]
    missing_evaluation: bool | None = field(compare=False)
    split_score: float | None = field(default=None, compare=False)


class CategoricalIsInCondition(_OfCategories):
    """Holds where a category is one of several. Arguments are those of conditions on categories."""

    def __repr__(self) -> str:
        return self._ended(f"{self.feature.name} in {self.mask}")


class CategoricalSetContainsCondition(_OfCategories):
    """Holds where a set has one of several categories. Arguments are those of conditions on categories."""

    def __repr__(self) -> str:
        return self._ended(f"{self.feature.name} intersect {self.mask} != empty")


class NumericalSparseObliqueCondition(AbstractCondition):
    """Holds where a weighted sum of numbers is at least a threshold.

    Args:
      features: the columns.
      weights: of the columns.
      threshold: the least sum for which it holds.
      missing_evaluation: whether the condition holds where a value is missing.
      split_score: of the learner.
    """

    def __init__(
        self,
        features: list[SimpleColumnSpec],
        weights: list[float],
        threshold: float,
        missing_evaluation: bool | None,
        split_score: float | None = None,
    ) -> None:
        self._features = features
        self.weights, self.threshold = weights, threshold
        self.missing_evaluation, self.split_score = missing_evaluation, split_score

    def features(self) -> list[SimpleColumnSpec]:
        """Returns the columns that are tested."""
        return self._features

    def _tested(self) -> tuple[Any, ...]:
        return self._features, self.weights, self.threshold

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, NumericalSparseObliqueCondition) and self._tested() == other._tested()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return self._ended(f"{self._features} . {self.weights} >= {self.threshold}")


_IN_COLUMN: dict[int, Callable[..., AbstractCondition]] = {
    ColumnType.CATEGORICAL: CategoricalIsInCondition,
    ColumnType.CATEGORICAL_SET: CategoricalSetContainsCondition,
}


def core_condition_to_condition(core_condition: Any, dataspec: Any) -> AbstractCondition:
    """Returns the condition of a node of YDF's files.

    Args:
      core_condition: the message.
      dataspec: the message with all columns.

    Raises:
      ValueError: it is of no known kind.
    """
    kind, number = core_condition.condition, core_condition.attribute
    feature, column = make_simple_column_spec(dataspec, number), dataspec.columns[number]
    ends = core_condition.na_value, core_condition.split_score
    if kind.HasField("na_condition"):
        return IsMissingInCondition(feature, core_condition.split_score)
    if kind.HasField("higher_condition"):
        return NumericalHigherThanCondition(feature, kind.higher_condition.threshold, *ends)
    if kind.HasField("true_value_condition"):
        return IsTrueCondition(feature, *ends)
    if kind.HasField("discretized_higher_condition"):
        bin_number = kind.discretized_higher_condition.threshold
        threshold = discretized_numerical_to_numerical(column, bin_number)
        return NumericalHigherThanCondition(feature, threshold, *ends)
    if kind.HasField("oblique_condition"):
        oblique = kind.oblique_condition
        features = [make_simple_column_spec(dataspec, each) for each in oblique.attributes]
        return NumericalSparseObliqueCondition(
            features, list(oblique.weights), oblique.threshold, *ends
        )
    items = _items(kind, column)
    if items is None or feature.type not in _IN_COLUMN:
        raise ValueError(f"The condition of the column {feature.name!r} is of no known kind.")
    return _IN_COLUMN[feature.type](feature, items, *ends)


def _items(kind: Any, column: Any) -> list[Any] | None:
    """The categories of a condition; None if it has none."""
    if kind.HasField("contains_bitmap_condition"):
        return column_spec_bitmap_to_items(column, kind.contains_bitmap_condition.elements_bitmap)
    if kind.HasField("contains_condition"):
        return _texts(column, kind.contains_condition.elements)
    return None


def _texts(column: Any, numbers: Iterable[int]) -> list[Any]:
    """Categories of numbers."""
    if column.categorical.is_already_integerized:
        return list(numbers)
    known = categories_of(column)
    return [known.get(number, OUT_OF_DICTIONARY) for number in numbers]


def column_spec_bitmap_to_items(column_spec: Any, bitmap: bytes) -> list[Any]:
    """Returns the categories of a bitmap: texts, or numbers of a column without texts.

    Args:
      column_spec: the message of the column.
      bitmap: bytes with a bit for each category.
    """
    bits = np.unpackbits(np.frombuffer(bitmap, np.uint8), bitorder="little")
    count = column_spec.categorical.number_of_unique_values
    return _texts(column_spec, np.flatnonzero(bits[:count]).tolist())


def column_spec_items_to_bitmap(column_spec: Any, items: Sequence[int]) -> bytes:
    """Returns a bitmap of categories.

    Args:
      column_spec: the message of the column.
      items: the numbers of categories.
    """
    bits = np.zeros(column_spec.categorical.number_of_unique_values, np.uint8)
    bits[np.asarray(items, np.int64)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def set_core_node(condition: AbstractCondition, dataspec: Any, core_node: Any) -> None:
    """Writes a condition into a node of YDF's files.

    Args:
      condition: what is written.
      dataspec: the message with all columns.
      core_node: the message of the node.

    Raises:
      ValueError: it tests no columns, or a column or category that does not exist.
      TypeError: it does not say what holds for missing values.
      NotImplementedError: it is of no known kind.
    """
    if not condition.features():
        raise ValueError("A condition tests no columns.")
    if condition.missing_evaluation is None:
        raise TypeError(f"A condition does not say what holds for missing values: {condition!r}")
    numbers = [column_name_to_column_idx(f.name, dataspec) for f in condition.features()]
    target = core_node.condition
    target.attribute = numbers[0]
    target.na_value = condition.missing_evaluation
    if condition.split_score is not None:
        target.split_score = condition.split_score
    kind = target.condition
    if isinstance(condition, IsMissingInCondition):
        kind.na_condition.SetInParent()
    elif isinstance(condition, IsTrueCondition):
        kind.true_value_condition.SetInParent()
    elif isinstance(condition, NumericalHigherThanCondition):
        kind.higher_condition.threshold = condition.threshold
    elif isinstance(condition, CategoricalIsInCondition | CategoricalSetContainsCondition):
        _set_items(kind, dataspec.columns[numbers[0]], condition.mask)
    elif isinstance(condition, NumericalSparseObliqueCondition):
        kind.oblique_condition.attributes[:] = numbers
        kind.oblique_condition.weights[:] = condition.weights
        kind.oblique_condition.threshold = condition.threshold
    else:
        raise NotImplementedError(f"A condition is of no known kind: {condition!r}")


def _set_items(kind: Any, column: Any, mask: Sequence[Any]) -> None:
    """Writes categories as a list if there are few of many, else as a bitmap."""
    known = column.categorical.items
    unknown = [item for item in mask if isinstance(item, str) and item not in known]
    if unknown:
        raise ValueError(f"The dictionary of {column.name!r} lacks {unknown[0]!r}.")
    numbers = [known[item].index if isinstance(item, str) else item for item in mask]
    # A list keeps the order that users gave, a bitmap does not; the limit is TF-DF's.
    if len(numbers) * 256 > column.categorical.number_of_unique_values:
        kind.contains_bitmap_condition.elements_bitmap = column_spec_items_to_bitmap(
            column, numbers
        )
    else:
        kind.contains_condition.elements[:] = numbers
