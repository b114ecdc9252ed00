"""The columns of a model that is built: names, types and categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock._src.bridge.decision_forests.py_tree.dataspec import (
    OUT_OF_DICTIONARY,
    ColumnType,
    SimpleColumnSpec,
    categorical_column_dictionary_to_list,
)
from penstock._src.bridge.decision_forests.py_tree.objective import (
    AbstractObjective,
    ClassificationObjective,
    RankingObjective,
)
from penstock._src.trees.readers.ydf_schema import SCHEMA

_OF_CATEGORIES = {ColumnType.CATEGORICAL, ColumnType.CATEGORICAL_SET}


class Columns:
    """The columns: the label first, then the group of ranks.

    Args:
      objective: of the model.

    Attributes:
      specification: the message that is written.
      reserved: the number of columns that are not features.
    """

    def __init__(self, objective: AbstractObjective) -> None:
        self.specification = SCHEMA["Specification"]()
        self._places: dict[str, int] = {}
        label = self._column(objective.label)
        label.type = ColumnType.NUMERICAL
        if isinstance(objective, ClassificationObjective):
            label.type = ColumnType.CATEGORICAL
            _set_classes(label.categorical, objective)
        if isinstance(objective, RankingObjective):
            self._column(objective.group).type = ColumnType.HASH
        self.reserved = len(self.specification.columns)

    def _column(self, name: str) -> Any:
        """The message of a column, which is added if it is new."""
        if name not in self._places:
            self._places[name] = len(self.specification.columns)
            self.specification.columns.add(name=name)
        return self.specification.columns[self._places[name]]

    def add_all(self, other: Any) -> None:
        """Adds the features of another specification, with all that it says of them.

        Args:
          other: the message.
        """
        for column in other.columns:
            if column.name not in self._places:
                self._column(column.name).MergeFromString(column.SerializeToString())

    def observe(self, feature: SimpleColumnSpec, categories: Sequence[Any] | None) -> None:
        """Adds a feature, or categories of one.

        Args:
          feature: the column.
          categories: texts, or numbers.

        Raises:
          ValueError: the column has another type, or categories of the other kind.
        """
        column = self._column(feature.name)
        if feature.type != ColumnType.UNKNOWN:
            if column.type not in (ColumnType.UNKNOWN, feature.type):
                raise ValueError(
                    f"The column {feature.name!r} is {ColumnType.Name(column.type)}. Received: {ColumnType.Name(feature.type)}."
                )
            column.type = feature.type
        if not categories or column.type not in _OF_CATEGORIES:
            return
        has_numbers, categorical = not isinstance(categories[0], str), column.categorical
        other = categorical.items if has_numbers else categorical.is_already_integerized
        if other or any(isinstance(each, str) == has_numbers for each in categories):
            raise ValueError(f"Categories of {feature.name!r} are texts as well as numbers.")
        if has_numbers:
            _add_numbers(categorical, categories)
        else:
            _add_texts(categorical, categories)

    def dictionary(self, name: str) -> list[str]:
        """Returns the texts of a column's categories, in the order of their numbers.

        Args:
          name: of the column.

        Raises:
          ValueError: there is no such column, or it has no texts.
        """
        return categorical_column_dictionary_to_list(self._with_texts(name))

    def set_dictionary(self, name: str, dictionary: Sequence[str]) -> None:
        """Replaces the texts of a column's categories.

        Args:
          name: of the column.
          dictionary: the texts.

        Raises:
          ValueError: there is no such column, it has no texts, or "<OOD>" is missing.
        """
        column = self._with_texts(name)
        if OUT_OF_DICTIONARY not in dictionary:
            raise ValueError(
                f"The dictionary of {name!r} lacks {OUT_OF_DICTIONARY!r}, which stands for all other texts."
            )
        column.categorical.items.clear()
        _add_texts(column.categorical, dictionary)

    def _with_texts(self, name: str) -> Any:
        if name not in self._places:
            raise ValueError(f"There is no column {name!r}.")
        column = self.specification.columns[self._places[name]]
        if column.type not in _OF_CATEGORIES:
            raise ValueError(
                f"The column {name!r} has no categories: it is {ColumnType.Name(column.type)}."
            )
        if column.categorical.is_already_integerized:
            raise ValueError(f"The categories of {name!r} are numbers: there are no texts.")
        return column


def _set_classes(categorical: Any, objective: ClassificationObjective) -> None:
    categorical.number_of_unique_values = objective.num_classes + 1  # no row has number 0
    if objective.classes is None:
        categorical.is_already_integerized = True
    else:
        _add_texts(categorical, objective.classes)


def _add_texts(categorical: Any, texts: Sequence[str]) -> None:
    for text in (OUT_OF_DICTIONARY, *texts):
        if text not in categorical.items:
            categorical.items[text].index = len(categorical.items)
    categorical.number_of_unique_values = len(categorical.items)


def _add_numbers(categorical: Any, numbers: Sequence[int]) -> None:
    categorical.is_already_integerized = True
    count = max(numbers) + 1
    categorical.number_of_unique_values = max(categorical.number_of_unique_values, count)
