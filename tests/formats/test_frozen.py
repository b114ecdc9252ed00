"""A frozen function has plain operations that compute what the function computes."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.frozen import freeze


def test_variables_and_calls_are_gone():
    weight = tf.Variable([2.0, 3.0])
    inner = tf.function(lambda x: x * weight)
    traced = tf.function(lambda x, y: {"b": inner(x) + y, "a": x}).get_concrete_function(
        tf.TensorSpec([2], name="x"), tf.TensorSpec([], name="y")
    )
    frozen = freeze(traced)
    assert [op.type for op in frozen.operations if op.type != "Const"] == [
        "Mul",
        "AddV2",
        "Identity",
        "Identity",
    ]
    assert list(frozen.inputs) == ["x", "y"] and list(frozen.outputs) == ["a", "b"]
    assert {t.op.name for t in frozen.outputs.values()} == {"a", "b"}
    given = [np.float32([1, 10]), np.float32(1)]
    values = dict(zip(frozen.outputs, frozen.function.run(given), strict=True))
    assert values["a"].tolist() == [1, 10] and values["b"].tolist() == [3, 31]


def test_branches_read_variables_as_constants():
    weight = tf.Variable(5.0)
    traced = tf.function(
        lambda x: tf.cond(x > 0, lambda: x * weight, lambda: x - weight)
    ).get_concrete_function(tf.TensorSpec([]))
    weight.assign(7.0)
    frozen = freeze(traced)
    assert float(frozen.function.run([np.float32(2)])[0]) == 14
    assert float(frozen.function.run([np.float32(-2)])[0]) == -9


def test_the_same_tensor_can_be_two_outputs():
    traced = tf.function(lambda x: (x, x)).get_concrete_function(tf.TensorSpec([2]))
    frozen = freeze(traced)
    assert list(frozen.outputs) == ["output_0", "output_1"]
    assert len({t.op.name for t in frozen.outputs.values()}) == 2


def test_what_cannot_be_frozen_is_named():
    counter = tf.Variable(0.0)
    traced = tf.function(lambda x: counter.assign_add(x)).get_concrete_function(tf.TensorSpec([]))
    with pytest.raises(tf.errors.UnimplementedError, match="AssignAddVariableOp"):
        freeze(traced)
    sparse = tf.function(lambda x: tf.sparse.from_dense(x)).get_concrete_function(
        tf.TensorSpec([2])
    )
    with pytest.raises(tf.errors.UnimplementedError, match="SparseTensor"):
        freeze(sparse)
