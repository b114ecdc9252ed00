"""ONNX models for tests, made of Penstock's own messages."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.formats.onnx.arrays import proto_of
from penstock._src.formats.onnx.element_types import element_type_of
from penstock._src.formats.onnx.schema import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    ValueInfoProto,
)


def attribute(name, value):
    """An attribute of an integer, float, text, list of integers, array or graph."""
    if isinstance(value, bool | int):
        return AttributeProto(name=name, type=2, i=int(value))
    if isinstance(value, float):
        return AttributeProto(name=name, type=1, f=value)
    if isinstance(value, str):
        return AttributeProto(name=name, type=3, s=value.encode())
    if isinstance(value, np.ndarray):
        return AttributeProto(name=name, type=4, t=proto_of(value))
    if isinstance(value, list) and any(isinstance(v, float) for v in value):
        return AttributeProto(name=name, type=6, floats=value)
    if isinstance(value, list) and any(isinstance(v, str) for v in value):
        return AttributeProto(name=name, type=8, strings=[v.encode() for v in value])
    if isinstance(value, list):
        return AttributeProto(name=name, type=7, ints=value)
    return AttributeProto(name=name, type=5, g=value)


def node(op_type, inputs, outputs, domain="", **attributes):
    """A node; names of inputs and outputs are words of a text."""
    return NodeProto(
        op_type=op_type,
        input=[name.strip("-") for name in inputs.split()],
        output=outputs.split(),
        domain=domain,
        attribute=[attribute(n, v) for n, v in attributes.items() if v is not None],
    )


def value(name, shape, dtype=dtypes.float32):
    """An input or output; a text is the name of a dimension."""
    info = ValueInfoProto(name=name)
    tensor = info.type.tensor_type
    tensor.elem_type = element_type_of(dtype).number
    tensor.shape.SetInParent()
    for size in shape:
        key = "dim_param" if isinstance(size, str) else "dim_value"
        tensor.shape.dim.add(**{key: size})
    return info


def graph(nodes, inputs, outputs, **weights):
    """A graph; weights are arrays by name."""
    return GraphProto(
        name="graph",
        node=nodes,
        input=inputs,
        output=outputs,
        initializer=[proto_of(array, name) for name, array in weights.items()],
    )


def model(main, version=21, functions=()):
    """A model of a graph."""
    made = ModelProto(ir_version=10, graph=main, producer_name="tests", functions=functions)
    made.opset_import.add(domain="", version=version)
    return made


def perceptron():
    """y = relu(x w + b) v."""
    random = np.random.default_rng(0)
    return model(
        graph(
            [
                node("Gemm", "x w b", "h"),
                node("Relu", "h", "r"),
                node("MatMul", "r v", "y"),
            ],
            [value("x", ["batch", 4])],
            [value("y", ["batch", 2])],
            w=random.normal(size=(4, 8)).astype(np.float32),
            b=random.normal(size=8).astype(np.float32),
            v=random.normal(size=(8, 2)).astype(np.float32),
        )
    )
