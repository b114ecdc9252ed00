"""Runs one graph of a model: shapes of its inputs, arrays of its inputs and outputs, its function."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dispatch import STATE, building_unrecorded
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock._src.core.specs import TensorSpec
from penstock._src.eager.tensor import EagerTensor
from penstock._src.formats.tflite.reading.contents import Contents, Graph, TensorInfo
from penstock._src.formats.tflite.reading.state import State
from penstock._src.formats.tflite.reading.tracing import TracedGraph, trace_graph
from penstock._src.formats.tflite.schema import TensorType
from penstock._src.util.process.references import is_item_shared


class Execution:
    """A graph with its inputs and results.

    Args:
      contents: the file.
      graph: one of its graphs.
      state: the model's variables.
      every: whether intermediate results are kept.
    """

    def __init__(self, contents: Contents, graph: Graph, state: State, every: bool) -> None:
        self.graph = graph
        self._contents, self._state, self._every = contents, state, every
        self._shapes = {index: graph.tensors[index].shape for index in graph.inputs}
        self._arrays: dict[int, np.ndarray] = {}
        self._traces: dict[tuple[tuple[int, ...], ...], TracedGraph] = {}
        self._trace: TracedGraph | None = None
        self._known_shapes: dict[int, tuple[int, ...]] = {}

    def shape(self, index: int) -> tuple[int, ...]:
        """Returns the current shape of a tensor."""
        if index in self._shapes:
            return self._shapes[index]
        if index in self._arrays:
            return self._arrays[index].shape
        return self._known_shapes.get(index, self.graph.tensors[index].shape)

    def resize(self, index: int, shape: tuple[int, ...], strict: bool) -> None:
        """Sets the shape of an input.

        Raises:
          RuntimeError: the tensor cannot have this shape.
        """
        info = self._info(index, RuntimeError)
        if info.constant is not None:
            raise RuntimeError("Attempting to resize a fixed-size tensor.")
        if index not in self._shapes:
            raise RuntimeError(f"Tensor {index} ('{info.name}') is not an input of the graph.")
        if strict:
            self._check_unknown(info, shape)
        if self._shapes[index] != shape:
            self._shapes[index] = shape
            self._trace = None
            self._arrays.pop(index, None)

    def _check_unknown(self, info: TensorInfo, shape: tuple[int, ...]) -> None:
        for i, (known, wanted) in enumerate(zip(info.shape_signature, shape)):
            if known not in (-1, wanted):
                raise RuntimeError(
                    f"Attempting to resize dimension {i} of tensor {info.index} with value {known} to {wanted}. "
                    "ResizeInputTensorStrict only allows mutating unknown dimensions identified by -1."
                )
        if len(shape) != len(info.shape_signature):
            raise RuntimeError(
                f"Attempting to resize tensor {info.index} with {len(info.shape_signature)} dimensions to "
                f"{len(shape)}."
            )

    def allocate(self) -> None:
        """Traces the graph for the shapes of its inputs, and gives these zeros where they have no values.

        Raises:
          RuntimeError: the graph does not take these shapes.
          UnimplementedError: it has an op that is not implemented.
        """
        if self._trace is not None:
            return
        key = tuple(self._shapes[index] for index in self.graph.inputs)
        if key not in self._traces:
            specs = [
                TensorSpec(self._shapes[index], self.graph.tensors[index].dtype)
                for index in self.graph.inputs
            ]
            try:
                self._traces[key] = trace_graph(
                    self._contents, self.graph, self._state, specs, self._every
                )
            except InvalidArgumentError as error:
                raise RuntimeError(str(error)) from error
        trace = self._trace = self._traces[key]
        self._known_shapes = {
            index: tuple(extent or 0 for extent in shape.as_list())
            for index, shape in trace.shapes.items()
            if shape.is_fully_defined()
        }
        self._arrays = {i: self._arrays.get(i, self._zeros(i)) for i in self.graph.inputs}
        for index in trace.indices:
            if index in self._known_shapes and index not in self._arrays:
                self._arrays[index] = self._zeros(index)

    def _zeros(self, index: int) -> np.ndarray:
        dtype = self.graph.tensors[index].dtype
        if dtype == dtypes.string:
            return np.full(self.shape(index), b"", object)
        return np.zeros(self.shape(index), dtype.as_numpy_dtype)

    def set(self, index: int, value: Any) -> None:
        """Copies a value into an input.

        Raises:
          ValueError: it has another type or shape, or the tensor is not an input.
        """
        info = self._info(index)
        current = self._arrays.get(index) if info.constant is None else info.constant
        if current is None or self._trace is None:
            raise ValueError(
                "Cannot set tensor: Tensor is unallocated. Try calling allocate_tensors() first"
            )
        value = _as_array(value, info)
        if value.ndim != current.ndim:
            raise ValueError(
                f"Cannot set tensor: Dimension mismatch. Got {value.ndim} but expected {current.ndim} for input {index}."
            )
        for i, (got, expected) in enumerate(zip(value.shape, current.shape)):
            if got != expected:
                raise ValueError(
                    f"Cannot set tensor: Dimension mismatch. Got {got} but expected {expected} for dimension {i} of "
                    f"input {index}."
                )
        if info.constant is not None:
            if not np.array_equal(value, current):
                raise ValueError(f"Cannot set tensor: tensor {index} ('{info.name}') is constant.")
            return
        current[...] = value

    def get(self, index: int) -> np.ndarray:
        """Returns the array of a tensor, which the graph may write to.

        Raises:
          ValueError: it has no value.
        """
        info = self._info(index)
        if info.constant is not None:
            return info.constant
        if info.is_variable and index not in self._arrays:
            return self._state.variable_tensor(self.graph, info).numpy()
        if index not in self._arrays or self._trace is None:
            raise ValueError("Tensor data is null. Run allocate_tensors() first")
        return self._arrays[index]

    def run(self) -> None:
        """Computes the results.

        Raises:
          RuntimeError: the shapes of the inputs are not settled, or an op refuses its values.
        """
        if self._trace is None:
            raise RuntimeError("Invoke called on model that is not ready.")
        try:
            if STATE.graph is None and not STATE.tapes and not STATE.accumulators:
                results = self._computed(self._trace)
            else:
                with building_unrecorded(None):
                    results = self._computed(self._trace)
        except UnimplementedError:
            raise
        except OpError as error:
            raise RuntimeError(f"{self._contents.file}: {error}") from error
        for index, result in zip(self._trace.indices, results):
            if index not in self._shapes:
                value = result.numpy()  # a copy, or a scalar
                self._arrays[index] = value if type(value) is np.ndarray else np.array(value)

    def _computed(self, trace: TracedGraph) -> Any:
        """The results for copies of the inputs, whose types and shapes are those of the trace."""
        tensors = self.graph.tensors
        inputs = [(self._arrays[i].copy(), tensors[i].dtype) for i in self.graph.inputs]
        return trace.function.call_flat([EagerTensor(array, dtype) for array, dtype in inputs])

    def is_referred_to(self) -> bool:
        """True if views of the arrays exist."""
        return any(is_item_shared(self._arrays, index) for index in list(self._arrays))

    def _info(self, index: int, error: type[Exception] = ValueError) -> TensorInfo:
        if not 0 <= index < len(self.graph.tensors):
            raise error(
                f"Invalid tensor index {index} exceeds max tensor index {len(self.graph.tensors)}"
            )
        return self.graph.tensors[index]


def _as_array(value: Any, info: TensorInfo) -> np.ndarray:
    value = np.asarray(value)
    dtype = dtypes.string if value.dtype.kind in "OSU" else as_dtype(value.dtype)
    if dtype != info.dtype:
        raise ValueError(
            f"Cannot set tensor: Got value of type {dtype.name.upper()} but expected type "
            f"{TensorType.name(info.type)} for input {info.index}, name: {info.name} "
        )
    if dtype == dtypes.string:
        texts = [v.encode() if isinstance(v, str) else bytes(v) for v in value.reshape(-1)]
        flat = np.empty(len(texts), object)
        flat[:] = texts
        return flat.reshape(value.shape)
    return value
