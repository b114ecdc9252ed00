"""Columns of a model, and the categories of a column."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from penstock._src.bridge.decision_forests.enums import NamedNumber

__all__ = [
    "OUT_OF_DICTIONARY",
    "ColumnType",
    "SimpleColumnSpec",
    "categorical_column_dictionary_to_list",
    "categorical_value_idx_to_value",
    "column_name_to_column_idx",
    "discretized_numerical_to_numerical",
    "label_value_idx_to_value",
    "make_simple_column_spec",
]

# The text of all categories that are not in the dictionary; its number is 0.
OUT_OF_DICTIONARY = "<OOD>"


class ColumnType(NamedNumber):
    """The meaning of a column."""

    UNKNOWN = 0
    NUMERICAL = 1
    NUMERICAL_SET = 2
    NUMERICAL_LIST = 3
    CATEGORICAL = 4
    CATEGORICAL_SET = 5
    CATEGORICAL_LIST = 6
    BOOLEAN = 7
    STRING = 8
    DISCRETIZED_NUMERICAL = 9
    HASH = 10
    NUMERICAL_VECTOR_SEQUENCE = 11


class SimpleColumnSpec(NamedTuple):
    """A column.

    Args:
      name: of the column.
      type: a `ColumnType`.
      col_idx: its number among all columns; None: not known yet.
    """

    name: str
    type: int
    col_idx: int | None = None

    def __repr__(self) -> str:
        return f'"{self.name}" ({int(self.type)}; #{self.col_idx})'


def make_simple_column_spec(dataspec: Any, col_idx: int) -> SimpleColumnSpec:
    """Returns a column of a specification.

    Args:
      dataspec: the message with all columns.
      col_idx: the column's number.
    """
    column = dataspec.columns[col_idx]
    return SimpleColumnSpec(column.name, ColumnType(column.type), col_idx)


def categories_of(column: Any) -> dict[int, str]:
    """Returns the texts of a column's categories by their numbers.

    Args:
      column: the message of the column.
    """
    return {item.index: text for text, item in column.categorical.items.items()}


def categorical_value_idx_to_value(column_spec: Any, value_idx: int) -> int | str:
    """Returns a category: its text, or its number in a column without texts.

    Args:
      column_spec: the message of the column.
      value_idx: the category's number.
    """
    if column_spec.categorical.is_already_integerized:
        return value_idx
    return categories_of(column_spec).get(value_idx, OUT_OF_DICTIONARY)


def label_value_idx_to_value(column_spec: Any, value_idx: int) -> int | str:
    """Returns a class: its text, or its number if it has none.

    Args:
      column_spec: the message of the label's column.
      value_idx: the place of the class in a `ProbabilityValue`; number 0 of the column is not a class.
    """
    return categorical_value_idx_to_value(column_spec, value_idx + 1)


def categorical_column_dictionary_to_list(column_spec: Any) -> list[str]:
    """Returns the texts of a column's categories in the order of their numbers.

    Args:
      column_spec: the message of the column.

    Raises:
      ValueError: the column has no texts, or not one for each number.
    """
    name, categorical = column_spec.name, column_spec.categorical
    if categorical.is_already_integerized:
        raise ValueError(f"The categories of {name!r} are numbers: there are no texts.")
    texts = categories_of(column_spec)
    count = categorical.number_of_unique_values
    if len(texts) != len(categorical.items) or set(texts) != set(range(count)):
        raise ValueError(f"The categories of {name!r} are not numbered from 0 to {count - 1}.")
    return [texts[number] for number in range(count)]


def discretized_numerical_to_numerical(column_spec: Any, value: int) -> float:
    """Returns a number that lies in a bin of a discretized column; NaN of a bin that does not exist.

    Args:
      column_spec: the message of the column.
      value: the bin.
    """
    bounds = column_spec.discretized_numerical.boundaries
    if value > len(bounds):
        return math.nan
    if value == 0:
        return bounds[0] - 1.0
    if value == len(bounds):
        return bounds[-1] + 1.0
    return (bounds[value] + bounds[value - 1]) / 2


def column_name_to_column_idx(name: str, dataspec: Any) -> int:
    """Returns the number of a column.

    Args:
      name: of the column.
      dataspec: the message with all columns.

    Raises:
      ValueError: there is none of this name.
    """
    index = next((i for i, column in enumerate(dataspec.columns) if column.name == name), None)
    if index is None:
        raise ValueError(f"There is no column {name!r}.")
    return index
