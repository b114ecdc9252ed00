"""Signatures of packed SavedModels, whose graphs are imported when a request needs more than the pack has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.core.specs import TensorSpec
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.saving.saved_model.revived.functions import RevivedConcreteFunction
from penstock._src.saving.saved_model.revived.planned_calls import PlannedCalls
from penstock._src.serving.servables.formats.functions import extents, preparer, prover, runner
from penstock._src.serving.servables.servable import Proof, RowShapes, Signature, TensorInfo


def defaults_of(definition: Any) -> dict[str, np.ndarray]:
    """The values of inputs that requests may leave out, of a `SignatureDef` message."""
    return {key: from_proto(value) for key, value in definition.defaults.items()}


def calls_of_pack(function: ConcreteFunction, definition: Any) -> PlannedCalls | None:
    """The calls that a pack answers; None if the pack has no program for the signature, or its file lacks a complete description."""
    planned = function.planned() if isinstance(function, RevivedConcreteFunction) else None
    if planned is None or planned.names is None or planned.is_steady is None:
        return None
    results = planned.results
    if not isinstance(results, dict) or any(type(r) is not TensorSpec for r in results.values()):
        return None
    is_described = planned.names == sorted(definition.inputs) and results.keys() <= set(
        definition.outputs
    )
    return planned if is_described else None


def packed_signature(
    name: str, function: ConcreteFunction, planned: PlannedCalls, definition: Any
) -> Signature:
    """The signature of a function that a pack has programs for. These assign no variables."""
    arguments = planned.signature[1]
    inputs = {
        key: TensorInfo(spec.dtype, extents(spec.shape), definition.inputs[key].name)
        for key, spec in sorted(arguments.items())
    }
    outputs = {
        key: TensorInfo(spec.dtype, extents(spec.shape), definition.outputs[key].name)
        for key, spec in sorted(planned.results.items())  # the order of the function's outputs
    }
    calls = _Calls(function, planned, list(outputs), len(inputs))
    return Signature(
        name,
        definition.method_name,
        inputs,
        outputs,
        calls.run,
        defaults_of(definition),
        is_steady=bool(planned.is_steady),
        prove=calls.prove,
        prepare=calls.prepare,
    )


class _Calls:
    """Calls of a function by programs of its pack, until something needs its graph; then it is imported, and has these programs, too."""

    def __init__(
        self, function: ConcreteFunction, planned: PlannedCalls, results: Sequence[str], count: int
    ) -> None:
        self._function, self._results, self._count = function, results, count
        self._planned: PlannedCalls | None = planned
        self._run: Callable[[Sequence[np.ndarray]], list[np.ndarray]]
        self._prepare: Callable[[Sequence[np.ndarray]], bool]
        self._prove: Callable[[RowShapes, int], Proof]

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Computes the outputs."""
        planned = self._planned  # another thread may import the function meanwhile
        values = None if planned is None else planned.values(arrays)
        if values is not None:
            return values
        self._import()
        return self._run(arrays)

    def prepare(self, arrays: Sequence[np.ndarray]) -> bool:
        """Makes the program for arrays of these shapes; see `Signature.prepare`."""
        planned = self._planned
        if planned is not None and planned.prepare(arrays):
            return True
        self._import()
        return self._prepare(arrays)

    def prove(self, shapes: RowShapes, most: int) -> Proof:
        """Returns a proof that rows are independent; see `Signature.prove`."""
        self._import()
        return self._prove(shapes, most)

    def _import(self) -> None:
        if self._planned is None:
            return
        results = self._function.graph.structured_outputs
        self._run = runner(self._function, [results[name] for name in self._results])
        self._prepare, self._prove = preparer(self._function), prover(self._function, self._count)
        self._planned = None  # set last: from then on, other threads use the attributes above
