"""A program for one process or several: public functions of a DTensor and their gradients, whose sums it prints, a line of JSON for each."""

import json

import numpy as np
import tensorflow as tf
from tensorflow.experimental import dtensor

dtensor.initialize_accelerator_system("CPU")
mesh = dtensor.create_distributed_mesh([("x", dtensor.num_clients())], device_type="CPU")
rows = dtensor.Layout(["x", dtensor.UNSHARDED], mesh)
x = dtensor.copy_to_mesh(np.random.default_rng(0).random((8, 4)).astype("float32"), rows)
i = dtensor.copy_to_mesh(np.arange(8, dtype="int32"), dtensor.Layout(["x"], mesh))
places = np.arange(32, dtype="float32").reshape(8, 4)
FUNCTIONS = {
    "ones_like": lambda: tf.ones_like(x),
    "reshape": lambda: tf.reshape(x, [2, -1]) * tf.reshape(places, [2, 16]),
    "reduce_variance": lambda: tf.math.reduce_variance(x, 0),
    "reduce_logsumexp": lambda: tf.reduce_logsumexp(x, 0),
    "reduce_any": lambda: tf.reduce_any(x > 0.9, 0),
    "clip_by_norm": lambda: tf.clip_by_norm(x, 1.0),
    "clip_by_global_norm": lambda: tf.clip_by_global_norm([x], 1.0)[0][0],
    "l2_loss": lambda: tf.nn.l2_loss(x),
    "stateless_dropout": lambda: tf.nn.experimental.stateless_dropout(x, 0.5, seed=[1, 2]),
    "stack": lambda: tf.stack([x, 2 * x]),
    "unstack": lambda: tf.unstack(x)[5],
    "split": lambda: tf.split(x, 2)[1],
    "tile": lambda: tf.tile(x, [2, 1]),
    "pad": lambda: tf.pad(x, [[1, 0], [1, 1]]),
    "roll": lambda: tf.roll(x, 1, 0) * places,
    "reverse": lambda: tf.reverse(x, [0]) * places,
    "boolean_mask": lambda: tf.boolean_mask(x, x[:, 0] > 0.5),
    "sort": lambda: tf.sort(x, 0) * places,
    "cumsum": lambda: tf.cumsum(x, 0),
    "argmax": lambda: tf.argmax(x, 0),
    "top_k": lambda: tf.math.top_k(x, 2)[0],
    "gather": lambda: tf.gather(x, i[:3]),
    "gather_nd": lambda: tf.gather_nd(x, [[1, 2], [7, 3]]),
    "one_hot": lambda: tf.one_hot(i, 8) * tf.constant(places[:, :1]),
    "unsorted_segment_sum": lambda: tf.math.unsorted_segment_sum(x, i % 3, 3) * places[:3],
    "embedding_lookup": lambda: tf.nn.embedding_lookup(x, [[1, 7], [2, 3]]),
    "new axis": lambda: x[:, None, ::2],
    "backwards": lambda: x[::-1] * places,
    "tensor_scatter_nd_update": lambda: tf.tensor_scatter_nd_update(
        x, [[1], [7]], tf.zeros([2, 4])
    ),
    "tensordot": lambda: tf.tensordot(x, x, [[0], [0]]),
    "inv": lambda: tf.linalg.inv(tf.matmul(x, x, transpose_a=True)),
    "batch_normalization": lambda: (
        tf.nn.batch_normalization(x, *tf.nn.moments(x, [0]), None, None, 1e-3) * places
    ),
    "map_fn": lambda: tf.map_fn(lambda row: row * 2 + tf.reduce_sum(row), x),
    "scan": lambda: tf.scan(tf.add, x),
    "softmax_cross_entropy": lambda: tf.nn.softmax_cross_entropy_with_logits(x, x),
}


def with_gradient(function):
    """A function that also gives the gradient of the sum of squares."""

    def run():
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = function()
            loss = tf.reduce_sum(tf.cast(result, tf.float32) ** 2)
        gradient = tape.gradient(loss, x, unconnected_gradients="zero")
        return result, tf.convert_to_tensor(gradient)

    return run


def total(tensor):
    """The sum of a tensor, which may be divided."""
    if dtensor.is_dtensor(tensor):
        tensor = dtensor.relayout(tensor, dtensor.Layout.replicated(mesh, len(tensor.shape)))
    return float(tensor.numpy().astype("float64").sum())


for name, function in FUNCTIONS.items():
    run = with_gradient(function)
    sums = [[total(t) for t in call()] for call in (run, tf.function(run))]
    if dtensor.client_id() == 0:
        print(json.dumps([name, sums]))
