"""Ranges of a float model's tensors over samples."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.tflite.interpreter.execution import Execution
from penstock._src.formats.tflite.reading.contents import read_contents
from penstock._src.formats.tflite.reading.state import State
from penstock._src.formats.tflite.schema import TensorType

Range = tuple[float, float]
Ranges = dict[int, Range]


def ranges_of(model: bytes, samples: Iterable[Any], key: str) -> Ranges:
    """Returns the smallest and the largest value of each tensor of a model's graph.

    Args:
      model: a file of floats.
      samples: a list of the inputs' arrays each, or a dictionary by the names of the signature's inputs.
      key: the name of the signature.

    Raises:
      InvalidArgumentError: there are no samples, or one does not fit.
    """
    contents = read_contents(model, "the float model")
    (signature,) = (s for s in contents.signatures if s.key == key)
    graph = contents.graphs[signature.graph]
    execution = Execution(contents, graph, State(), every=True)
    ranges: Ranges = {}
    for sample in samples:
        for index, value in _inputs(sample, signature.inputs).items():
            value = np.asarray(value, graph.tensors[index].dtype.as_numpy_dtype)
            execution.resize(index, value.shape, strict=False)
            execution.allocate()
            execution.set(index, value)
        execution.run()
        for info in graph.tensors:
            if info.constant is None and info.dtype.is_floating:
                values = execution.get(info.index)
                # Infinity, around images whose maxima are taken, is the least integer.
                values = values[np.isfinite(values)]
                if values.size:
                    _widen(ranges, info.index, float(values.min()), float(values.max()))
    if not ranges:
        raise InvalidArgumentError("TFLite: the representative dataset has no samples.")
    return ranges


def given_ranges(graph: Any, inputs: Mapping[str, Range], others: Range | None) -> Ranges:
    """Returns ranges of a graph's tensors without samples.

    Args:
      graph: the record `SubGraph` of floats.
      inputs: ranges of inputs by their names.
      others: that of all other tensors; None: they have none, and stay floats.
    """
    ranges: Ranges = {}
    for place, record in enumerate(graph.tensors):
        if record.type == TensorType.FLOAT32 and not record.buffer:
            known = inputs.get(record.name, others) if place in graph.inputs else others
            if known is not None:
                ranges[place] = known
    return ranges


def _inputs(sample: Any, names: Mapping[str, int]) -> dict[int, Any]:
    if isinstance(sample, Mapping):
        if set(sample) != set(names):
            raise InvalidArgumentError(
                f"TFLite: a sample has the inputs {sorted(sample)}, not {sorted(names)}."
            )
        return {names[name]: value for name, value in sample.items()}
    if len(sample) != len(names):
        raise InvalidArgumentError(f"TFLite: a sample has {len(sample)} of {len(names)} inputs.")
    return dict(zip(names.values(), sample, strict=True))


def _widen(ranges: Ranges, index: int, low: float, high: float) -> None:
    before = ranges.get(index, (low, high))
    ranges[index] = min(low, before[0]), max(high, before[1])
