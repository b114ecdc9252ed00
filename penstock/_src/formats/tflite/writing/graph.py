"""A graph of TFLite while it is written: `GraphWriter`, and how functions for operations are registered.

    @writes("Softmax")
    def softmax(graph, operation):
        graph.add("SOFTMAX", operation, options=SCHEMA["SoftmaxOptions"](beta=1.0))

A raw op that is one builtin op has a row of `../operators.py` instead.
Tensors of the written graph are numbers: their places among its tensors.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InternalError, UnimplementedError
from penstock._src.formats.frozen import FrozenFunction
from penstock._src.formats.tflite.operators import BY_RAW
from penstock._src.formats.tflite.schema import SCHEMA, ActivationFunctionType, BuiltinOperator
from penstock._src.formats.tflite.types import TYPES, array_to_buffer
from penstock._src.formats.tflite.writing.broadcasting import broadcast
from penstock._src.formats.tflite.writing.fusions import clips_to_one, fused
from penstock._src.formats.tflite.writing.state import assign_state, read_state
from penstock._src.graph.library import GraphFunction
from penstock._src.graph.operation import Operation, SymbolicTensor
from penstock._src.util import slots

Writer = Callable[["GraphWriter", Operation], None]
Otherwise = Callable[["GraphWriter", Operation, Exception], None]
WRITERS: dict[str, Writer] = {}
# Operations that are written at first use: the size of a list's elements may be that of a later tensor, and a value may be part of a fusion.
_AT_FIRST_USE = ("Const", "TensorListReserve", "Erfc")
_ACTIVATIONS = {
    "Relu": ActivationFunctionType.RELU,
    "Relu6": ActivationFunctionType.RELU6,
}


def writes(*types: str) -> Callable[[Writer], Writer]:
    """Registers the function that writes operations of these types."""

    def register(function: Writer) -> Writer:
        for name in types:
            WRITERS[name] = function
        return function

    return register


class FileWriter:
    """The common state of the graphs of a file: buffers, each once, operator codes, and the graphs of branches and loops.

    Args:
      signatures: how many graphs come before those of branches and loops.
      otherwise: writes an operation that TFLite has no builtin ops for, or raises the refusal that it gets.
    """

    def __init__(self, signatures: int = 1, otherwise: Otherwise | None = None) -> None:
        self.signatures, self.otherwise = signatures, otherwise
        self.bodies: list[Any] = []
        # Of variables and tables, by id, the options of their handles; and the graph that fills them, see state.py.
        self.resources: dict[int, Any] = {}
        self.filler = -1
        self.buffers = [SCHEMA["Buffer"]()]
        self.codes: list[Any] = []
        self._places: dict[bytes, int] = {}
        self._codes: dict[str, int] = {}

    def buffer(self, data: bytes) -> int:
        """Returns the number of a buffer with these bytes."""
        if data not in self._places:
            self._places[data] = len(self.buffers)
            self.buffers.append(SCHEMA["Buffer"](data=data))
        return self._places[data]

    def body(self, graph: Any) -> int:
        """Adds the graph of a branch or loop; returns its number in the file."""
        self.bodies.append(graph)
        return self.signatures + len(self.bodies) - 1

    def code(self, name: str, version: int) -> int:
        """Returns the index of an operator code, of the newest version required."""
        if name not in self._codes:
            number = BuiltinOperator.numbers[name]
            self._codes[name] = len(self.codes)
            record = SCHEMA["OperatorCode"](
                builtin_code=number, deprecated_builtin_code=min(number, 127), version=version
            )
            self.codes.append(record)
        record = self.codes[self._codes[name]]
        record.version = max(record.version, version)
        return self._codes[name]

    def custom_code(self, name: str) -> int:
        """Returns the number of the code of an op that is not one of TFLite's builtin ops."""
        if name not in self._codes:
            number = BuiltinOperator.CUSTOM
            self._codes[name] = len(self.codes)
            self.codes.append(
                SCHEMA["OperatorCode"](
                    builtin_code=number, deprecated_builtin_code=number, custom_code=name, version=1
                )
            )
        return self._codes[name]


