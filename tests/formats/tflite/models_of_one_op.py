"""Models of one op, for tests."""

import numpy as np

import penstock as tf
from penstock._src.formats.tflite.schema import SCHEMA, TensorType, encode_model

_TYPES = {"float32": TensorType.FLOAT32, "int32": TensorType.INT32}
_CUSTOM = 32


def run_custom(name, options, inputs, shapes):
    """Returns the results of an interpreter for a model of this op.

    Args:
      name: the op's.
      options: bytes.
      inputs: arrays.
      shapes: of its results, which are float32.
    """
    given = [(x.shape, x.dtype.name) for x in inputs]
    tensors = [
        SCHEMA["Tensor"](
            shape=np.array(shape, np.int32), type=_TYPES[dtype], buffer=0, name=f"t{i}"
        )
        for i, (shape, dtype) in enumerate([*given, *((shape, "float32") for shape in shapes)])
    ]
    operator = SCHEMA["Operator"](custom_options=np.frombuffer(options, np.uint8))
    code = SCHEMA["OperatorCode"](
        deprecated_builtin_code=_CUSTOM, builtin_code=_CUSTOM, custom_code=name, version=1
    )
    return run_operator(operator, code, tensors, inputs)


def run_builtin(number, operator, tensors, inputs):
    """Returns the results of an interpreter for a model of the builtin op of this number; the rest as for `run_operator`."""
    code = SCHEMA["OperatorCode"](
        deprecated_builtin_code=min(number, 127), builtin_code=number, version=1
    )
    return run_operator(operator, code, tensors, inputs)


def run_operator(operator, code, tensors, inputs):
    """Returns the results of an interpreter for a model of one operator.

    Args:
      operator: with its options; its code, inputs and outputs are set here.
      code: its `OperatorCode`.
      tensors: descriptions of the inputs, then of the results.
      inputs: arrays.
    """
    operator.opcode_index = 0
    operator.inputs = np.arange(len(inputs), dtype=np.int32)
    operator.outputs = np.arange(len(inputs), len(tensors), dtype=np.int32)
    graph = SCHEMA["SubGraph"](
        tensors=tensors,
        inputs=operator.inputs,
        outputs=operator.outputs,
        operators=[operator],
        name="main",
    )
    model = SCHEMA["Model"](
        version=3,
        operator_codes=[code],
        subgraphs=[graph],
        description="",
        buffers=[SCHEMA["Buffer"]()],
    )
    interpreter = tf.lite.Interpreter(model_content=encode_model(model))
    interpreter.allocate_tensors()
    for detail, x in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]
