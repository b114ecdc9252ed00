"""Predictions of leaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "AbstractValue",
    "ProbabilityValue",
    "RegressionValue",
    "UpliftValue",
    "core_value_to_value",
    "set_core_node",
]


class AbstractValue:
    """A prediction."""


@dataclass(frozen=True, repr=False)
class ProbabilityValue(AbstractValue):
    """Probabilities of classes.

    Args:
      probability: of each class.
      num_examples: rows that reached the node, which may have weights.
    """

    probability: list[float]
    num_examples: float | None = 1.0

    def __repr__(self) -> str:
        return f"ProbabilityValue({self.probability},n={self.num_examples})"


@dataclass(frozen=True, repr=False)
class RegressionValue(AbstractValue):
    """A number: of the label, or what boosting adds to a sum.

    Args:
      value: the number.
      num_examples: rows that reached the node, which may have weights.
      standard_deviation: of their labels.
    """

    value: float
    num_examples: float | None = 1.0
    standard_deviation: float | None = None

    def __repr__(self) -> str:
        spread = "" if self.standard_deviation is None else f",sd={self.standard_deviation}"
        return f"RegressionValue(value={self.value}{spread},n={self.num_examples})"


@dataclass(frozen=True, repr=False)
class UpliftValue(AbstractValue):
    """The effects of treatments.

    Args:
      treatment_effect: of each treatment.
      num_examples: rows that reached the node, which may have weights.
    """

    treatment_effect: list[float]
    num_examples: float | None = 1.0

    def __repr__(self) -> str:
        return f"UpliftValue(treatment_effect={self.treatment_effect},n={self.num_examples})"


def core_value_to_value(core_node: Any) -> AbstractValue | None:
    """Returns the value of a node of YDF's files; None if it has none.

    Args:
      core_node: the message.
    """
    field_name = next((kind for kind in _READ if core_node.HasField(kind)), None)
    return None if field_name is None else _READ[field_name](getattr(core_node, field_name))


def _probabilities(message: Any) -> ProbabilityValue:
    distribution = message.distribution
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.array(distribution.counts[1:]) / distribution.sum
    return ProbabilityValue(shares.tolist(), distribution.sum)


def _number(message: Any) -> RegressionValue:
    distribution = message.distribution
    return RegressionValue(message.top_value, distribution.count, _deviation(distribution))


def _deviation(distribution: Any) -> float | None:
    if not (distribution.HasField("sum_squares") and distribution.count > 0):
        return None
    variance = (
        distribution.sum_squares / distribution.count - (distribution.sum / distribution.count) ** 2
    )
    return math.sqrt(variance) if variance >= 0 else None


def _effects(message: Any) -> UpliftValue:
    return UpliftValue(list(message.treatment_effect), message.sum_weights)


_READ: dict[str, Callable[[Any], AbstractValue]] = {
    "classifier": _probabilities,
    "regressor": _number,
    "uplift": _effects,
}


def set_core_node(value: AbstractValue, core_node: Any) -> None:
    """Writes a value into a node of YDF's files.

    Args:
      value: what is written.
      core_node: the message.

    Raises:
      NotImplementedError: it is neither probabilities nor a number.
    """
    if isinstance(value, ProbabilityValue):
        counts = np.array([0.0, *value.probability]) * (value.num_examples or 0.0)
        core_node.classifier.distribution.sum = value.num_examples or 0.0
        core_node.classifier.distribution.counts[:] = counts.tolist()
        core_node.classifier.top_value = int(np.argmax(counts))
    elif isinstance(value, RegressionValue):
        core_node.regressor.top_value = value.value
        if value.standard_deviation is not None:
            distribution = core_node.regressor.distribution
            rows = value.num_examples or 0.0
            distribution.sum, distribution.count = 0.0, rows
            distribution.sum_squares = value.standard_deviation**2 * rows
    else:
        raise NotImplementedError(f"Only probabilities and numbers are written. Received: {value}")
