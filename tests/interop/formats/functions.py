"""Functions of one array that go through a format: {name: (function, shape of its argument)}."""

import numpy as np

import penstock as tf

m, im = tf.math, tf.image
FUNCTIONS = {}
UNARY = "abs acos acosh asin asinh atan atanh ceil cos cosh erf exp expm1 floor log log1p negative reciprocal round rsqrt sigmoid sign sin sinh softplus sqrt square tan tanh is_nan is_finite is_inf lgamma digamma"
FUNCTIONS = {}
for u in UNARY.split():
    FUNCTIONS[u] = (lambda x, u=u: getattr(m, u)(x * 0.9), (3, 4))
for u in "relu relu6 elu selu leaky_relu softsign log_softmax softmax gelu silu crelu".split():
    FUNCTIONS["nn." + u] = (lambda x, u=u: getattr(tf.nn, u)(x), (3, 4))
for u in "add subtract multiply divide divide_no_nan floordiv maximum minimum pow squared_difference mod floormod atan2 equal not_equal greater greater_equal less less_equal".split():
    FUNCTIONS[u] = (
        lambda x, u=u: (
            getattr(m, u)(tf.round(x * 3), tf.round(x[:, ::-1] * 2))
            if u not in ("pow",)
            else m.pow(tf.abs(x), x)
        ),
        (3, 4),
    )
for u in "floordiv floormod truncatediv add multiply maximum".split():
    FUNCTIONS["int." + u] = (
        lambda x, u=u: (getattr(m, u) if hasattr(m, u) else getattr(tf, u))(
            tf.cast(x * 9, tf.int32), tf.constant([3, -2, 5, -7])
        ),
        (3, 4),
    )
for u in "sum mean max min prod any all logsumexp std variance euclidean_norm".split():
    FUNCTIONS["reduce_" + u] = (
        lambda x, u=u: getattr(m, "reduce_" + u)(
            x if u not in ("any", "all") else x > 0, axis=[1], keepdims=True
        ),
        (3, 4, 2),
    )
