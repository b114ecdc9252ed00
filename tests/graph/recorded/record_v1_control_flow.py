"""Writes v1_control_flow.pb with TensorFlow 2.21 and prints the values that test_v1_control.py expects."""

import pathlib

import tensorflow as tf

v1 = tf.compat.v1
v1.disable_v2_behavior()
v1.disable_control_flow_v2()

with tf.Graph().as_default() as graph:
    x = v1.placeholder(tf.float32, [], name="x")
    n = v1.placeholder(tf.int32, [], name="n")
    c = v1.cond(x > 0, lambda: x * 2, lambda: v1.cond(x < -5, lambda: x - 1, lambda: -x))
    tf.identity(c, name="c")
    w = v1.while_loop(
        lambda i, s: i < n, lambda i, s: (i + 1, s * x + tf.cast(i, tf.float32)), [0, 1.0]
    )
    tf.identity(w[1], name="w")

    def outer(i, s):
        _, t = v1.while_loop(
            lambda j, t: j < i, lambda j, t: (j + 1, t + tf.cast(j, tf.float32) * x), [0, 0.0]
        )
        return i + 1, s + v1.cond(t > 2, lambda: t, lambda: -t)

    nested = v1.while_loop(lambda i, s: i < n, outer, [0, 0.0])
    tf.identity(nested[1], name="nn")
    with v1.Session() as session:
        for a, b in ((1.0, 3), (2.0, 4), (-3.0, 2), (-7.0, 5)):
            print(session.run(["c:0", "w:0", "nn:0"], {"x:0": a, "n:0": b}))
    path = pathlib.Path(__file__).with_name("v1_control_flow.pb")
    path.write_bytes(graph.as_graph_def().SerializeToString())
