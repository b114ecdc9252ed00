"""The registry of builtin ops, and the argument of their functions: `Call`.

    @builtin("SOFTMAX", options="SoftmaxOptions")
    def softmax(call):
        return raw.Softmax(logits=raw.Mul(x=call.tensor(0), y=np.float32(call.options.beta)))

The function runs while a graph is traced. It returns a tensor, or a list of them. An op that is one raw op has a row of `../operators.py` instead.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.core.registry import find, raw
from penstock._src.formats.tflite.operators import BY_NAME, Builtin
from penstock._src.formats.tflite.reading.contents import (
    Operation,
    Quantization,
    TensorInfo,
)
from penstock._src.formats.tflite.schema import SCHEMA, ActivationFunctionType, Padding
from penstock._src.formats.tflite.schema.flexbuffers import decode_flexbuffer
from penstock._src.util import slots

BUILTINS: dict[str, Callable[["Call"], Any]] = {}
# Ops of other libraries, by the names that files have for them.
CUSTOMS: dict[str, Callable[["Call"], Any]] = {}
# The same for families of ops, by how the names begin.
CUSTOM_FAMILIES: dict[str, Callable[["Call"], Any]] = {}
# Functions of quantized inputs of ops that are read by rows of `operators.py`.
QUANTIZED_KERNELS: dict[str, Callable[["Call"], Any]] = {}
_OPTIONS: dict[str, str] = {}
QUANTIZED = (dtypes.int8, dtypes.uint8, dtypes.int16)


def builtin(*names: str, options: str = "") -> Callable[[Any], Any]:
    """Registers the function of builtin ops.

    Args:
      *names: of BuiltinOperators.
      options: the table of their options; "" if they have none, or their rows of `operators.py` name it.
    """

    def register(function: Callable[["Call"], Any]) -> Callable[["Call"], Any]:
        for name in names:
            BUILTINS[name] = function
            _OPTIONS[name] = options
        return function

    return register


def quantized(*names: str) -> Callable[[Any], Any]:
    """Registers the function of quantized inputs of builtin ops that are read by their rows."""

    def register(function: Callable[["Call"], Any]) -> Callable[["Call"], Any]:
        QUANTIZED_KERNELS.update(dict.fromkeys(names, function))
        return function

    return register


def custom(name: str) -> Callable[[Any], Any]:
    """Registers the function of another library's op; `call.operation.custom_options` are the bytes of its options."""

    def register(function: Callable[["Call"], Any]) -> Callable[["Call"], Any]:
        CUSTOMS[name] = function
        return function

    return register


def custom_family(prefix: str) -> Callable[[Any], Any]:
    """Registers the function of all custom ops whose names begin so and that have none of their own."""

    def register(function: Callable[["Call"], Any]) -> Callable[["Call"], Any]:
        CUSTOM_FAMILIES[prefix] = function
        return function

    return register


def implementation(operation: Operation) -> Callable[["Call"], Any] | None:
    """Returns the function of an operator, or None."""
    if operation.name != "CUSTOM":
        return BUILTINS.get(operation.name)
    name = operation.custom_code
    families = (f for prefix, f in CUSTOM_FAMILIES.items() if name.startswith(prefix))
    return CUSTOMS.get(name) or next(families, None)


