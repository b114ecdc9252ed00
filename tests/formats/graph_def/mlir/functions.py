"""Functions whose graphs are those of TensorFlow, made with either library."""

import numpy as np


def concrete_functions(tf):
    """{name: ConcreteFunction} of the library `tf`."""
    spec = tf.TensorSpec
    variable = tf.Variable(np.ones([3, 2], np.float32), name="v")
    inner = tf.function(lambda a: tf.nn.relu(a) * 2.0)

    def assign(x):
        variable.assign_add(x)
        return variable.read_value()

    def constants(x):
        return (
            x,
            tf.constant([True, False]),
            tf.constant([1, 2], tf.uint8),
            tf.constant([np.inf, 1e-8, 0.1, 3e38], tf.float32),
            tf.constant(1 + 2j),
            tf.constant(0.1, tf.bfloat16),
            tf.constant([0.1], tf.float16),
            tf.constant(np.arange(300, dtype=np.float32).reshape(3, 100)),
            tf.zeros([0, 3]),
            tf.constant([[b"a\xff", b"\n"]]),
            tf.constant(np.linspace(0, 1, 7)),
        )

    def convolution(x):
        return tf.nn.conv2d(tf.nn.relu(x), tf.ones([3, 3, 2, 4]), [1, 2, 2, 1], "SAME")

    calls = {
        "sum": (lambda a, b: a + b, spec([None, 3], name="a"), spec([3], name="b")),
        "calls": (lambda a, b: inner(a) + inner(b), spec([None, 3], name="a"), spec([3], name="b")),
        "folded": (lambda a: a * tf.reduce_sum(tf.ones([3]) * 2.0), spec([2], name="a")),
        "constants": (constants, spec([2, 3], name="x")),
        "assign": (assign, spec([3, 2], name="x")),
        "parts": (lambda x: tf.split(x, 3, 0), spec([6, 4], name="x")),
        "convolution": (convolution, spec([None, None, 8, 2], name="x")),
        "nothing": (lambda: None,),
    }
    return {
        name: tf.function(f).get_concrete_function(*specs) for name, (f, *specs) in calls.items()
    }
