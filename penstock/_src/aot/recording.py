"""Penstock's own results for some inputs, as a reference for a built model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from penstock._src.aot.model.signature import LoweredFunction, Tensor
from penstock._src.aot.model.whole import WholeFunction
from penstock._src.core.values.resources import VariableHandle
from penstock._src.devices.cpu.device import build_program
from penstock._src.function.concrete import ConcreteFunction

SEED = 20


@dataclass(frozen=True)
class Recorded:
    """A call: the function's number, its arguments, and its results."""

    function: int
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]


def record(
    functions: Sequence[ConcreteFunction],
    lowered: Sequence[LoweredFunction],
    samples: Mapping[str, np.ndarray],
    by_primitives: bool = False,
) -> list[Recorded]:
    """Calls every function once for each batch size, one after the other; variables have their old values afterwards.

    Args:
      functions: what is called.
      lowered: the same, lowered.
      samples: values of inputs by name, whose first row is taken as often as a batch needs; others are drawn at random.
      by_primitives: whether what was lowered is run: weights of fewer bits are in that alone.
    """
    draw = np.random.default_rng(SEED)
    handles = {id(v): v for each in lowered for v in each.values if isinstance(v, VariableHandle)}
    before = {key: handle.value for key, handle in handles.items()}
    records = []
    try:
        for handle in handles.values():
            handle.value = np.array(handle.value)
        for number, (function, each) in enumerate(zip(functions, lowered)):
            for form in each.forms:
                inputs = [_values(t, max(form, 1), samples, draw) for t in each.inputs]
                outputs = _outputs(function, each.forms[form], each, inputs, by_primitives)
                records.append(Recorded(number, tuple(inputs), tuple(map(np.array, outputs))))
    finally:
        for key, handle in handles.items():
            handle.value = before[key]
            handle.version += 1
    return records


def _outputs(
    function: ConcreteFunction,
    form: WholeFunction,
    lowered: LoweredFunction,
    inputs: Sequence[np.ndarray],
    by_primitives: bool,
) -> Sequence[np.ndarray]:
    """Return a function's outputs for inputs, by its graph or by the primitives of a form."""
    if not by_primitives:
        captured = [tensor._value for tensor in function.captured_inputs]
        return function.graph_function.executable([*inputs, *captured])
    values = [*inputs, *lowered.values[len(inputs) :]]
    parameters = zip(form.function.parameters, form.positions)
    with form.extents:
        unread = (np.zeros([int(d) for d in p.shape], p.dtype.np) for p, at in parameters if at < 0)
        return build_program(form.function).run(
            [values[at] if at >= 0 else next(unread) for at in form.positions]
        )


def _values(
    tensor: Tensor, batch: int, samples: Mapping[str, np.ndarray], draw: np.random.Generator
) -> np.ndarray:
    """An array for an input."""
    shape = (batch, *tensor.shape[1:]) if tensor.is_batched else tensor.shape
    sample = samples.get(tensor.name)
    if sample is not None:
        array = np.asarray(sample).astype(tensor.dtype.np)
        if array.shape != shape:
            array = np.resize(array, shape)
        return np.asarray(array, order="C")
    if tensor.dtype.is_floating:
        return draw.random(shape).astype(tensor.dtype.np)
    if tensor.dtype.is_complex:
        return (draw.random(shape) + 1j * draw.random(shape)).astype(tensor.dtype.np)
    return draw.integers(0, 2, shape).astype(tensor.dtype.np)
