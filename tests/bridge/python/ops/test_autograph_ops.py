"""Python functions called when a graph runs."""

import penstock as tf
import penstock.compat.v1 as v1
from penstock._src.bridge.python.ops.autograph_ops import wrap_py_func


def test_a_wrapped_function_gets_values_and_plain_arguments_each_time_the_graph_runs():
    calls = []

    def note(x, text, scale, rest):
        calls.append((int(x), text, float(scale), rest))
        return "ignored"

    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.int32, [])
        done = wrap_py_func(note, (x, "text"), {"scale": tf.constant(2.0), "rest": None})
        assert calls == []
        assert [session.run(done, {x: n}) for n in (3, 4)] == [1, 1]
    assert calls == [(3, "text", 2.0, None), (4, "text", 2.0, None)]
