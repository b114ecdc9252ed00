"""TensorFlow's ops in TFLite's files, and FlexBuffers, which have the options of custom ops."""

import numpy as np
import pytest
from flatbuffers import flexbuffers

import penstock as tf
from penstock._src.formats.tflite.schema.flexbuffers import decode_flexbuffer
from penstock._src.proto.graph import NodeDef

from .models_of_one_op import run_custom

VALUES = {
    "whole": 7,
    "negative": -70000,
    "large": 1 << 40,
    "real": 0.1,
    "yes": True,
    "nothing": None,
    "numbers": [1, 2, 300],
    "reals": [0.5, 1.5],
    "nested": {"a": [1, {"b": 2}], "": 0},
}


def node_of(op, name="node", **attributes):
    node = NodeDef(name=name, op=op)
    for key, value in attributes.items():
        node.attr[key].CopyFrom(value)
    return bytes(flexbuffers.Dumps([op, node.SerializeToString()]))


def type_attr(dtype):
    return tf.compat.v1.AttrValue(type=dtype.as_datatype_enum)


def test_a_flexbuffer_is_read_as_its_library_reads_it():
    found = decode_flexbuffer(bytes(flexbuffers.Dumps(VALUES)))
    assert found == VALUES
    assert decode_flexbuffer(bytes(flexbuffers.Dumps(["Erf", b"\xff\0"]))) == [b"Erf", b"\xff\0"]


def test_vectors_of_one_type():
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Key("words")
        builder.TypedVectorFromElements(["a", "b"])
        builder.Key("numbers")
        builder.TypedVectorFromElements([1, -400])
        builder.Key("three")
        builder.FixedTypedVectorFromElements([0.5, 1.5, 2.5])
    found = decode_flexbuffer(bytes(builder.Finish()))
    assert found["numbers"] == [1, -400]
    assert found["three"] == [0.5, 1.5, 2.5]


def test_damaged_flexbuffers_are_refused():
    data = bytes(flexbuffers.Dumps(VALUES))
    random = np.random.default_rng(0)
    for _ in range(2000):
        broken = bytearray(data)
        for place in random.integers(0, len(data), 3):
            broken[place] = random.integers(256)
        try:
            decode_flexbuffer(bytes(broken))
        except ValueError:
            continue
    for size in range(len(data)):
        try:
            decode_flexbuffer(data[:size])
        except ValueError:
            continue
    with pytest.raises(ValueError, match="no FlexBuffer"):
        decode_flexbuffer(b"")


def test_vectors_that_contain_themselves_are_refused():
    # A vector of one element, which is the vector.
    with pytest.raises(ValueError, match="contain one another"):
        decode_flexbuffer(bytes([1, 0, 40, 2, 40, 1]))


def test_tensorflows_op_runs_by_its_node():
    x = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    (found,) = run_custom("FlexLgamma", node_of("Lgamma", T=type_attr(tf.float32)), [x], [x.shape])
    np.testing.assert_array_equal(found, tf.math.lgamma(x))


def test_a_node_of_several_inputs_and_results():
    x = np.diag(np.float32([1, 2, 3])) + np.float32(0.5)
    attributes = {"T": type_attr(tf.float32), "full_matrices": tf.compat.v1.AttrValue(b=False)}
    shapes = [(3,), (3, 3), (3, 3)]
    found = run_custom("FlexSvd", node_of("Svd", **attributes), [x], shapes)
    values, left, right = tf.raw_ops.Svd(input=x, full_matrices=False)
    for one, other in zip(found, (values, left, right), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "options, message", [(b"", "FlexBuffer"), (node_of("NoSuchOp"), "NoSuchOp")]
)
def test_unknown_nodes_are_refused(options, message):
    x = np.zeros(2, np.float32)
    with pytest.raises((RuntimeError, tf.errors.OpError), match=message):
        run_custom("FlexNoSuchOp", options, [x], [x.shape])


def _converted(function, *specs, **settings):
    concrete = tf.function(function, input_signature=specs).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    for name, value in settings.items():
        setattr(converter, name, value)
    interpreter = tf.lite.Interpreter(model_content=converter.convert())
    names = [each["op_name"] for each in interpreter._get_ops_details()]
    return interpreter.get_signature_runner(), names


X = np.random.default_rng(3).normal(size=(3, 3)).astype(np.float32)
SELECTED = {
    "one op": (lambda x: tf.linalg.inv(x) * 2.0, ["FlexMatrixInverse", "MUL"]),
    "several results": (lambda x: tf.linalg.qr(x + 1.0)[1], ["ADD", "FlexQr"]),
    "what is there alone": (lambda x: tf.nn.relu(x @ x), None),
    "in a loop": (
        lambda x: tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.linalg.inv(y)), [0, x]),
        None,
    ),
    "texts": (lambda x: tf.strings.length(tf.strings.as_string(x)), None),
}


@pytest.mark.parametrize("name", SELECTED)
def test_ops_without_counterparts_are_written_if_they_are_asked_for(name):
    function, expected = SELECTED[name]
    run, names = _converted(function, tf.TensorSpec([3, 3]))
    assert expected is None or names == expected
    results = list(run(**{run.get_input_details().popitem()[0]: X}).values())
    for found, wanted in zip(results, tf.nest.flatten(function(tf.constant(X))), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_ops_of_tensorflow_stay_on_floats_among_integers():
    samples = [[X + i] for i in range(4)]
    run, names = _converted(
        lambda x: tf.linalg.inv(x @ X) @ X,
        tf.TensorSpec([3, 3]),
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: iter(samples),
    )
    assert "FlexMatrixInverse" in names and "QUANTIZE" in names
    (found,) = run(**{run.get_input_details().popitem()[0]: X}).values()
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.py_function(lambda y: y, [x], tf.float32),
        lambda x: (
            x
            + tf.cast(
                tf.lookup.experimental.MutableHashTable("string", "int32", 0).size(), "float32"
            )
        ),
    ],
    ids=["functions", "resources"],
)
def test_ops_that_hold_functions_or_resources_are_refused(function):
    with pytest.raises(tf.errors.UnimplementedError):
        _converted(function, tf.TensorSpec([3, 3]))
