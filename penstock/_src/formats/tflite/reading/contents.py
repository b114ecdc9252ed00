"""A file's graphs, checked: every index is in range, every constant has the size of its shape."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core.calls.consent import Consent, consent_for
from penstock._src.core.calls.loading_limits import check_calls
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.tflite.reading.sparse import densified
from penstock._src.formats.tflite.schema import (
    BuiltinOperator,
    ModelFileError,
    TensorType,
    decode_model,
)
from penstock._src.formats.tflite.types import DTYPES, buffer_to_array

# Limit for a tensor without values: its shape takes no bytes of the file.
MOST_ELEMENTS = 1 << 40
_LARGEST_ZERO_POINT = (1 << 31) - 1
_PLACEHOLDER = BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES


@dataclasses.dataclass(frozen=True)
class Quantization:
    """real = scale * (quantized - zero_point), for each index of an axis if there are several.

    Attributes:
      scales: float32 `[n]`.
      zero_points: int64 `[n]`.
      axis: the axis of the tensor that they belong to.
    """

    scales: np.ndarray
    zero_points: np.ndarray
    axis: int = 0

    @property
    def scale(self) -> float:
        return float(self.scales[0])

    @property
    def zero_point(self) -> int:
        return int(self.zero_points[0])


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """A tensor of a graph.

    Attributes:
      type: its TensorType.
      shape: as in the file, with 1 for unknown sizes.
      shape_signature: the same with -1 for unknown sizes.
      constant: its values, or None.
      record: the table `Tensor`.
    """

    name: str
    index: int
    type: int
    dtype: DType
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    has_rank: bool
    quantization: Quantization | None
    constant: np.ndarray | None
    is_variable: bool
    record: Any


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operator of a graph; an input that is left out is -1."""

    name: str
    custom_code: str
    version: int
    index: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    options: Any
    custom_options: bytes


