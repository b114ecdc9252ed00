"""A device that interprets functions: slow, and right by definition."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.plan.plan import Plan
from penstock._src.core import dtypes
from penstock._src.core.errors import FailedPreconditionError
from penstock._src.core.values import memory_limit
from penstock._src.ir import interpreter
from penstock._src.ir.function import Function
from penstock._src.util import slots


class ReferenceProgram:
    """Runs a Function by the interpreter."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.handles = [p.dtype == dtypes.resource for p in function.parameters]
        index = {p.id: i for i, p in enumerate(function.parameters)}
        self.updated = [index[handle.id] for handle, _ in function.updates]

    def run(self, arguments: Sequence[Any]) -> list[Any]:
        """The results for these arguments; variables get their new values."""
        arrays = [a.value if handle else a for a, handle in zip(arguments, self.handles)]
        if any(a is None for a in arrays):
            raise FailedPreconditionError("A variable of the function has no value.")
        try:
            results, updates = slots.CALL_FLUSHING(interpreter.run, self.function, arrays)
            results, updates = [owned(r) for r in results], [owned(u) for u in updates]
        except MemoryError as error:
            raise memory_limit.refused(error, self.function.name) from error
        for position, value in zip(self.updated, updates):
            arguments[position].value = value
        return results


def owned(value: Any) -> np.ndarray:
    """A contiguous array with the value."""
    value = np.asarray(value)
    return value if value.flags.c_contiguous else np.ascontiguousarray(value).reshape(value.shape)


class ReferenceDevice:
    """The interpreter of primitives."""

    name, computes, generator, threads = "reference", True, None, 1
    overlaps_streams = False
    load_open = None

    def load(self, plan: Plan) -> ReferenceProgram:
        return ReferenceProgram(plan.function)


DEVICE = ReferenceDevice()
