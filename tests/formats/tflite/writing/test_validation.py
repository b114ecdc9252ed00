"""Files of TFLite are checked when they are written: what no interpreter could read is refused."""

import functools

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.tflite.schema import TensorType, decode_model, encode_model
from penstock._src.formats.tflite.writing.validation import validated


@functools.cache
def _file():
    def repeated(x):
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.tanh(y) + x), [0, x])[1]

    concrete = tf.function(repeated).get_concrete_function(tf.TensorSpec([2], tf.float32))
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def _reversed(model):
    model.subgraphs[2].operators.reverse()


def _twice(model):
    body = model.subgraphs[2]
    body.operators.append(body.operators[-1])


def _constant(model):
    used = model.subgraphs[1].operators[0].inputs
    model.subgraphs[1].tensors[used[1]].buffer = 0


def _no_array(model):
    body = model.subgraphs[2]
    inside = next(o.outputs[0] for o in body.operators if o.outputs[0] not in body.outputs)
    body.tensors[inside].type = TensorType.VARIANT


def _other_type(model):
    body = model.subgraphs[2]
    body.tensors[body.outputs[3]].type = TensorType.INT32


def _fewer(model):
    model.subgraphs[2].outputs = model.subgraphs[2].outputs[:-1]


def _no_body(model):
    loop = next(
        o for o in model.subgraphs[0].operators if hasattr(o.builtin_options, "cond_subgraph_index")
    )
    loop.builtin_options.body_subgraph_index = 3


def _no_output(model):
    model.subgraphs[0].outputs = np.array([len(model.subgraphs[0].tensors)], np.int32)


def test_a_written_file_passes():
    data = _file()
    assert validated(encode_model(decode_model(data, "file")))


@pytest.mark.parametrize(
    "change, message",
    [
        (_reversed, "has no value yet"),
        (_twice, "has a value before it"),
        (_constant, "has no value yet"),
        (_no_array, "is a variant"),
        (_other_type, "meet"),
        (_fewer, "meet"),
        (_no_body, "no subgraph 3"),
        (_no_output, "no tensor"),
    ],
)
def test_a_wrong_file_is_refused(change, message):
    model = decode_model(_file(), "file")
    change(model)
    with pytest.raises(tf.errors.InternalError, match=f"not valid: .*{message}"):
        validated(encode_model(model))
