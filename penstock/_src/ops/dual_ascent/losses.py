"""Losses of linear models, with their dual updates.

`margin` is the prediction w.x of the primal model. `pull` is the change of the margin per unit of the dual variable: the
example's squared norm times its weight over the regularization, times the number of partitions updated at once.
"""

import math
from typing import Protocol

from penstock._src.core.errors import InvalidArgumentError


class Loss(Protocol):
    """The methods of a loss that the optimizer uses."""

    smoothness: float

    def label(self, label: float) -> float:
        """The label in the loss's own form; InvalidArgumentError for an invalid one."""

    def dual(self, label: float, dual: float, margin: float, pull: float) -> float:
        """The optimal dual variable for this example, with all others fixed."""

    def primal_loss(self, margin: float, label: float) -> float:
        """The loss of the prediction."""

    def dual_loss(self, dual: float, label: float) -> float:
        """The conjugate loss of the dual variable."""

    def slope(self, margin: float, label: float) -> float:
        """The negated derivative of the loss with respect to the prediction."""


def _sign_of(label: float) -> float:
    """0 and 1 as -1 and 1."""
    if label == 0:
        return -1.0
    if label == 1:
        return 1.0
    raise InvalidArgumentError(
        f"Only labels of 0.0 or 1.0 are supported right now. Found example with label: {label:g}"
    )


class Squared:
    """Half the squared difference."""

    smoothness = 1.0

    def label(self, label: float) -> float:
        """Any number."""
        return label

    def dual(self, label: float, dual: float, margin: float, pull: float) -> float:
        """Solve in closed form."""
        return dual + (label - dual - margin) / (1 + pull)

    def primal_loss(self, margin: float, label: float) -> float:
        """(w.x - y)^2 / 2."""
        return 0.5 * (margin - label) ** 2

    def dual_loss(self, dual: float, label: float) -> float:
        """a (a / 2 - y)."""
        return dual * (0.5 * dual - label)

    def slope(self, margin: float, label: float) -> float:
        """y - w.x."""
        return label - margin


class Logistic:
    """log(1 + exp(-y w.x)), for labels of 0 and 1."""

    smoothness = 4.0
    _STEPS = 10

    def label(self, label: float) -> float:
        """-1 or 1."""
        return _sign_of(label)

    def dual(self, label: float, dual: float, margin: float, pull: float) -> float:
        """Solve by Newton's method for x, with the dual (1 + tanh x) / 2y."""
        x = 0.0
        for _ in range(self._STEPS):
            bend = math.tanh(x)
            value = -2 * label * x - margin - pull * (0.5 * (1 + bend) / label - dual)
            slope = -2 * label - pull * (1 - bend * bend) * 0.5 / label
            x -= value / slope
        return 0.5 * (1 + math.tanh(x)) / label

    def primal_loss(self, margin: float, label: float) -> float:
        """log(1 + exp(-y w.x)), without overflow."""
        agreement = label * margin
        return math.log1p(math.exp(-abs(agreement))) + max(-agreement, 0.0)

    def dual_loss(self, dual: float, label: float) -> float:
        """The entropy of ya, negated."""
        share = dual * label
        rest = 1 - share
        log_share = math.log(share) if share > 0 else 0.0
        log_rest = math.log(rest) if rest > 0 else 0.0
        return share * log_share + rest * log_rest

    def slope(self, margin: float, label: float) -> float:
        """y / (1 + exp(y w.x)), without overflow."""
        agreement = label * margin
        if agreement > 0:
            return label * math.exp(-agreement) / (1 + math.exp(-agreement))
        return label / (1 + math.exp(agreement))


class SmoothHinge:
    """The hinge max(0, 1 - y w.x), rounded by a parabola over `gamma`; for labels of 0 and 1."""

    smoothness = 1.0
    gamma = 1.0

    def label(self, label: float) -> float:
        """-1 or 1."""
        return _sign_of(label)

    def dual(self, label: float, dual: float, margin: float, pull: float) -> float:
        """Solve in closed form, clipped so that ya is in [0, 1]."""
        step = label - margin - self.gamma * dual
        denominator = pull + self.gamma
        candidate = dual + (step / denominator if denominator else math.copysign(math.inf, step))
        if label * candidate < 0:
            return 0.0
        return label if label * candidate > 1 else candidate

    def primal_loss(self, margin: float, label: float) -> float:
        """0 from y w.x = 1 on; a line below 1 - gamma."""
        agreement = label * margin
        if agreement >= 1:
            return 0.0
        if agreement <= 1 - self.gamma:
            return 1 - agreement - self.gamma / 2
        return (1 - agreement) ** 2 / (2 * self.gamma)

    def dual_loss(self, dual: float, label: float) -> float:
        """gamma a^2 / 2 - ya, infinite outside [0, 1]."""
        share = dual * label
        if not 0 <= share <= 1:
            return math.inf
        return 0.5 * self.gamma * dual * dual - share

    def slope(self, margin: float, label: float) -> float:
        """0 from y w.x = 1 on, y below 1 - gamma, between them a line."""
        agreement = label * margin
        if agreement >= 1:
            return 0.0
        return label if agreement <= 1 - self.gamma else (label - margin) / self.gamma


class Hinge(SmoothHinge):
    """max(0, 1 - y w.x), for labels of 0 and 1."""

    smoothness = 0.0
    gamma = 0.0


class Poisson:
    """exp(w.x) - y w.x, for counts as labels."""

    smoothness = 1.0
    _STEPS = 10

    def label(self, label: float) -> float:
        """Return the label, which must be at least 0."""
        if label < 0:
            raise InvalidArgumentError(
                "Only non-negative labels can be used with the Poisson log loss. Found example with "
                f"label: {label:g}"
            )
        return label

    def dual(self, label: float, dual: float, margin: float, pull: float) -> float:
        """Solve by Newton's method for x, with the dual y - exp(x)."""
        x = margin if margin < 0 else 0.0
        for _ in range(self._STEPS):
            rate = math.exp(x)
            x -= (x - margin - pull * (label - rate - dual)) / (1 + pull * rate)
        return label - math.exp(x)

    def primal_loss(self, margin: float, label: float) -> float:
        """exp(w.x) - y w.x."""
        return math.exp(margin) - margin * label

    def dual_loss(self, dual: float, label: float) -> float:
        """(y - a) (log(y - a) - 1), infinite where y < a."""
        rate = label - dual
        if rate < 0:
            return math.inf
        return rate * (math.log(rate) - 1) if rate else 0.0

    def slope(self, margin: float, label: float) -> float:
        """y - exp(w.x)."""
        return label - math.exp(margin)


LOSSES: dict[str, Loss] = {
    "logistic_loss": Logistic(),
    "squared_loss": Squared(),
    "hinge_loss": Hinge(),
    "smooth_hinge_loss": SmoothHinge(),
    "poisson_loss": Poisson(),
}
