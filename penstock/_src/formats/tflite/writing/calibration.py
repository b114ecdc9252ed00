"""Ranges of a float model's tensors over samples."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.tflite.interpreter.execution import Execution
from penstock._src.formats.tflite.reading.contents import Signature, read_contents
from penstock._src.formats.tflite.reading.state import State
from penstock._src.formats.tflite.schema import BuiltinOperator, TensorType
from penstock._src.formats.tflite.writing.graph import FileWriter

Range = tuple[float, float]
Ranges = dict[int, Range]


def ranges_of(model: bytes, samples: Iterable[Any], key: str) -> Ranges:
    """Returns the smallest and the largest value of each tensor of a model's graph.

    Args:
      model: a file of floats.
      samples: a list of the inputs' arrays each, or a dictionary by the names of the signature's inputs, or the signature's name and
        such a dictionary.
      key: the name of the signature.

    Raises:
      InvalidArgumentError: there are no samples.
      ValueError: one has other inputs, or a value of another type.
    """
    contents = read_contents(model, "the float model")
    (signature,) = (s for s in contents.signatures if s.key == key)
    graph = contents.graphs[signature.graph]
    execution = Execution(contents, graph, State(), every=True)
    ranges: Ranges = {}
    for sample in samples:
        for index, value in _inputs(sample, signature).items():
            # Numbers without a type, as those of lists, have that of the input.
            has_type = hasattr(value, "dtype")
            value = np.asarray(
                value, None if has_type else graph.tensors[index].dtype.as_numpy_dtype
            )
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


def trained_ranges(file: FileWriter, graph: Any) -> Ranges:
    """Removes the FAKE_QUANT operators of 8 bits, which training added; returns the ranges that they state.

    Args:
      file: the graph's file.
      graph: the record `SubGraph` of floats.
    """
    ranges: Ranges = {}
    sources: dict[int, int] = {}
    operators = []
    for operator in graph.operators:
        operator.inputs = [sources.get(place, place) for place in operator.inputs]
        name = BuiltinOperator.name(file.codes[operator.opcode_index].builtin_code)
        options = operator.builtin_options
        if name != "FAKE_QUANT" or options.num_bits != 8:
            operators.append(operator)
            continue
        (source,), (result,) = operator.inputs, operator.outputs
        is_end = source in graph.inputs and result in graph.outputs
        if source in ranges or is_end:
            operators.append(operator)
            continue
        sources[result], ranges[source] = source, _nudged(options)
        if result in graph.outputs:
            graph.tensors[source].name = graph.tensors[result].name
    graph.operators = operators
    graph.outputs = [sources.get(place, place) for place in graph.outputs]
    return ranges


def _nudged(options: Any) -> Range:
    """The range of 256 steps in which FAKE_QUANT rounds: zero is one of them."""
    least = 1 if options.narrow_range else 0
    scale = np.float32(options.max - options.min) / np.float32(255 - least)
    zero = np.clip(np.floor(least - np.float32(options.min) / scale + 0.5), least, 255)
    return float(-zero * scale), float((255 - zero) * scale)


def _inputs(sample: Any, signature: Signature) -> dict[int, Any]:
    """The values of a sample by the indices of the inputs.

    Raises:
      ValueError: it is not a sample of this signature.
    """
    names = signature.inputs
    if isinstance(sample, tuple) and len(sample) == 2 and isinstance(sample[0], str):
        if sample[0] != signature.key:
            raise ValueError(f'Invalid signature_key provided: "{sample[0]}".')
        sample = sample[1]
    if isinstance(sample, Mapping):
        if set(sample) != set(names):
            raise ValueError(
                f"TFLite: a sample has the inputs {sorted(sample)}, not {sorted(names)}."
            )
        return {names[name]: value for name, value in sample.items()}
    if not isinstance(sample, list | tuple):
        raise ValueError(
            "You need to provide a list of the inputs' values, or a dictionary of them by name, in the representative_dataset "
            f"function. Unsupported value from dataset: {sample}."
        )
    if len(sample) != len(names):
        raise ValueError(f"TFLite: a sample has {len(sample)} of {len(names)} inputs.")
    return dict(zip(names.values(), sample, strict=True))


def _widen(ranges: Ranges, index: int, low: float, high: float) -> None:
    before = ranges.get(index, (low, high))
    ranges[index] = min(low, before[0]), max(high, before[1])