@dataclasses.dataclass(frozen=True)
class Graph:
    """A subgraph."""

    name: str
    index: int
    tensors: tuple[TensorInfo, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Signature:
    """Names of a graph's inputs and outputs: `{name: tensor}`."""

    key: str
    graph: int
    inputs: dict[str, int]
    outputs: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Contents:
    """The content of a file."""

    file: str
    description: str
    graphs: tuple[Graph, ...]
    signatures: tuple[Signature, ...]
    metadata: dict[str, bytes]
    consent: Consent  # of the file's TensorFlow ops


def read_contents(data: Any, file: str) -> Contents:
    """Returns the content of a file.

    Args:
      data: its bytes.
      file: its name, for messages.

    Raises:
      ModelFileError: it is damaged.
    """
    return _Reader(data, file).contents()


class _Reader:
    def __init__(self, data: Any, file: str) -> None:
        self._data, self._file = memoryview(data).cast("B"), file
        self._model = decode_model(data, file)

    def _fail(self, where: str, message: str) -> ModelFileError:
        return ModelFileError(f"{self._file}: {where}: {message}")

    def contents(self) -> Contents:
        model = self._model
        if model.version not in (0, 3):
            raise self._fail("Model.version", f"expected 3. Received {model.version}.")
        if not model.subgraphs:
            raise self._fail("Model.subgraphs", "the model has none.")
        self._codes = [self._code(i, code) for i, code in enumerate(model.operator_codes or ())]
        graphs = tuple(self._graph(i, graph) for i, graph in enumerate(model.subgraphs))
        self._check_calls(graphs)
        signatures = tuple(
            self._signature(i, signature, graphs)
            for i, signature in enumerate(model.signature_defs or ())
        )
        metadata = {
            entry.name or "": self._buffer(f"metadata[{i}]", entry.buffer).tobytes()
            for i, entry in enumerate(model.metadata or ())
        }
        consent = consent_for(f"the TFLite file {self._file}", None)
        return Contents(self._file, model.description or "", graphs, signatures, metadata, consent)

    def _check_calls(self, graphs: Sequence[Graph]) -> None:
        """Refuses graphs that call one another without end, or so often that they expand to too much."""
        calls = {
            graph.index: (
                len(graph.operations),
                [n for o in graph.operations for n in _called(o.options) if 0 <= n < len(graphs)],
            )
            for graph in graphs
        }
        try:
            check_calls(calls, calls, lambda index: f"subgraphs[{index}]")
        except InvalidArgumentError as error:
            raise self._fail("subgraphs", error.message) from None

    def _code(self, i: int, record: Any) -> tuple[str, str, int]:
        number = max(record.deprecated_builtin_code, record.builtin_code)
        if number == _PLACEHOLDER or number not in BuiltinOperator:
            raise self._fail(f"operator_codes[{i}]", f"there is no builtin op {number}.")
        return BuiltinOperator.name(number), record.custom_code or "", record.version

    def _buffer(self, where: str, index: int) -> np.ndarray:
        buffers = self._model.buffers or ()
        if index >= len(buffers):
            raise self._fail(where, f"there is no buffer {index} of {len(buffers)}.")
        buffer = buffers[index]
        if buffer.offset > 1:  # after the FlatBuffer, in files beyond 2 GB; 1 is a placeholder
            end = buffer.offset + buffer.size
            if end > len(self._data):
                raise self._fail(f"buffers[{index}]", f"it ends at byte {end}, behind the file.")
            return np.frombuffer(self._data, np.uint8, buffer.size, buffer.offset)
        return np.zeros(0, np.uint8) if buffer.data is None else buffer.data

    def _graph(self, index: int, record: Any) -> Graph:
        where = f"subgraphs[{index}]"
        tensors = record.tensors or ()
        count = len(tensors)
        operations = tuple(
            self._operation(f"{where}.operators[{i}]", i, operator, count)
            for i, operator in enumerate(record.operators or ())
        )
        for operation in operations:
            # Its kernel returns floats, whatever the file declares.
            if operation.custom_code == "NumericVerify":
                for place in operation.outputs:
                    tensors[place].type = TensorType.FLOAT32
        inputs = self._indices(f"{where}.inputs", record.inputs, count)
        outputs = self._indices(f"{where}.outputs", record.outputs, count)
        computed = set(inputs).union(*(operation.outputs for operation in operations))
        infos = tuple(
            self._tensor(f"{where}.tensors[{i}]", i, tensor, i in computed)
            for i, tensor in enumerate(tensors)
        )
        self._check_order(where, infos, operations, inputs, outputs)
        return Graph(record.name or "", index, infos, operations, inputs, outputs)

    def _check_order(
        self,
        where: str,
        tensors: Sequence[TensorInfo],
        operations: Sequence[Operation],
        inputs: Sequence[int],
        outputs: Sequence[int],
    ) -> None:
        """Checks that every tensor has a value before an operator reads it."""
        known = {t.index for t in tensors if t.constant is not None or t.is_variable}
        known.update(inputs)
        known.add(-1)
        for operation in operations:
            missing = set(operation.inputs) - known
            if missing:
                raise self._fail(
                    f"{where}.operators[{operation.index}]",
                    f"{operation.name} reads tensor {min(missing)}, which has no value yet.",
                )
            known.update(operation.outputs)
        if not set(outputs) <= known:
            missing = set(outputs) - known
            raise self._fail(f"{where}.outputs", f"tensor {min(missing)} has no value.")

    def _indices(
        self, where: str, values: np.ndarray | None, count: int, optional: bool = False
    ) -> tuple[int, ...]:
        indices = () if values is None else tuple(values.tolist())
        for index in indices:
            if not (0 <= index < count or (optional and index == -1)):
                raise self._fail(where, f"there is no tensor {index} of {count}.")
        return indices

    def _operation(self, where: str, index: int, record: Any, count: int) -> Operation:
        if record.opcode_index >= len(self._codes):
            raise self._fail(where, f"there is no operator code {record.opcode_index}.")
        name, custom_code, version = self._codes[record.opcode_index]
        custom = b"" if record.custom_options is None else record.custom_options.tobytes()
        if record.large_custom_options_offset > 1:
            begin, size = record.large_custom_options_offset, record.large_custom_options_size
            if begin + size > len(self._data):
                raise self._fail(where, "its custom options end behind the file.")
            custom = bytes(self._data[begin : begin + size])
        return Operation(
            name=name,
            custom_code=custom_code,
            version=version,
            index=index,
            inputs=self._indices(f"{where}.inputs", record.inputs, count, optional=True),
            outputs=self._indices(f"{where}.outputs", record.outputs, count),
            intermediates=self._indices(
                f"{where}.intermediates", record.intermediates, count, optional=True
            ),
            options=record.builtin_options or record.builtin_options2,
            custom_options=custom,
        )

    def _tensor(self, where: str, index: int, record: Any, computed: bool) -> TensorInfo:
        where = f"{where} ('{record.name or ''}')"
        if record.type not in DTYPES:
            raise self._fail(where, f"there is no tensor type {record.type}.")
        shape = () if record.shape is None else tuple(record.shape.tolist())
        if any(extent < 0 for extent in shape) or math.prod(shape) > MOST_ELEMENTS:
            raise self._fail(where, f"its shape is {shape}.")
        signature = record.shape_signature
        known = shape if signature is None or not len(signature) else tuple(signature.tolist())
        if len(known) != len(shape) or any(k not in (-1, s) for k, s in zip(known, shape)):
            raise self._fail(where, f"its shape is {shape}, its shape's signature {known}.")
        return TensorInfo(
            name=record.name or "",
            index=index,
            type=record.type,
            dtype=DTYPES[record.type],
            shape=shape,
            shape_signature=known,
            has_rank=record.has_rank or bool(shape),
            quantization=self._quantization(where, record, shape),
            constant=None if computed else self._constant(where, record, shape),
            is_variable=record.is_variable,
            record=record,
        )

    def _constant(self, where: str, record: Any, shape: tuple[int, ...]) -> np.ndarray | None:
        data = self._buffer(where, record.buffer)
        count = math.prod(shape)
        if not len(data):
            if count:
                return None
            return np.zeros(shape, DTYPES[record.type].as_numpy_dtype)
        try:
            if record.sparsity is not None:
                return densified(data, record.type, shape, record.sparsity)
            return buffer_to_array(data, record.type, count).reshape(shape)
        except ValueError as error:
            raise self._fail(where, str(error)) from None

    def _quantization(self, where: str, record: Any, shape: tuple[int, ...]) -> Quantization | None:
        quantization = record.quantization
        if quantization is None or quantization.scale is None or not len(quantization.scale):
            return None
        if quantization.details is not None:
            raise self._fail(
                where, f"quantization by {quantization.details.TABLE.name} is not supported."
            )
        scales = np.asarray(quantization.scale, np.float32)
        zeros = quantization.zero_point
        zeros = np.zeros(len(scales), np.int64) if zeros is None or not len(zeros) else zeros
        if len(zeros) == 1 < len(scales):
            zeros = np.repeat(zeros, len(scales))
        axis = quantization.quantized_dimension
        if len(zeros) != len(scales):
            raise self._fail(where, f"it has {len(scales)} scales and {len(zeros)} zero points.")
        if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
            raise self._fail(
                where, f"{len(scales)} scales are not those of axis {axis} of {shape}."
            )
        if not np.all(np.isfinite(scales)) or np.any(scales < 0):
            raise self._fail(where, "its scales are not all finite and positive.")
        if np.any(np.abs(zeros) > _LARGEST_ZERO_POINT):
            raise self._fail(where, f"its zero point {np.max(np.abs(zeros))} is beyond 32 bits.")
        return Quantization(scales, np.asarray(zeros, np.int64), axis)

    def _signature(self, i: int, record: Any, graphs: Sequence[Graph]) -> Signature:
        where = f"signature_defs[{i}]"
        if record.subgraph_index >= len(graphs):
            raise self._fail(where, f"there is no subgraph {record.subgraph_index}.")
        count = len(graphs[record.subgraph_index].tensors)
        maps = []
        for entries in (record.inputs, record.outputs):
            named = {entry.name or "": entry.tensor_index for entry in entries or ()}
            self._indices(where, np.array(list(named.values()), np.int64), count)
            maps.append(named)
        return Signature(record.signature_key or "", record.subgraph_index, *maps)


def _called(options: Any) -> list[int]:
    """The subgraphs that an operator's options name."""
    fields = () if options is None else options.TABLE.fields
    values = (getattr(options, field.name) for field in fields if "subgraph" in field.name)
    return [int(n) for value in values if value is not None for n in np.ravel(value)]