class GraphWriter:
    """Collects the tensors and operators of one function.

    Args:
      file: what graphs share.
      weights: how weights are stored: "" as they are, "float16", or "int8".
      known: the records of tensors for inputs that do not say their own type or rank, by id.
      values: those of inputs that are left out, by id.
    """

    def __init__(
        self,
        file: FileWriter,
        weights: str = "",
        known: Mapping[int, Any] | None = None,
        values: Mapping[int, np.ndarray] | None = None,
    ) -> None:
        self.file, self.weights, self._known, self._values = file, weights, known, values or {}
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self._places: dict[int, int] = {}  # indices of symbolic tensors
        self._constants: dict[tuple[str, tuple[int, ...], bytes], int] = {}
        self._readers: dict[int, list[Operation]] = {}
        self._outputs: set[int] = set()
        self._done: set[str] = set()

    def write(self, frozen: FrozenFunction) -> Any:
        """Returns the record `SubGraph` of a function.

        Raises:
          UnimplementedError: TFLite has no counterpart of an operation.
        """
        operations = frozen.operations
        self._outputs = {tensor._id for tensor in frozen.function.outputs}
        for operation in operations:
            for tensor in operation.inputs:
                self._readers.setdefault(tensor._id, []).append(operation)
        inputs = [self._named(tensor, name) for name, tensor in frozen.inputs.items()]
        handles = read_state(self, frozen)
        for operation in operations:
            if operation.type not in _AT_FIRST_USE and operation.name not in self._done:
                self._write_operation(operation)
        outputs = [self.place(tensor) for tensor in frozen.outputs.values()]
        assign_state(self, frozen, handles)
        outputs = [self._own(place, inputs, outputs[:i]) for i, place in enumerate(outputs)]
        return self.record(inputs, outputs, frozen.name or "main")

    def record(self, inputs: list[int], outputs: list[int], name: str) -> Any:
        """Returns the record `SubGraph` of what was added."""
        return SCHEMA["SubGraph"](
            tensors=self.tensors,
            operators=self.operators,
            inputs=inputs,
            outputs=outputs,
            name=name,
        )

    def _write_operation(self, operation: Operation) -> None:
        before = dict(self._places), set(self._done), len(self.operators), len(self.file.bodies)
        try:
            if fused(self, operation):
                return
            if operation.type in WRITERS:
                WRITERS[operation.type](self, operation)
            elif operation.type in BY_RAW:
                self.by_row(operation)
            else:
                raise self.unimplemented(operation, "the operation")
        except UnimplementedError as refusal:
            if self.file.otherwise is None:
                raise
            self._places, self._done, operators, bodies = before
            del self.operators[operators:], self.file.bodies[bodies:]
            self.file.otherwise(self, operation, refusal)

    def unimplemented(self, operation: Operation, what: str) -> Exception:
        """Returns the error of a feature that TFLite, or this writer, lacks."""
        return UnimplementedError(
            f"TFLite: {operation.type} ('{operation.name}'): {what} has no counterpart in TFLite's builtin ops "
            "that is implemented."
        )

    # -- tensors

    def place(self, tensor: SymbolicTensor) -> int:
        """Returns the index of a tensor; constants and new lists are written at first use."""
        if tensor._id not in self._places:
            value = self.value(tensor)
            if value is not None:
                self._places[tensor._id] = self.constant(value, tensor.op.name)
            elif tensor.op.type in _AT_FIRST_USE:
                self._write_operation(tensor.op)
            else:
                raise InternalError(f"TFLite: the tensor '{tensor.name}' was not written.")
        return self._places[tensor._id]

    def is_written(self, tensor: SymbolicTensor) -> bool:
        """True if an operator that is added now can read a tensor."""
        return tensor._id in self._places or self.value(tensor) is not None

    def value(self, tensor: SymbolicTensor) -> np.ndarray | None:
        """Returns a constant's value, or None."""
        if tensor._id in self._values:
            return self._values[tensor._id]
        return slots.STATIC_VALUE(tensor) if tensor.op.type == "Const" else None

    def constant(self, value: Any, name: str = "constant", dtype: DType | None = None) -> int:
        """Returns the index of a constant."""
        value = np.asarray(value)
        dtype = dtype or (
            dtypes.string if value.dtype.kind in "OSU" else dtypes.as_dtype(value.dtype)
        )
        data = array_to_buffer(value, self._type(dtype, name))
        key = (dtype.name, value.shape, data)
        if key not in self._constants:
            self._constants[key] = self.add_tensor(
                name, dtype, value.shape, buffer=self.file.buffer(data)
            )
        return self._constants[key]

    def integers(self, tensor: SymbolicTensor) -> int:
        """Returns the index of a tensor of indices or sizes, which TFLite takes as int32."""
        value = self.value(tensor)
        if value is not None:
            # Slices that ONNX leaves open end at the greatest int64, which must not wrap to -1.
            limits = np.iinfo(np.int32)
            narrow = np.clip(value, limits.min, limits.max).astype(np.int32)
            return self.constant(narrow, tensor.op.name)
        if tensor.dtype == dtypes.int32:
            return self.place(tensor)
        return self.emit("CAST", [self.place(tensor)], dtypes.int32, tensor.shape, tensor.op.name)

    def known(self, operation: Operation, i: int) -> np.ndarray:
        """Returns the value of an input, which must be a constant."""
        value = self.value(operation.inputs[i])
        if value is None:
            raise self.unimplemented(operation, f"an input {i} that is not constant")
        return value

    def add_tensor(
        self, name: str, dtype: DType, shape: Any, buffer: int = 0, quantization: Any = None
    ) -> int:
        """Returns the index of a new tensor; None among the shape's sizes is an unknown one."""
        shape = list(shape)
        unknown = any(extent is None for extent in shape)
        self.tensors.append(
            SCHEMA["Tensor"](
                name=name,
                type=self._type(dtype, name),
                shape=[1 if extent is None else extent for extent in shape],
                shape_signature=[-1 if extent is None else extent for extent in shape]
                if unknown
                else None,
                buffer=buffer,
                quantization=quantization,
                has_rank=True,
            )
        )
        return len(self.tensors) - 1

    def _type(self, dtype: DType, name: str) -> int:
        if dtype not in TYPES:
            raise UnimplementedError(f"TFLite: '{name}' has the type {dtype.name}.")
        return TYPES[dtype]

    def _named(self, tensor: SymbolicTensor, name: str) -> int:
        if self._known and tensor._id in self._known:
            place = self.add_like(self._known[tensor._id], name)
        elif tensor.shape.rank is None:
            raise UnimplementedError(f"TFLite: the input '{name}' has no known rank.")
        else:
            place = self.add_tensor(name, tensor.dtype, tensor.shape.as_list())
        self._places[tensor._id] = place
        return place

    def add_like(self, record: Any, name: str) -> int:
        """Returns the index of a new tensor with the type and shape of another."""
        self.tensors.append(
            SCHEMA["Tensor"](
                name=name,
                type=record.type,
                shape=record.shape,
                shape_signature=record.shape_signature,
                has_rank=True,
            )
        )
        return len(self.tensors) - 1

    def _own(self, place: int, inputs: Sequence[int], before: Sequence[int]) -> int:
        """The index of an output, which is not a constant or another output, nor, in a signature, an input."""
        record = self.tensors[place]
        is_input = place in inputs and self._known is None
        if not is_input and place not in before and not record.buffer:
            return place
        copy = self.add_like(record, f"{record.name}_output")
        signature = record.shape if record.shape_signature is None else record.shape_signature
        if sum(extent == -1 for extent in signature) > 1:
            shape = self.sizes(place, record.name)
        else:
            shape = self.constant(np.array(signature, np.int32), "shape")
        self.append("RESHAPE", [place, shape], [copy], SCHEMA["ReshapeOptions"](), 1)
        return copy

    def body(
        self,
        function: GraphFunction,
        name: str,
        known: Mapping[int, Any],
        values: Mapping[int, np.ndarray],
        returns_inputs: bool = False,
    ) -> int:
        """Writes a branch or a loop's function as a separate graph; returns its number in the file.

        Args:
          function: whose inputs become the graph's.
          name: of the graph.
          known: see GraphWriter.
          values: constants in place of inputs, by their positions.
          returns_inputs: True for a loop's body: its outputs at these positions are left out as well.
        """
        left_out = values if returns_inputs else ()
        inputs = {f"input_{i}": t for i, t in enumerate(function.inputs) if i not in values}
        outputs = {f"output_{i}": t for i, t in enumerate(function.outputs) if i not in left_out}
        frozen = FrozenFunction(name, function, inputs, outputs)
        constants = {function.inputs[i]._id: value for i, value in values.items()}
        return self.file.body(GraphWriter(self.file, self.weights, known, constants).write(frozen))

    # -- operators

    def emit(
        self,
        name: str,
        inputs: Sequence[int],
        dtype: DType,
        shape: Any,
        label: str,
        options: Any = None,
        version: int = 1,
    ) -> int:
        """Adds an operator with one output that no operation of the function has; returns its index."""
        if shape is not None and hasattr(shape, "as_list"):
            shape = shape.as_list()
        output = self.add_tensor(f"{label}/{name.lower()}", dtype, shape)
        self.append(name, inputs, [output], options, version)
        return output

    def add(
        self,
        name: str,
        operation: Operation,
        inputs: Sequence[int] | None = None,
        options: Any = None,
        version: int = 1,
        outputs: Sequence[SymbolicTensor] | None = None,
    ) -> None:
        """Adds an operator that computes an operation's outputs.

        Args:
          name: the builtin op.
          operation: whose inputs are taken by default.
          inputs: places of other inputs.
          options: the op's table.
          version: the op's version.
          outputs: other tensors that it computes: those of operations that it takes along.
        """
        if inputs is None:
            inputs = [self.place(tensor) for tensor in operation.inputs]
        indices = []
        for tensor in operation.outputs if outputs is None else outputs:
            if tensor.shape.rank is None:
                raise self.unimplemented(operation, "a result of unknown rank")
            self._places[tensor._id] = self.add_tensor(
                tensor.op.name, tensor.dtype, tensor.shape.as_list()
            )
            indices.append(self._places[tensor._id])
        self.append(name, inputs, indices, options, version)

    def by_row(
        self,
        operation: Operation,
        inputs: Sequence[int] | None = None,
        version: int | None = None,
    ) -> None:
        """Adds the builtin op of an operation's row of `operators.py`, with the options that its attributes state.

        Args:
          operation: whose inputs are taken by default.
          inputs: places of other inputs.
          version: of the builtin op; by default the row's.
        """
        row = BY_RAW[operation.type]
        self.check_layout(operation)
        if inputs is None:
            inputs = [
                self.integers(tensor) if i in row.integers else self.place(tensor)
                for i, tensor in enumerate(operation.inputs)
            ]
        options, outputs = row.default_options(), operation.outputs
        for attribute in row.attributes:
            if attribute.option:
                setattr(options, attribute.option, attribute.written(operation))
        if row.activates:
            options.fused_activation_function, last = self.activation(operation.outputs[0])
            outputs = [last]
        self.add(row.name, operation, inputs, options, version or row.version, outputs)

    def check_layout(self, operation: Operation, expected: str = "NHWC") -> None:
        """Refuses an operation on images of another layout.

        Raises:
          UnimplementedError: it has one.
        """
        layout = getattr(operation.raw_op, "data_format", expected)
        layout = layout.decode() if isinstance(layout, bytes) else layout
        if layout != expected:
            raise self.unimplemented(operation, f"the layout {layout}")

    def alias(self, tensor: SymbolicTensor, place: int) -> None:
        """Records the index of a tensor that is the same as another."""
        self._places[tensor._id] = place

    def append(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Any,
        version: int = 1,
    ) -> None:
        """Adds an operator between tensors given by index."""
        self.operators.append(
            SCHEMA["Operator"](
                opcode_index=self.file.code(name, version),
                inputs=broadcast(self, name, inputs, outputs[0]) if outputs else list(inputs),
                outputs=list(outputs),
                builtin_options=options,
            )
        )

    def sizes(self, place: int, label: str) -> int:
        """Adds an operator that gives the sizes of a tensor, as int32; returns its index."""
        options = SCHEMA["ShapeOptions"](out_type=TYPES[dtypes.int32])
        rank = len(self.tensors[place].shape)
        return self.emit("SHAPE", [place], dtypes.int32, [rank], label, options)

    # -- operations merged into others

    def readers(self, tensor: SymbolicTensor) -> list[Operation]:
        """Returns the operations that read a tensor."""
        return self._readers.get(tensor._id, [])

    def only_reader(self, tensor: SymbolicTensor) -> Operation | None:
        """Returns the operation that alone reads a tensor, or None."""
        readers = self.readers(tensor)
        return readers[0] if len(readers) == 1 and tensor._id not in self._outputs else None

    def epilogue(
        self, operation: Operation, channels: int
    ) -> tuple[np.ndarray | None, int, SymbolicTensor]:
        """Merges a bias and an activation that follow an operation into it.

        Args:
          operation: the product or convolution.
          channels: the size of its result's last axis.

        Returns:
          The bias or None, the number of the activation function, and the last tensor.
        """
        tensor, bias = operation.outputs[0], None
        reader = self.only_reader(tensor)
        if reader is not None and reader.type in ("BiasAdd", "AddV2", "Add"):
            at = 1 if reader.inputs[0] is tensor else 0
            value = self.value(reader.inputs[at])
            if value is not None and value.size == channels == (value.shape or (0,))[-1]:
                if value.ndim == 1 or tensor.shape.rank == value.ndim:
                    bias = value.reshape(-1)
                    tensor = self._taken(reader)
        return bias, *self.activation(tensor)

    def activation(self, tensor: SymbolicTensor) -> tuple[int, SymbolicTensor]:
        """Merges an activation that follows a tensor; returns its number and the last tensor."""
        reader = self.only_reader(tensor)
        if reader is None:
            return ActivationFunctionType.NONE, tensor
        if reader.type in _ACTIVATIONS:
            return _ACTIVATIONS[reader.type], self._taken(reader)
        last = self.only_reader(reader.outputs[0]) if reader.outputs else None
        if last is not None and clips_to_one(self, last, tensor):
            self.take(reader)
            return ActivationFunctionType.RELU_N1_TO_1, self._taken(last)
        return ActivationFunctionType.NONE, tensor

    def _taken(self, operation: Operation) -> SymbolicTensor:
        self._done.add(operation.name)
        return operation.outputs[0]

    def take(self, *operations: Operation) -> None:
        """Marks operations as written as part of another."""
        self._done.update(operation.name for operation in operations)
