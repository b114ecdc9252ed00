"""A device that returns zeros: the time of a call is all overhead."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.plan import Plan
from penstock._src.ir.function import Function


class NullProgram:
    """Gives zeros of the results' types; variables keep their values."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        return [np.zeros([int(d) for d in r.shape], r.dtype.np) for r in self.function.results]


class NullDevice:
    """Nothing is computed."""

    name, computes, generator, threads = "null", False, None, 1
    overlaps_streams = False
    load_open = None

    def load(self, plan: Plan) -> NullProgram:
        return NullProgram(plan.function)


DEVICE = NullDevice()
