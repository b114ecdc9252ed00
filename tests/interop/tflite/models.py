"""Models of a single operator, made by our own schema."""

import dataclasses
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.tflite.schema import SCHEMA, BuiltinOperator, encode_model
from penstock._src.formats.tflite.types import TYPES, array_to_buffer


@dataclasses.dataclass
class Tensor:
    """An input or output: `value` for inputs, `dtype` for outputs; quantized if there are scales."""

    value: Any = None
    dtype: Any = None
    constant: bool = False
    scales: Any = None
    zeros: Any = 0
    axis: int = 0
    variable: bool = False
    shape: tuple[int, ...] = ()  # of outputs whose shapes the file has to say

    @property
    def type(self) -> int:
        if self.value is not None and self.value.dtype.kind in "OS":
            return TYPES[dtypes.string]
        return TYPES[dtypes.as_dtype(self.dtype or self.value.dtype)]


@dataclasses.dataclass
class Case:
    """An operator with its inputs and expected types; `steps` is the allowed difference, in steps of integers or of the last place."""

    name: str
    op: str
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: Any = None
    steps: float = 0
    runs: int = 1
    intermediates: tuple[Tensor, ...] = ()
    rtol: float = 0.0
    atol: float = 0.0
    optimized: bool = False  # beside the optimized kernel: the reference differs from TensorFlow


def single_op_model(case: Case, version: int) -> bytes:
    """Returns the file of a model with one operator of this version."""
    buffers, tensors, inputs = [SCHEMA["Buffer"]()], [], []

    def add(tensor: Tensor, name: str) -> int:
        buffer = 0
        if tensor.constant:
            buffers.append(SCHEMA["Buffer"](data=array_to_buffer(tensor.value, tensor.type)))
            buffer = len(buffers) - 1
        quantization = None
        if tensor.scales is not None:
            scales = np.atleast_1d(np.float32(tensor.scales))
            zeros = np.broadcast_to(np.int64(tensor.zeros), scales.shape)
            quantization = SCHEMA["QuantizationParameters"](
                scale=scales, zero_point=zeros, quantized_dimension=tensor.axis
            )
        shape = list(tensor.value.shape) if tensor.value is not None else list(tensor.shape)
        tensors.append(
            SCHEMA["Tensor"](
                name=name, type=tensor.type, shape=shape, buffer=buffer, quantization=quantization,
                is_variable=tensor.variable,
            )
        )  # fmt: skip
        return len(tensors) - 1

    indices = []
    for i, tensor in enumerate(case.inputs):
        if tensor is None:
            indices.append(-1)
            continue
        indices.append(add(tensor, f"in{i}"))
        if not tensor.constant and not tensor.variable:
            inputs.append(indices[-1])
    outputs = [add(tensor, f"out{i}") for i, tensor in enumerate(case.outputs)]
    between = [add(tensor, f"between{i}") for i, tensor in enumerate(case.intermediates)]
    number = BuiltinOperator.numbers[case.op]
    field = "builtin_options"
    if case.options is not None:
        second = case.options.TABLE.name in SCHEMA.tags["BuiltinOptions2"]
        field = "builtin_options2" if second else "builtin_options"
    operator = SCHEMA["Operator"](
        inputs=indices, outputs=outputs, intermediates=between, **{field: case.options}
    )
    graph = SCHEMA["SubGraph"](
        tensors=tensors, inputs=inputs, outputs=outputs, operators=[operator], name="main"
    )
    code = SCHEMA["OperatorCode"](
        builtin_code=number, deprecated_builtin_code=min(number, 127), version=version
    )
    return encode_model(
        SCHEMA["Model"](version=3, operator_codes=[code], subgraphs=[graph], buffers=buffers)
    )


def run(interpreter: Any, case: Case) -> list[np.ndarray]:
    """Returns the outputs of an interpreter of the case's model."""
    given = [t for t in case.inputs if t is not None and not t.constant and not t.variable]
    interpreter.allocate_tensors()
    for detail, tensor in zip(interpreter.get_input_details(), given, strict=True):
        interpreter.set_tensor(detail["index"], tensor.value)
    results = []
    for _ in range(case.runs):
        interpreter.invoke()
        results += [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    return results
