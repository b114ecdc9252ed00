"""Signature of a built function: its concrete function, lowered and planned for each of its batch sizes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from penstock._src.aot.model.whole import WholeFunction, lower_whole
from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.util import nest


@dataclass(frozen=True)
class Tensor:
    """An input or output. `shape` is that of a batch of one; the first extent is the batch's if `is_batched`."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    is_batched: bool = False

    @property
    def bytes(self) -> int:
        """Size in bytes: of the whole tensor, or of one row of a batch."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.size


@dataclass(frozen=True)
class LoweredFunction:
    """A signature of the model, lowered for some batch sizes.

    forms    batch size -> its primitives; 0 if nothing varies
    values   of the graph's inputs: handles of variables, arrays that are known, None for what a call gives
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    forms: Mapping[int, WholeFunction]
    values: tuple[Any, ...]


def lower_function(
    name: str,
    function: ConcreteFunction,
    batches: Sequence[int],
    shapes: Mapping[str, Sequence[int]],
) -> LoweredFunction:
    """Lowers a signature.

    Args:
      name: of the signature.
      function: it is lowered once for each batch size.
      batches: extents of the first axis of inputs that leave it open; none: one of 1.
      shapes: of inputs whose other extents are open.

    Raises:
      InvalidArgumentError: an extent is unknown, and no value is given for it.
      UnimplementedError: it needs the host.
    """
    arguments = function.graph.inputs[: function.arity]
    names = list(function.argument_names)
    _check_inputs(name, dict(zip(names, arguments)), shapes)
    open_shapes = [_open_shape(name, t, n, shapes.get(n)) for t, n in zip(arguments, names)]
    varies = bool(batches) and any(shape[:1] == (None,) for shape in open_shapes)
    captured = [tensor._value for tensor in function.captured_inputs]
    forms, results = {}, {}
    for batch in batches if varies else [1]:
        samples = [
            np.zeros([batch if d is None else d for d in shape], tensor.dtype.np)
            for shape, tensor in zip(open_shapes, arguments)
        ]
        known = {
            len(samples) + i: f"captured value {i}"
            for i, value in enumerate(captured)
            if isinstance(value, np.ndarray)
        }
        whole = lower_whole(
            function.graph,
            function.graph.inputs,
            function.graph.outputs,
            [*samples, *captured],
            known,
            name,
        )
        forms[batch if varies else 0] = whole
        with whole.extents:
            results[batch] = [tuple(map(int, node.shape)) for node in whole.function.results]
    inputs = [
        Tensor(n, t.dtype, tuple([1 if d is None else d for d in s]), varies and s[:1] == (None,))
        for n, t, s in zip(names, arguments, open_shapes)
    ]
    outputs = [
        _output(name, called, node.dtype, i, results, varies)
        for i, (called, node) in enumerate(
            zip(output_names(function), next(iter(forms.values())).function.results, strict=True)
        )
    ]
    values = (*[None] * len(arguments), *captured)
    return LoweredFunction(name, tuple(inputs), tuple(outputs), forms, values)


def _check_inputs(
    name: str, inputs: Mapping[str, SymbolicTensor], shapes: Mapping[str, Sequence[int]]
) -> None:
    """Refuses inputs that only the host can compute with, and shapes of inputs that do not exist."""
    for called, tensor in inputs.items():
        if not tensor.dtype.is_numpy_compatible or tensor.dtype == dtypes.string:
            raise UnimplementedError(
                None,
                None,
                f"{name}: input '{called}' has type {tensor.dtype.name}, which needs the host.",
            )
    unknown = sorted(set(shapes) - set(inputs))
    if unknown:
        raise InvalidArgumentError(
            f"{name}: there is no input '{unknown[0]}', but {', '.join(inputs)}."
        )


def _open_shape(
    name: str, tensor: Any, called: str, told: Sequence[int] | None
) -> tuple[int | None, ...]:
    """A shape in which only the batch may be open."""
    static = tensor.shape._dims
    if told is not None:
        if static is not None and not tensor.shape.is_compatible_with(told):
            raise InvalidArgumentError(
                f"{name}: --shape of '{called}' must fit {tensor.shape}. Received {list(told)}."
            )
        return tuple(told)
    if static is None or any(d is None for d in static[1:]):
        raise InvalidArgumentError(
            f"{name}: input '{called}' has the shape {tensor.shape}; --shape {called}=1,... says what it is."
        )
    return tuple(static)


def _output(
    name: str,
    called: str,
    dtype: DType,
    number: int,
    results: Mapping[int, Sequence[tuple[int, ...]]],
    varies: bool,
) -> Tensor:
    """Describe an output. Its first extent is the batch's if it follows the batch size.

    Raises:
      UnimplementedError: it has a shape of another kind.
    """
    shapes = {batch: extents[number] for batch, extents in results.items()}
    first = next(iter(shapes.values()))
    follows = all(s[:1] == (batch,) and s[1:] == first[1:] for batch, s in shapes.items())
    is_fixed = len(set(shapes.values())) == 1 and (len(shapes) > 1 or not follows)
    if not varies or is_fixed:
        return Tensor(called, dtype, first)
    if follows:
        return Tensor(called, dtype, (1, *first[1:]), True)
    raise UnimplementedError(
        None,
        None,
        f"{name}: output '{called}' must have one row for each example. Its shapes for two batches: {shapes}.",
    )


def output_names(function: ConcreteFunction) -> list[str]:
    """Names of the outputs: keys of what it returns, else output_0, output_1, ..."""
    structured = function.structured_outputs
    if isinstance(structured, dict) and all(not nest.is_nested(v) for v in structured.values()):
        return [str(key) for key in sorted(structured)]
    return [f"output_{i}" for i in range(len(function.graph.outputs))]
