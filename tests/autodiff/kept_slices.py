"""Programs whose results are gathered from: through which of their ops does the gradient of the gather stay IndexedSlices?

`python -m tests.autodiff.kept_slices` writes kept_slices.json where TensorFlow 2.21 is installed.
"""

import json
import pathlib

import numpy as np

RECORDED = pathlib.Path(__file__).with_name("kept_slices.json")
MODES = ("eager", "function", "unknown shapes", "graph")
W = np.arange(8, dtype=np.float32).reshape(4, 2)
ROW = np.ones((1, 2), np.float32)
NARROW = np.ones((4, 1), np.float32)

# Of the module `tf`, a source of shape [4, 2] and further arguments, with their values.
PROGRAMS = {
    "add": (lambda tf, w, d: w + d, [W]),
    "add to itself": (lambda tf, w: w + w, []),
    "add scalar": (lambda tf, w: w + 1.0, []),
    "add to scalar": (lambda tf, w: 1.0 + w, []),
    "add scalar source": (lambda tf, w, d: w + d, [np.float32(1)]),
    "add row": (lambda tf, w, d: w + d, [ROW]),
    "add to row": (lambda tf, w, d: d + w, [ROW]),
    "add column": (lambda tf, w, d: w + d, [NARROW]),
    "add vector": (lambda tf, w, d: w + d, [ROW[0]]),
    "add broadcast source": (lambda tf, w, d: d + w, [np.ones((3, 4, 2), np.float32)]),
    "add constant": (lambda tf, w: w + W, []),
    "raw Add": (lambda tf, w, d: tf.raw_ops.Add(x=w, y=d), [W]),
    "subtract": (lambda tf, w, d: w - d, [W]),
    "subtract scalar": (lambda tf, w: w - 1.0, []),
    "subtract from scalar": (lambda tf, w: 1.0 - w, []),
    "subtract from row": (lambda tf, w, d: d - w, [ROW]),
    "subtract constant": (lambda tf, w: w - W, []),
    "floormod": (lambda tf, w, d: tf.math.floormod(w, d), [W + 2]),
    "floormod scalar": (lambda tf, w: tf.math.floormod(w, 3.0), []),
    "floormod row": (lambda tf, w, d: tf.math.floormod(w, d), [ROW]),
    "multiply": (lambda tf, w, d: w * d, [W]),
    "multiply by scalar": (lambda tf, w: 2.0 * w, []),
    "divide": (lambda tf, w: w / 2.0, []),
    "maximum": (lambda tf, w: tf.maximum(w, 2.0), []),
    "negative": (lambda tf, w: -w, []),
    "add_n": (lambda tf, w, d: tf.add_n([w, d, w]), [W]),
    "accumulate_n": (lambda tf, w, d: tf.math.accumulate_n([w, d]), [W]),
    "raw AccumulateNV2": (
        lambda tf, w, d: tf.raw_ops.AccumulateNV2(inputs=[w, d], shape=[4, 2]),
        [W],
    ),
    "identity": (lambda tf, w: tf.identity(w), []),
    "identity_n": (lambda tf, w, d: tf.identity_n([w, d])[0], [W]),
    "cast": (lambda tf, w: tf.cast(w, tf.float16), []),
    "cast to complex": (lambda tf, w: tf.cast(w, tf.complex64), []),
    "ensure_shape": (lambda tf, w: tf.ensure_shape(w, [4, 2]), []),
    "reshape": (lambda tf, w: tf.reshape(w, [4, 2]), []),
    "expand_dims": (lambda tf, w: tf.expand_dims(w, 1), []),
    "squeeze": (lambda tf, w: tf.squeeze(w[:, :1], 1), []),
    "transpose": (lambda tf, w: tf.transpose(w), []),
    "bias_add": (lambda tf, w, d: tf.nn.bias_add(w, d), [ROW[0]]),
    "concat rows": (lambda tf, w, d: tf.concat([w, d], 0), [W]),
    "concat rows, negative axis": (lambda tf, w, d: tf.concat([w, d], -2), [W]),
    "concat columns": (lambda tf, w, d: tf.concat([w, d], 1), [W]),
    "concat columns, negative axis": (lambda tf, w, d: tf.concat([w, d], -1), [W]),
    "concat with itself": (lambda tf, w: tf.concat([w, w], 0), []),
    "concat with a constant": (lambda tf, w: tf.concat([ROW, w], 0), []),
    "concat one": (lambda tf, w: tf.concat([w], 0), []),
    "raw Concat": (lambda tf, w, d: tf.raw_ops.Concat(concat_dim=0, values=[w, d]), [W]),
    "split into one": (lambda tf, w: tf.split(w, 1)[0], []),
    "split into two": (lambda tf, w: tf.split(w, 2)[0], []),
    "split by sizes into one": (lambda tf, w: tf.split(w, [4])[0], []),
    "stack": (lambda tf, w, d: tf.stack([w, d]), [W]),
    "unstack": (lambda tf, w: tf.unstack(w)[0], []),
    "tile": (lambda tf, w: tf.tile(w, [1, 1]), []),
    "slice": (lambda tf, w: w[:3], []),
    "pad": (lambda tf, w: tf.pad(w, [[0, 1], [0, 0]]), []),
    "reverse": (lambda tf, w: tf.reverse(w, [0]), []),
    "broadcast_to": (lambda tf, w: tf.broadcast_to(w, [4, 2]), []),
    "where": (lambda tf, w, d: tf.where(w > 1, w, d), [W]),
    "sum": (lambda tf, w: tf.reduce_sum(w, 1), []),
    "sum keeping": (lambda tf, w: tf.reduce_sum(w[:, :, None], 2), []),
    "matmul": (lambda tf, w: tf.matmul(w, tf.eye(2)), []),
    "relu": (lambda tf, w: tf.nn.relu(w), []),
    "exp": (lambda tf, w: tf.exp(w), []),
    "real": (lambda tf, w: tf.math.real(tf.cast(w, tf.complex64)), []),
    "conj": (lambda tf, w: tf.math.conj(w), []),
    "gather": (lambda tf, w: tf.gather(w, [1, 2]), []),
    "gather columns": (lambda tf, w: tf.gather(w, [1], axis=1), []),
    "gather batch": (lambda tf, w: tf.gather(w, [[0], [1], [0], [0]], batch_dims=1), []),
    "gather_nd of rows": (lambda tf, w: tf.gather_nd(w, [[1], [2]]), []),
    "gather_nd of elements": (lambda tf, w: tf.gather_nd(w, [[1, 0], [2, 1]]), []),
    "embedding_lookup": (lambda tf, w: tf.nn.embedding_lookup(w, [1, 2]), []),
    "segment sum": (lambda tf, w: tf.math.segment_sum(w, [0, 0, 1, 1]), []),
    "unsorted segment sum": (lambda tf, w: tf.math.unsorted_segment_sum(w, [0, 0, 1, 1], 2), []),
    "sparse segment sum": (
        lambda tf, w: tf.sparse.segment_sum(w, [0, 1, 3], [0, 0, 1]),
        [],
    ),
    "sparse segment sum, sparse gradient": (
        lambda tf, w: tf.raw_ops.SparseSegmentSum(
            data=w, indices=[0, 1, 3], segment_ids=[0, 0, 1], sparse_gradient=True
        ),
        [],
    ),
    "scatter add": (lambda tf, w, d: tf.tensor_scatter_nd_add(w, [[1]], d), [ROW]),
    "scatter subtract": (lambda tf, w, d: tf.tensor_scatter_nd_sub(w, [[1]], d), [ROW]),
    "scatter update": (lambda tf, w, d: tf.tensor_scatter_nd_update(w, [[1]], d), [ROW]),
    "scatter max": (lambda tf, w, d: tf.tensor_scatter_nd_max(w, [[1]], d), [ROW]),
    "raw ScatterNdNonAliasingAdd": (
        lambda tf, w, d: tf.raw_ops.ScatterNdNonAliasingAdd(input=w, indices=[[1]], updates=d),
        [ROW],
    ),
    "scatter_nd": (lambda tf, w: tf.scatter_nd([[0], [1], [2], [3]], w, [5, 2]), []),
    "placeholder_with_default": (
        lambda tf, w: tf.raw_ops.PlaceholderWithDefault(input=w, shape=[4, 2]),
        [],
    ),
    "prevent_gradient": (lambda tf, w: tf.debugging.check_numerics(w, ""), []),
    "stop_gradient added": (lambda tf, w: w + tf.stop_gradient(w), []),
    "print": (lambda tf, w: tf.raw_ops.Print(input=w, data=[]), []),
    "quantize_and_dequantize": (
        lambda tf, w: tf.quantization.quantize_and_dequantize(w, 0.0, 1.0, range_given=True),
        [],
    ),
    "raw QuantizeAndDequantizeV2": (
        lambda tf, w: tf.raw_ops.QuantizeAndDequantizeV2(input=w, input_min=0.0, input_max=1.0),
        [],
    ),
    "raw QuantizeAndDequantizeV3": (
        lambda tf, w: tf.raw_ops.QuantizeAndDequantizeV3(
            input=w, input_min=0.0, input_max=1.0, num_bits=8
        ),
        [],
    ),
    "quantize_and_dequantize_v2": (
        lambda tf, w: tf.quantization.quantize_and_dequantize_v2(w, 0.0, 1.0, range_given=True),
        [],
    ),
    "fake_quant": (lambda tf, w: tf.quantization.fake_quant_with_min_max_args(w), []),
    "clip_by_value": (lambda tf, w: tf.clip_by_value(w, 0.0, 3.0), []),
    "sparse add": (
        lambda tf, w: tf.sparse.add(tf.SparseTensor([[0, 0]], [1.0], [4, 2]), w),
        [],
    ),
    "dynamic_stitch": (lambda tf, w: tf.dynamic_stitch([[0, 1, 2, 3]], [w]), []),
    "dynamic_partition": (
        lambda tf, w: tf.dynamic_partition(w, [0, 0, 1, 1], 2)[0],
        [],
    ),
    "grouped": (lambda tf, w: tf.tuple([w])[0], []),
    "cumsum": (lambda tf, w: tf.cumsum(w), []),
    "custom gradient, passed on": (
        lambda tf, w: tf.custom_gradient(lambda x: (x * 2.0, lambda g: g))(w),
        [],
    ),
    "function, identity": (lambda tf, w: tf.function(lambda x: tf.identity(x))(w), []),
    "function that gathers": (lambda tf, w: tf.function(lambda x: tf.gather(x, [1, 2]))(w), []),
    "cond": (
        lambda tf, w: tf.cond(
            tf.reduce_sum(w) > 0, lambda: tf.gather(w, [0, 1]), lambda: tf.gather(w, [2])
        ),
        [],
    ),
    "cond, identity": (
        lambda tf, w: tf.cond(tf.reduce_sum(w) > 0, lambda: tf.identity(w), lambda: tf.identity(w)),
        [],
    ),
    "cond, one dense": (
        lambda tf, w: tf.cond(tf.reduce_sum(w) > 0, lambda: tf.gather(w, [0, 1]), lambda: w * 2.0),
        [],
    ),
    "loop": (
        lambda tf, w: tf.while_loop(
            lambda i, a: i < 3,
            lambda i, a: (i + 1, a + tf.gather(w, [0, 1])),
            (0, tf.zeros([2, 2])),
        )[1],
        [],
    ),
    "read after assign": (lambda tf, w: tf.gather(w, [0]) + tf.gather(w, [1]), []),
    "gathered and dense": (lambda tf, w: tf.gather(w, [0]) + w, []),
    "two gathers": (lambda tf, w: tf.concat([tf.gather(w, [0]), tf.gather(w, [1])], 1), []),
    "gathers of 32 and 64 bit indices": (
        lambda tf, w: tf.concat([tf.gather(w, [0]), tf.gather(w, tf.constant([1], tf.int64))], 1),
        [],
    ),
}