FUNCTIONS.update(
    {
        "argmax": (lambda x: m.argmax(x, 1), (3, 4)),
        "argmin": (lambda x: m.argmin(x, 0, output_type=tf.int32), (3, 4)),
        "cumsum": (lambda x: m.cumsum(x, 1, exclusive=True, reverse=True), (3, 4)),
        "cumprod": (lambda x: m.cumprod(x, 0), (3, 4)),
        "topk": (lambda x: tf.nn.top_k(x, 2)[0], (3, 5)),
        "topk_i": (lambda x: tf.nn.top_k(x, 2)[1], (3, 5)),
        "gather": (lambda x: tf.gather(x, [2, 0], axis=1), (3, 4)),
        "gather_b": (lambda x: tf.gather(x, [[1, 0], [2, 2], [0, 1]], batch_dims=1), (3, 4)),
        "gather_nd": (lambda x: tf.gather_nd(x, [[0, 1], [2, 3]]), (3, 4)),
        "scatter_nd": (lambda x: tf.scatter_nd([[1], [1], [0]], x, [4, 4]), (3, 4)),
        "tensor_scatter": (
            lambda x: tf.tensor_scatter_nd_update(x, [[1]], [[9.0, 8, 7, 6]]),
            (3, 4),
        ),
        "slice": (lambda x: tf.slice(x, [1, 0], [-1, 2]), (3, 4)),
        "strided": (lambda x: x[::-1, 1:4:2, tf.newaxis], (3, 4)),
        "strided2": (lambda x: x[1, ..., -1], (3, 4, 2)),
        "concat": (lambda x: tf.concat([x, x * 2], 1), (3, 4)),
        "stack": (lambda x: tf.stack([x, x], 1), (3, 4)),
        "unstack": (lambda x: tf.unstack(x, axis=1)[2], (3, 4)),
        "split": (lambda x: tf.split(x, 2, 1)[1], (3, 4)),
        "splitv": (lambda x: tf.split(x, [1, 3], 1)[1], (3, 4)),
        "tile": (lambda x: tf.tile(x, [2, 3]), (3, 4)),
        "reverse": (lambda x: tf.reverse(x, [1]), (3, 4)),
        "pad": (lambda x: tf.pad(x, [[1, 0], [2, 1]]), (3, 4)),
        "padv2": (lambda x: tf.pad(x, [[1, 0], [2, 1]], constant_values=3.0), (3, 4)),
        "mirror": (lambda x: tf.pad(x, [[1, 0], [2, 1]], "REFLECT"), (3, 4)),
        "mirror_s": (lambda x: tf.pad(x, [[1, 0], [2, 1]], "SYMMETRIC"), (3, 4)),
        "transpose": (lambda x: tf.transpose(x, [2, 0, 1]), (3, 4, 2)),
        "squeeze": (lambda x: tf.squeeze(x[:, :1], 1), (3, 4)),
        "expand": (lambda x: tf.expand_dims(x, -1), (3, 4)),
        "broadcast": (lambda x: tf.broadcast_to(x, [2, 3, 4]), (3, 4)),
        "cast_i": (lambda x: tf.cast(x * 5, tf.int32), (3, 4)),
        "cast_b": (lambda x: tf.cast(x > 0, tf.float32), (3, 4)),
        "onehot": (lambda x: tf.one_hot(tf.cast(tf.abs(x) * 2, tf.int32), 4, 2.0, -1.0), (3, 4)),
        "where": (lambda x: tf.where(x > 0, x, -1.0), (3, 4)),
        "where1": (lambda x: tf.where(x > 0), (3, 4)),
        "range": (lambda x: tf.cast(tf.range(tf.shape(x)[1]), tf.float32) + x, (3, 4)),
        "linspace": (lambda x: tf.linspace(x[0, 0], x[1, 1], 5), (3, 4)),
        "fill": (lambda x: tf.fill(tf.shape(x), 2.0) + x, (3, 4)),
        "clip": (lambda x: tf.clip_by_value(x, -0.5, 0.5), (3, 4)),
        "addn": (lambda x: tf.add_n([x, x, x]), (3, 4)),
        "matmul_t": (lambda x: tf.matmul(x, x, transpose_b=True), (3, 4)),
        "bmm": (lambda x: tf.matmul(x, x, transpose_a=True), (2, 3, 4)),
        "einsum": (lambda x: tf.einsum("bij,bkj->bik", x, x), (2, 3, 4)),
        "band": (lambda x: tf.linalg.band_part(x, 1, 0), (2, 4, 4)),
        "avgpool": (lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"), (1, 5, 5, 2)),
        "maxpool": (lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), (1, 5, 5, 2)),
        "lrn": (lambda x: tf.nn.lrn(x, 2), (1, 3, 3, 8)),
        "conv_dil": (
            lambda x: tf.nn.conv2d(x, np.ones((2, 2, 2, 3), "f") * 0.3, 1, "SAME", dilations=2),
            (1, 6, 6, 2),
        ),
        "conv_explicit": (
            lambda x: tf.nn.conv2d(
                x, np.ones((2, 2, 2, 3), "f") * 0.3, 1, [[0, 0], [1, 2], [0, 1], [0, 0]]
            ),
            (1, 6, 6, 2),
        ),
        "conv_t": (
            lambda x: tf.nn.conv2d_transpose(
                x, np.ones((3, 3, 2, 2), "f"), [1, 8, 8, 2], 2, "SAME"
            ),
            (1, 4, 4, 2),
        ),
        "depthwise_dil": (
            lambda x: tf.nn.depthwise_conv2d(
                x, np.ones((2, 2, 2, 1), "f"), [1, 1, 1, 1], "SAME", dilations=[2, 2]
            ),
            (1, 6, 6, 2),
        ),
        "conv3d": (
            lambda x: tf.nn.conv3d(x, np.ones((2, 2, 2, 2, 3), "f"), [1] * 5, "SAME"),
            (1, 3, 4, 4, 2),
        ),
        "dilation2d": (
            lambda x: tf.nn.dilation2d(
                x, np.ones((2, 2, 2), "f"), [1] * 4, "SAME", "NHWC", [1] * 4
            ),
            (1, 5, 5, 2),
        ),
        "resize_b": (lambda x: im.resize(x, [7, 9]), (1, 4, 5, 2)),
        "resize_n": (lambda x: im.resize(x, [7, 9], "nearest"), (1, 4, 5, 2)),
        "resize_v1": (
            lambda x: tf.compat.v1.image.resize_bilinear(x, [7, 9], align_corners=True),
            (1, 4, 5, 2),
        ),
        "resize_v0": (lambda x: tf.compat.v1.image.resize_bilinear(x, [7, 9]), (1, 4, 5, 2)),
        "resize_nn0": (
            lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, [7, 9]),
            (1, 4, 5, 2),
        ),
        "crop": (
            lambda x: im.crop_and_resize(x, [[0.1, 0.2, 0.8, 0.9]], [0], [3, 3]),
            (1, 4, 5, 2),
        ),
        "d2s": (lambda x: tf.nn.depth_to_space(x, 2), (1, 3, 3, 8)),
        "s2b": (lambda x: tf.space_to_batch_nd(x, [2, 2], [[0, 0], [0, 0]]), (1, 4, 4, 2)),
        "b2s": (lambda x: tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]]), (4, 2, 2, 2)),
        "bn": (
            lambda x: tf.compat.v1.nn.fused_batch_norm(
                x,
                np.float32([1, 2]),
                np.float32([0.1, 0.2]),
                np.float32([0.3, 0.1]),
                np.float32([1.0, 2.0]),
                is_training=False,
            )[0],
            (1, 4, 4, 2),
        ),
        "l2norm": (lambda x: tf.nn.l2_normalize(x, 1), (3, 4)),
        "moments": (lambda x: tf.nn.moments(x, [0])[1], (3, 4)),
        "bincount": (
            lambda x: tf.math.bincount(
                tf.cast(tf.abs(x[0]) * 3, tf.int32), minlength=4, maxlength=4
            ),
            (3, 4),
        ),
        "unique": (lambda x: tf.unique(tf.round(x[0]))[0], (3, 4)),
        "rfft": (lambda x: tf.abs(tf.signal.rfft(x)), (3, 8)),
        "complex": (lambda x: m.real(tf.complex(x, x) * tf.complex(x, -x)), (3, 4)),
        "fakequant": (lambda x: tf.quantization.fake_quant_with_min_max_vars(x, -1.0, 1.0), (3, 4)),
        "searchsorted": (lambda x: tf.searchsorted([-1.0, 0, 1.0], x[0]), (3, 4)),
        "nms": (lambda x: im.non_max_suppression(tf.sort(tf.abs(x), 1), x[:, 0], 2), (3, 4)),
        "sort": (lambda x: tf.sort(x, 1), (3, 4)),
        "cond": (lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x, lambda: -x), (3, 4)),
        "while": (
            lambda x: tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * 1.5), (0, x))[1],
            (3, 4),
        ),
        "while_v": (
            lambda x: tf.while_loop(
                lambda y: tf.reduce_max(y) < 50.0, lambda y: (y * 1.5 + 1,), (x,)
            )[0],
            (3, 4),
        ),
        "bitand": (lambda x: tf.bitwise.bitwise_and(tf.cast(tf.abs(x) * 9, tf.int32), 6), (3, 4)),
        "bitor": (lambda x: tf.bitwise.bitwise_or(tf.cast(tf.abs(x) * 9, tf.int32), 6), (3, 4)),
        "roll": (lambda x: tf.roll(x, 1, 1), (3, 4)),
    }
)
