"""Semantics for models: tasks, and the meaning of columns."""

from __future__ import annotations

import enum
from typing import Any

from penstock._src.bridge.decision_forests.enums import NamedNumber
from penstock._src.bridge.decision_forests.learners import ydf


class Task(NamedNumber):
    """The kind of prediction; models of uplift and of other tasks are only looked into."""

    UNDEFINED = 0
    CLASSIFICATION = 1
    REGRESSION = 2
    RANKING = 3
    CATEGORICAL_UPLIFT = 4
    NUMERICAL_UPLIFT = 5
    ANOMALY_DETECTION = 6
    SURVIVAL_ANALYSIS = 7


class FeatureSemantic(enum.Enum):
    """The kind of a column."""

    NUMERICAL = 1
    CATEGORICAL = 2
    BOOLEAN = 5
    DISCRETIZED_NUMERICAL = 6


class Monotonic(enum.Enum):
    """The direction of a prediction as a number grows: it never decreases, or never increases."""

    INCREASING = 1
    DECREASING = -1


class FeatureUsage:
    """A column that a model takes, and how.

    Args:
      name: of the column.
      semantic: a `FeatureSemantic`; by default it follows from the type.
      num_discretized_numerical_bins: of a discretized number.
      max_vocab_count: texts that are kept, the most frequent ones.
      min_vocab_frequency: of texts that are kept.
      monotonic: a `Monotonic`.
    """

    def __init__(
        self,
        name: str,
        semantic: FeatureSemantic | None = None,
        num_discretized_numerical_bins: int | None = None,
        max_vocab_count: int | None = None,
        min_vocab_frequency: int | None = None,
        monotonic: Monotonic | None = None,
    ) -> None:
        self.name, self.semantic, self.monotonic = name, semantic, monotonic
        self._bins, self._most, self._least = (
            num_discretized_numerical_bins,
            max_vocab_count,
            min_vocab_frequency,
        )

    def column(self) -> Any:
        """Returns it as ydf takes it."""
        package = ydf()
        return package.Column(
            self.name,
            self.semantic and package.Semantic[self.semantic.name],
            max_vocab_count=self._most,
            min_vocab_frequency=self._least,
            num_discretized_numerical_bins=self._bins,
            monotonic=self.monotonic and self.monotonic.value,
        )
