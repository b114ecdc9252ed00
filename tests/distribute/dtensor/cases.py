"""A program that TensorFlow and Penstock run: functions of DTensors, whose values and layouts it prints, a line of JSON for each.

`python cases.py 4` has four logical devices in one process, `penstock launch -n 4 cases.py` a process for each. What TensorFlow 2.21 printed
is in `tensorflow.json`.
"""

import json
import sys

import numpy as np
import tensorflow as tf
from tensorflow.experimental import dtensor

random = np.random.default_rng(1)
U = dtensor.UNSHARDED


def normal(*shape):
    return random.normal(size=shape).astype("float32")


def with_gradients(function):
    """A function that also gives the gradients of its sum of squares."""

    def run(*inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            result = function(*inputs)
            loss = tf.reduce_sum(result * result)
        return [result, *map(tf.convert_to_tensor, tape.gradient(loss, inputs))]

    return run


MATRIX, OTHER, IMAGES = normal(8, 12), normal(12, 8), normal(4, 4, 4, 4)
CASES = {
    "sum of two": (tf.add, [(MATRIX, ["x", U]), (MATRIX[:1], [U, "y"])]),
    "broadcast": (with_gradients(tf.multiply), [(MATRIX, ["x", "y"]), (MATRIX[0], ["y"])]),
    "one row": (with_gradients(tf.multiply), [(MATRIX[:2], ["x", U]), (MATRIX[:1], [U, U])]),
    "one column": (lambda a: a[:, 1], [(MATRIX, ["x", U])]),
    "relu": (tf.nn.relu, [(MATRIX, ["x", "y"])]),
    "reduce rows": (lambda a: tf.reduce_sum(a, 0), [(MATRIX, ["x", "y"])]),
    "reduce columns": (lambda a: tf.reduce_mean(a, 1), [(MATRIX, ["x", "y"])]),
    "greatest": (lambda a: tf.reduce_max(a, 1, keepdims=True), [(MATRIX, [U, "y"])]),
    "all": (with_gradients(tf.reduce_mean), [(MATRIX, ["x", "y"])]),
    "product of rows": (with_gradients(tf.matmul), [(MATRIX, ["x", U]), (OTHER, [U, U])]),
    "product to columns": (with_gradients(tf.matmul), [(MATRIX, ["x", U]), (OTHER, [U, "y"])]),
    "product over the middle": (
        with_gradients(tf.matmul),
        [(MATRIX, ["x", "y"]), (OTHER, ["y", U])],
    ),
    "batches": (
        with_gradients(tf.matmul),
        [(normal(4, 2, 6), ["x", U, U]), (normal(4, 6, 2), ["x", U, "y"])],
    ),
    "einsum": (
        lambda a, b: tf.einsum("bsd,dhk->bhsk", a, b),
        [(normal(4, 3, 6), ["x", U, U]), (normal(6, 4, 2), [U, "y", U])],
    ),
    "softmax": (with_gradients(tf.nn.softmax), [(MATRIX, ["x", "y"])]),
    "cross entropy": (
        lambda a, b: tf.nn.sparse_softmax_cross_entropy_with_logits(b, a),
        [(MATRIX, ["x", U]), (np.arange(8, dtype="int32"), ["x"])],
    ),
    "transpose": (tf.transpose, [(MATRIX, ["x", "y"])]),
    "heads": (
        lambda a: tf.transpose(tf.reshape(a, [4, 3, 4, 2]), [0, 2, 1, 3]),
        [(normal(4, 3, 8), ["x", U, "y"])],
    ),
    "concat": (lambda a, b: tf.concat([a, b], 1), [(MATRIX, ["x", U]), (MATRIX, ["x", U])]),
    "slice": (lambda a: a[:, 2:6], [(MATRIX, ["x", U])]),
    "gather": (with_gradients(lambda a: tf.gather(a, [1, 5, 2])), [(MATRIX, [U, "y"])]),
    "rows of a divided table": (lambda a: tf.gather(a, [1, 5, 2, 7]), [(MATRIX, ["x", U])]),
    "convolution of a batch": (
        lambda a, b: tf.nn.conv2d(a, b, 1, "SAME"),
        [(IMAGES, ["x", U, U, U]), (normal(3, 3, 4, 4), [U, U, U, U])],
    ),
    "pooling": (lambda a: tf.nn.max_pool2d(a, 2, 2, "VALID"), [(IMAGES, ["x", U, U, U])]),
    "one hot": (lambda a: tf.one_hot(a, 4), [(np.arange(8, dtype="int32") % 4, ["x"])]),
    "arg max": (lambda a: tf.argmax(a, 1), [(MATRIX, ["x", U])]),
    "relayout": (
        lambda a: dtensor.relayout(a * 2, dtensor.Layout(["y", "x"], mesh)),
        [(MATRIX, ["x", "y"])],
    ),
    "branch": (
        lambda a: tf.cond(tf.reduce_sum(a) > 1e6, lambda: a + 1, lambda: a * 2),
        [(MATRIX, ["x", U])],
    ),
    "loop": (
        lambda a: tf.while_loop(
            lambda i, _: i < 3, lambda i, b: (i + 1, b * 0.5 + tf.reduce_mean(b, 0)), [0, a]
        )[1],
        [(MATRIX, ["x", U])],
    ),
    "no rule": (
        lambda a: tf.linalg.cholesky(a @ tf.transpose(a) + 9 * tf.eye(4)),
        [(normal(4, 4), ["x", U])],
    ),
}


def whole(tensor):
    """A DTensor's value."""
    layout = dtensor.Layout.replicated(mesh, len(tensor.shape))
    return dtensor.relayout(tensor, layout).numpy().astype("float64").round(4).tolist()


def specs_of(tensor):
    """The specs of a DTensor; None where TensorFlow says none (a sparse gradient)."""
    layout = dtensor.fetch_layout(tensor)
    return layout and layout.sharding_specs


def ran(function, inputs):
    """Values and layouts of a function's results."""
    given = [
        dtensor.relayout(
            dtensor.copy_to_mesh(a, dtensor.Layout.replicated(mesh, a.ndim)),
            dtensor.Layout(specs, mesh),
        )
        for a, specs in inputs
    ]
    with dtensor.default_mesh(mesh):
        made = tf.nest.flatten(function(*given))
    return {"values": [whole(t) for t in made], "specs": [specs_of(t) for t in made]}


if len(sys.argv) > 1:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * int(sys.argv[1])
    )
    mesh = dtensor.create_mesh([("x", 2), ("y", int(sys.argv[1]) // 2)], device_type="CPU")
else:
    dtensor.initialize_accelerator_system("CPU")
    mesh = dtensor.create_distributed_mesh(
        [("x", 2), ("y", dtensor.num_clients() // 2)], device_type="CPU"
    )
for name, (function, inputs) in CASES.items():
    for kind, run in (("eager", function), ("function", tf.function(function))):
        try:
            made = ran(run, inputs)
        except (tf.errors.OpError, ValueError, AttributeError) as error:
            made = f"{type(error).__name__}: {str(error)[:200]}"
        if dtensor.client_id() == 0:
            print(json.dumps([f"{name}, {kind}", made]))