class Call:
    """An operator while it is translated: its inputs as tensors, its options, its outputs' types.

    Attributes:
      translation: the graph's `Translation`.
      operation: its record in the file.
      name: its builtin op.
    """

    def __init__(self, translation: Any, operation: Operation) -> None:
        self.translation, self.operation = translation, operation
        self.name = operation.name
        self._graph = translation.graph

    @property
    def where(self) -> str:
        """The operator and its position in the file, for messages."""
        return self.translation.place(self.operation)

    def unimplemented(self, what: str) -> Exception:
        """Returns the error of an unimplemented feature."""
        return UnimplementedError(f"{self.where}: {what} is not implemented.")

    def invalid(self, what: str) -> Exception:
        """Returns the error of an operator that no TFLite runtime takes."""
        return InvalidArgumentError(f"{self.where}: {what}")

    @property
    def row(self) -> Builtin:
        """Its row of `operators.py`."""
        return BY_NAME[self.name]

    @property
    def options(self) -> Any:
        """Its options, defaults if the file has none."""
        wanted = _OPTIONS.get(self.name) or self.row.table
        record = self.operation.options
        if record is None:
            return SCHEMA[wanted]()
        if record.TABLE.name != wanted:
            raise self.invalid(f"expected {wanted}. Received {record.TABLE.name}.")
        return record

    def named_options(self, *needed: str) -> dict[str, Any]:
        """Returns the options of a custom op, from a FlexBuffer.

        Args:
          *needed: names that they must have.

        Raises:
          InvalidArgumentError: they are damaged, or one is missing.
        """
        options = self.flexible_options()
        missing = [name for name in needed if not isinstance(options, dict) or name not in options]
        if missing:
            raise self.invalid(f"its options lack {', '.join(missing)}.")
        return options

    def flexible_options(self) -> Any:
        """Returns the value of a FlexBuffer that a custom op has for options."""
        try:
            return decode_flexbuffer(self.operation.custom_options)
        except ValueError as error:
            raise self.invalid(str(error)) from error

    # -- inputs

    def __len__(self) -> int:
        return len(self.operation.inputs)

    def has(self, i: int) -> bool:
        """Returns whether an input is given."""
        return i < len(self) and self.operation.inputs[i] >= 0

    def info(self, i: int) -> TensorInfo:
        """Returns the file's description of an input."""
        if not self.has(i):
            raise self.invalid(f"input {i} is missing; it has {len(self)}.")
        return self._graph.tensors[self.operation.inputs[i]]

    def tensor(self, i: int) -> Any:
        """Returns an input."""
        return self.translation.value(self.info(i).index)

    def tensors(self) -> list[Any]:
        """Returns all inputs."""
        return [self.tensor(i) for i in range(len(self))]

    def static(self, i: int) -> np.ndarray | None:
        """Returns an input's value, or None if it differs from run to run."""
        constant = self.info(i).constant
        return slots.STATIC_VALUE(self.tensor(i)) if constant is None else constant

    def array(self, i: int) -> np.ndarray:
        """Returns an input's value, which must be known."""
        value = self.static(i)
        if value is None:
            raise self.unimplemented(f"an input {i} that is not constant")
        return value

    def assign(self, i: int, value: Any) -> None:
        """Sets a variable tensor, which keeps its value until the next run."""
        info = self.info(i)
        if not info.is_variable:
            raise self.invalid(f"input {i} ('{info.name}') is not a variable tensor.")
        self.translation.state.variable_tensor(self._graph, info).assign(value)

    def shape(self, i: int) -> tuple[int, ...]:
        """Returns an input's shape, which must be known."""
        shape = self.tensor(i).shape
        if not shape.is_fully_defined():
            raise self.unimplemented(f"an input {i} of unknown shape {shape}")
        return tuple(shape.as_list())

    def extent(self, i: int, axis: int) -> int:
        """Returns the size of an input along an axis, which must be known."""
        size = self.tensor(i).shape[axis]
        if size is None:
            raise self.unimplemented(f"an input {i} of unknown size along axis {axis}")
        return int(size)

    def rank(self, i: int) -> int:
        """Returns an input's rank."""
        rank = self.tensor(i).shape.rank
        if rank is None:
            raise self.unimplemented(f"an input {i} of unknown rank")
        return rank

    def is_quantized(self, i: int = 0) -> bool:
        """Returns whether an input holds quantized values."""
        info = self.info(i)
        return info.quantization is not None and info.dtype in QUANTIZED

    def quantization(self, i: int) -> Quantization:
        """Returns the quantization of an input."""
        return self.quantization_of(self.info(i), f"input {i}")

    # -- outputs

    def output(self, i: int = 0) -> TensorInfo:
        """Returns the file's description of an output."""
        if i >= len(self.operation.outputs):
            raise self.invalid(f"output {i} is missing.")
        return self._graph.tensors[self.operation.outputs[i]]

    def output_quantization(self, i: int = 0) -> Quantization:
        """Returns the quantization of an output."""
        return self.quantization_of(self.output(i), f"output {i}")

    def intermediate(self, i: int) -> TensorInfo:
        """Returns the file's description of an intermediate tensor, which has a scale and no values."""
        if i >= len(self.operation.intermediates) or self.operation.intermediates[i] < 0:
            raise self.invalid(f"intermediate tensor {i} is missing.")
        return self._graph.tensors[self.operation.intermediates[i]]

    def quantization_of(self, info: TensorInfo, what: str) -> Quantization:
        """Returns the quantization of a tensor, which `what` is called in messages."""
        if info.quantization is None:
            raise self.invalid(f"{what} ('{info.name}') has no quantization parameters.")
        return info.quantization

    # -- common parts of many ops

    def padding(self) -> str:
        """Returns the option `padding` as raw ops take it."""
        return "SAME" if self.options.padding == Padding.SAME else "VALID"

    def by_row(self, *inputs: Any) -> Any:
        """Returns the raw op of its row of `operators.py`, with the attributes that the options state.

        Args:
          *inputs: those of the raw op; by default its own.
        """
        row = self.row
        options = self.options if row.table else None
        attributes = {
            attribute.raw: attribute.read(options, lambda i: self.output(i).dtype)
            for attribute in row.attributes
        }
        result = getattr(raw, row.raw)(*(inputs or self._inputs_of(row)), **attributes)
        return self.activated(result) if row.activates else result

    def _inputs_of(self, row: Builtin) -> list[Any]:
        declared = find(row.raw).inputs
        if declared[0].is_list:
            return [self.tensors()]
        if len(self) > len(declared):
            raise self.invalid(f"takes {len(declared)} inputs, not {len(self)}.")
        return [self.tensor(i) for i in range(len(declared))]

    def activated(self, x: Any) -> Any:
        """Returns a float result after the fused activation."""
        return activate(self, x, self.options.fused_activation_function)


def activate(call: Call, x: Any, function: int) -> Any:
    """Returns an activation function of TFLite applied to floats."""
    kind = ActivationFunctionType
    if function == kind.NONE:
        return x
    if function == kind.RELU:
        return raw.Relu(features=x)
    if function == kind.RELU6:
        return raw.Relu6(features=x)
    if function == kind.RELU_N1_TO_1:
        return clipped(x, -1, 1)
    if function == kind.TANH:
        return raw.Tanh(x=x)
    if function == kind.SIGN_BIT:
        return raw.Cast(x=raw.Less(x=x, y=number(0, x)), DstT=x.dtype)
    raise call.invalid(f"there is no activation function {function}.")


def number(value: Any, like: Any) -> np.ndarray:
    """Returns a number, or an array, of a tensor's dtype."""
    return np.asarray(value, like.dtype.as_numpy_dtype)


def clipped(x: Any, low: float, high: float) -> Any:
    """Returns a tensor with its values limited to a range."""
    return raw.Minimum(x=raw.Maximum(x=x, y=number(low, x)), y=number(high, x))
