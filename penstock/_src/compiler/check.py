"""PENSTOCK_CHECK: every run of a program is repeated by the interpreter, and the first difference is reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InternalError
from penstock._src.ir import interpreter
from penstock._src.ir.function import Function
from penstock._src.ir.node import Node

# Relative to the largest element: sums are added in another order, and functions differ in the last places.
TOLERANCE = {2: 4e-2, 4: 2e-4, 8: 1e-9}


class CheckedProgram:
    """A program whose results and new values of variables are compared with the interpreter's.

    Raises:
      InternalError: at a run whose results differ; it names the result and its first wrong element.
    """

    def __init__(self, function: Function, program: Any) -> None:
        self.function, self.program = function, program
        index = {p.id: i for i, p in enumerate(function.parameters)}
        self.updated = [(index[handle.id], value) for handle, value in function.updates]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.program, name)

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The program's results, compared."""
        given = [
            a.value.copy() if p.dtype == dtypes.resource else np.array(a)
            for a, p in zip(arguments, self.function.parameters, strict=True)
        ]
        expected, updates = interpreter.run(self.function, given)
        results = self.program.run(arguments)
        for i, (node, made, right) in enumerate(
            zip(self.function.results, results, expected, strict=True)
        ):
            self._compare(f"result {i}", node, made, right)
        for (position, node), right in zip(self.updated, updates, strict=True):
            handle = arguments[position]
            self._compare(f"variable '{handle.name}'", node, handle.value, right)
        return results

    def _compare(self, what: str, node: Node, made: np.ndarray, right: np.ndarray) -> None:
        wrong = differs(made, np.asarray(right))
        if wrong is not None:
            origin = f" from {node.origin!r}" if node.origin is not None else ""
            raise InternalError(
                f"{self.function.name}: {what}, {node!r}{origin}, differs at {list(wrong)}: "
                f"{made[wrong]} instead of {right[wrong]}."
            )


def differs(made: np.ndarray, right: np.ndarray) -> tuple[int, ...] | None:
    """The first place where two arrays differ by more than rounding explains, or None."""
    if made.shape != right.shape or made.dtype != right.dtype:
        return ()
    if made.dtype.kind in "iub":
        wrong = made != right
    else:
        size = made.dtype.itemsize // (2 if made.dtype.kind == "c" else 1)
        kind = np.complex128 if made.dtype.kind == "c" else np.float64
        a, b = made.astype(kind), right.astype(kind)
        with np.errstate(all="ignore"):
            finite = np.isfinite(b)
            scale = max(float(np.abs(b[finite]).max(initial=0)), 1e-2)
            close = np.abs(a - b) <= TOLERANCE.get(size, 0.2) * scale
            wrong = ~(close | (a == b) | (np.isnan(a) & np.isnan(b)))
    return tuple(np.argwhere(wrong)[0].tolist()) if wrong.any() else None
