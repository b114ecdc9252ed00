"""tf.xla.experimental and the rules of XLA with `jit_compile`, against TensorFlow 2.21."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.internals import control_flow

compile_ = tf.xla.experimental.compile


def test_results_are_lists_of_tensors():
    (doubled,) = compile_(lambda x: x * 2, [tf.constant(1.0)])
    assert float(doubled) == 2.0
    with pytest.raises(ValueError, match="must all either be Operations"):
        compile_(lambda x: [x, None], [tf.constant(1.0)])


def test_graphs_keep_operations_and_structure():
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        assert compile_(lambda: None).type == "NoOp"
        assert set(compile_(lambda x: {"a": x}, [x])) == {"a"}
        (same,) = compile_(lambda x: (x, tf.no_op()), [x])
        assert [op.type for op in same.op.control_inputs] == ["NoOp"]
        with tf.xla.experimental.jit_scope():
            tf.constant(2.0)
    with pytest.raises(RuntimeError, match="not supported when eager"):
        with tf.xla.experimental.jit_scope():
            pass


OUTSIDE = [300.0, -300.0, 1e20, -1e20, np.inf, -np.inf, np.nan, 5.9]
# The values that TensorFlow gives with jit_compile=True.
SATURATED = {
    "int8": [127, -128, 127, -128, 127, -128, 0, 5],
    "uint8": [255, 0, 255, 0, 255, 0, 0, 5],
    "int32": [300, -300, 2**31 - 1, -(2**31), 2**31 - 1, -(2**31), 0, 5],
    "uint64": [300, 0, 2**64 - 1, 0, 2**64 - 1, 0, 0, 5],
}


def whole(python_function):
    return tf.function(python_function, autograph=False, jit_compile=True)


@pytest.mark.parametrize("dtype", SATURATED)
@pytest.mark.parametrize("source", ["float32", "float64"])
def test_floats_outside_of_an_integers_range_saturate_with_jit_compile(source, dtype):
    cast = whole(lambda x: tf.cast(x, dtype))
    np.testing.assert_array_equal(cast(tf.constant(OUTSIDE, source)), SATURATED[dtype])


def test_floats_saturate_in_what_a_function_with_jit_compile_calls_and_only_there():
    """A call with the same arguments elsewhere in the program has its own results."""
    x = tf.constant(OUTSIDE)
    inner = tf.function(lambda x: tf.cast(x, tf.uint8), autograph=False)
    compiled = whole(lambda x: inner(x))
    saturated, low_bits = tf.function(lambda x: (compiled(x), inner(x)), autograph=False)(x)
    np.testing.assert_array_equal(saturated, SATURATED["uint8"])
    np.testing.assert_array_equal(low_bits, [44, 212, 0, 0, 0, 0, 0, 5])
    low_bits, saturated = tf.function(lambda x: (inner(x), compiled(x)), autograph=False)(x)
    np.testing.assert_array_equal(saturated, SATURATED["uint8"])
    np.testing.assert_array_equal(low_bits, [44, 212, 0, 0, 0, 0, 0, 5])


def test_floats_saturate_in_loops_with_jit_compile():
    def total(x):
        def body(i, y):
            return i + 1, y + tf.cast(tf.cast(x, tf.uint8), tf.int32)

        return tf.while_loop(lambda i, _: i < 3, body, (0, tf.zeros([8], tf.int32)))[1]

    np.testing.assert_array_equal(
        whole(total)(tf.constant(OUTSIDE)), 3 * np.array(SATURATED["uint8"])
    )


def test_functions_with_jit_compile_and_all_within_are_built_for_xla():
    found = {}

    def note(name, x):
        inside = control_flow.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
        assert inside is (tf.__internal__.get_enclosing_xla_context() is not None)
        found[name] = inside
        return x

    inner = tf.function(lambda x: note("inner", x))
    compiled = tf.function(lambda x: note("compiled", inner(x)), jit_compile=True)

    @tf.function
    def outer(x):
        tf.cond(x > 0.0, lambda: compiled(note("branch", x)), lambda: x)
        tf.xla.experimental.compile(lambda x: note("xla.compile", x), [x])
        return note("outer", x)

    @tf.function(jit_compile=True)
    def loop(x):
        return tf.while_loop(lambda x: x < 3.0, lambda x: note("body", x) + 1.0, [x])

    outer(tf.constant(1.0))
    loop(tf.constant(1.0))
    assert found == {
        "inner": True, "compiled": True, "branch": False, "xla.compile": True, "outer": False, "body": True,
    }  # fmt: skip
