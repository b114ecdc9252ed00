"""Runs a node of ONNX Runtime's own operators there and here."""

import numpy as np

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.formats.onnx.element_types import element_type_of
from penstock._src.formats.onnx.reading.model import read_proto
from penstock._src.formats.onnx.schema import ValueInfoProto
from tests.formats.onnx.models import graph, model, node, value

MICROSOFT = "com.microsoft"


def node_model(op_type, given, outputs, weights=(), dynamic=(), domain=MICROSOFT, **attributes):
    """The model of a node.

    Args:
      op_type: the operator.
      given: {name of an input: array, or None for one that is left out}, in order.
      outputs: {name: dtype}.
      weights: names of inputs that are constants.
      dynamic: axes whose extents the model does not say.
      domain: of the operator.
      **attributes: of the node.
    """
    names = [name if array is not None else "-" for name, array in given.items()]
    made = node(op_type, " ".join(names), " ".join(outputs), domain, **attributes)
    there = {name: array for name, array in given.items() if array is not None}
    inputs = [
        value(
            name,
            [f"{name}{axis}" if axis in dynamic else n for axis, n in enumerate(array.shape)],
            dtypes.as_dtype(array.dtype),
        )
        for name, array in there.items()
        if name not in weights
    ]
    proto = model(
        graph(
            [made],
            inputs,
            [_of_any_shape(*each) for each in outputs.items()],
            **{name: there[name] for name in weights if name in there},
        )
    )
    proto.opset_import.add(domain=MICROSOFT, version=1)
    return proto


def _of_any_shape(name, dtype):
    info = ValueInfoProto(name=name)
    info.type.tensor_type.elem_type = element_type_of(dtypes.as_dtype(dtype)).number
    return info


def both(op_type, given, outputs, weights=(), **options):
    """The outputs there and here, by name."""
    import onnxruntime

    proto = node_model(op_type, given, outputs, weights, **options)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    fed = {k: a for k, a in given.items() if a is not None and k not in weights}
    there = dict(zip(outputs, session.run(None, fed), strict=True))
    function = read_proto(proto).signatures["serving_default"]
    here = function(**{name: tf.constant(array) for name, array in fed.items()})
    return there, {name: here[name].numpy() for name in outputs}


def same(op_type, given, outputs=None, weights=(), rtol=1e-5, atol=1e-5, **options):
    """The node gives the same there and here."""
    outputs = {"y": np.float32} if outputs is None else outputs
    there, here = both(op_type, given, outputs, weights, **options)
    for name, expected in there.items():
        assert (here[name].dtype, here[name].shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(here[name], expected, rtol=rtol, atol=atol, err_msg=name)


def floats(*shape, seed=0, scale=1.0):
    return (np.random.default_rng(seed).normal(size=shape) * scale).astype(np.float32)


def numbers(*shape, dtype=np.uint8, seed=0):
    limits = np.iinfo(dtype)
    drawn = np.random.default_rng(seed).integers(limits.min, limits.max + 1, shape)
    return drawn.astype(dtype)


def weights_of_7_bits(*shape, seed=1):
    """Of 8 bits, ONNX Runtime's sums of two products saturate at 16 bits on processors without VNNI."""
    return np.random.default_rng(seed).integers(-64, 64, shape).astype(np.int8)
