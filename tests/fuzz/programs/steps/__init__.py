"""What steps programs have, by family. A step is a function of a Scope that adds to it, or raises Rejected."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Drawn:
    """A kind of step, how often it is drawn, and its family (the file that it stands in)."""

    draw: Callable
    family: str
    weight: float


STEPS: dict[str, Drawn] = {}


def step(weight=1.0):
    """Enters a function of a scope."""

    def enter(function):
        family = function.__module__.rsplit(".", 1)[-1]
        STEPS[function.__name__] = Drawn(function, family, weight)
        return function

    return enter


from tests.fuzz.programs.steps import (  # noqa: E402
    contractions,
    control,
    elementwise,
    extents,
    gradients,
    indexing,
    magnitudes,
    movement,
    pipelines,
    reductions,
    special,
    state,
    statements,
    updates,
)

FAMILIES = sorted({drawn.family for drawn in STEPS.values()})

__all__ = ["STEPS", "FAMILIES", "step", "contractions", "control", "elementwise", "extents",
           "gradients", "indexing", "magnitudes", "movement", "pipelines", "reductions", "special", "state", "statements", "updates"]  # fmt: skip
