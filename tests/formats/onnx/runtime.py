"""Runs what is written by ONNX Runtime, and compares it with Penstock's own values."""

import numpy as np

import penstock as tf
from penstock._src.formats.model import of_function
from penstock._src.formats.onnx.reading.model import read_proto
from penstock._src.formats.onnx.writing.model import model_proto


def concrete(function, inputs, dynamic=()):
    """The trace of a function for arrays; extents of these axes of the inputs are not known."""
    specs = []
    for i, x in enumerate(inputs):
        x = np.asarray(x)
        shape = [None if axis in dynamic else n for axis, n in enumerate(x.shape)]
        specs.append(tf.TensorSpec(shape, x.dtype, f"x{i}"))
    return tf.function(function, autograph=False).get_concrete_function(*specs)


def session(proto):
    """ONNX Runtime's session of a model that the standard's checker accepts."""
    import onnx
    import onnxruntime

    contents = proto.SerializeToString()
    onnx.checker.check_model(onnx.load_from_string(contents), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(contents, options, providers=["CPUExecutionProvider"])


def check(traced, inputs, rtol=1e-5, atol=1e-5, back=True):
    """A written function gives the same values in ONNX Runtime, and when it is read back."""
    proto = model_proto(of_function(traced))
    expected = [t.numpy() for t in tf.nest.flatten(traced(*map(tf.constant, inputs)))]
    given = {f"x{i}": np.asarray(x) for i, x in enumerate(inputs)}
    _same(session(proto).run(None, given), expected, rtol, atol)
    if back:
        again = read_proto(proto).signatures["serving_default"]
        found = again(**{name: tf.constant(x) for name, x in given.items()})
        values = [found[info.name].numpy() for info in proto.graph.output]
        _same(values, expected, rtol, atol)
    return proto


def _same(found, expected, rtol, atol):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol)
