"""Objectives of models: a task, with its columns and classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from penstock._src.bridge.decision_forests.semantics import Task

__all__ = [
    "AbstractObjective",
    "AbstractUpliftObjective",
    "CategoricalUpliftObjective",
    "ClassificationObjective",
    "NumericalUpliftObjective",
    "RankingObjective",
    "RegressionObjective",
    "Task",
]


@dataclass(frozen=True)
class AbstractObjective:
    """The prediction task of a model.

    Args:
      label: the column that is predicted.

    Raises:
      ValueError: the label is empty.
    """

    label: str
    task: ClassVar[Task]

    def __post_init__(self) -> None:
        if not self.label:
            raise ValueError("Expected the name of the label. It is empty.")


@dataclass(frozen=True, repr=False)
class ClassificationObjective(AbstractObjective):
    """Classes.

    Args:
      label: the column that is predicted.
      classes: the texts of classes.
      num_classes: the number of classes; unless they are strings, labels are whole numbers of at least 0.

    Raises:
      ValueError: there are fewer than two classes, or both arguments differ.
    """

    classes: list[str] | None = None
    num_classes: int = None  # type: ignore[assignment]  # that of `classes`
    task: ClassVar[Task] = Task.CLASSIFICATION

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.classes is None and self.num_classes is None:
            raise ValueError("Expected classes or num_classes. Neither is given.")
        count = len(self.classes) if self.classes is not None else self.num_classes
        if self.num_classes not in (None, count):
            raise ValueError(f"There are {count} classes, but num_classes={self.num_classes}.")
        if count < 2:
            raise ValueError(f"Expected two classes or more. Received: {count}.")
        object.__setattr__(self, "num_classes", count)

    @property
    def has_integer_labels(self) -> bool:
        """True if classes are integers rather than strings."""
        return self.classes is None

    def __repr__(self) -> str:
        return f"Classification(label={self.label}, class={self.classes}, num_classes={self.num_classes})"


@dataclass(frozen=True, repr=False)
class RegressionObjective(AbstractObjective):
    """Numbers.

    Args:
      label: the column that is predicted.
    """

    task: ClassVar[Task] = Task.REGRESSION

    def __repr__(self) -> str:
        return f"Regression(label={self.label})"


@dataclass(frozen=True, repr=False)
class RankingObjective(AbstractObjective):
    """Ranks.

    Args:
      label: the column that is predicted.
      group: the column with the group of a row.
    """

    group: str
    task: ClassVar[Task] = Task.RANKING

    def __repr__(self) -> str:
        return f"Ranking(label={self.label}, group={self.group})"


@dataclass(frozen=True, repr=False)
class AbstractUpliftObjective(AbstractObjective):
    """The effects of treatments.

    Args:
      label: the column that treatments have effects on.
      treatment: the column with a row's treatment.
    """

    treatment: str

    def __repr__(self) -> str:
        kind = type(self).__name__.removesuffix("Objective")
        return f"{kind}(label={self.label}, treatment={self.treatment})"


@dataclass(frozen=True, repr=False)
class CategoricalUpliftObjective(AbstractUpliftObjective):
    """The effects of treatments on classes."""

    task: ClassVar[Task] = Task.CATEGORICAL_UPLIFT


@dataclass(frozen=True, repr=False)
class NumericalUpliftObjective(AbstractUpliftObjective):
    """The effects of treatments on numbers."""

    task: ClassVar[Task] = Task.NUMERICAL_UPLIFT