def kind(tf, gradient):
    """S for IndexedSlices, D for a tensor, - for None."""
    if gradient is None:
        return "-"
    return "S" if isinstance(gradient, tf.IndexedSlices) else "D"


def kinds(tf, name, mode):
    """Returns one letter for each gradient of a program, for all sources together, for the first alone and for the second alone."""
    program, further = PROGRAMS[name]
    arrays = [W, *further]
    sources = [range(len(arrays))] + ([[0], [1]] if len(arrays) > 1 else [])
    return " ".join(_kinds(tf, program, arrays, list(chosen), mode) for chosen in sources)


def _kinds(tf, program, arrays, chosen, mode):
    def in_graph(*inputs):
        y = tf.gather(program(tf, *inputs), [0])
        return tf.compat.v1.gradients(y, [inputs[i] for i in chosen])

    def with_tape(*inputs):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([inputs[i] for i in chosen])
            y = tf.gather(program(tf, *inputs), [0])
        return tape.gradient(y, [inputs[i] for i in chosen])

    try:
        if mode == "eager":
            found = with_tape(*map(tf.constant, arrays))
        elif mode == "graph":
            with tf.Graph().as_default():
                found = in_graph(*[tf.compat.v1.placeholder(a.dtype, a.shape) for a in arrays])
                return "".join(kind(tf, g) for g in found)
        else:
            unknown = mode == "unknown shapes"
            specs = [
                tf.TensorSpec([None] * a.ndim if unknown else a.shape, a.dtype) for a in arrays
            ]
            seen = []

            def traced(*inputs):
                seen[:] = [kind(tf, g) for g in with_tape(*inputs)]

            tf.function(traced, specs, autograph=False).get_concrete_function()
            return "".join(seen)
    except Exception as error:
        return f"error {type(error).__name__}"
    return "".join(kind(tf, g) for g in found)


def table(tf):
    """Returns {program: {mode: kinds}}."""
    return {name: {mode: kinds(tf, name, mode) for mode in MODES} for name in PROGRAMS}


if __name__ == "__main__":
    import tensorflow

    RECORDED.write_text(json.dumps(table(tensorflow), indent=1) + "\n")
