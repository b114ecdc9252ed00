"""Functions to write as ONNX, by name: what they compute, and their inputs."""

import numpy as np

import penstock as tf

random = np.random.default_rng(7)
raw = tf.raw_ops


def floats(*shape):
    return random.normal(size=shape).astype(np.float32)


def ints(*shape, low=-5, high=6):
    return random.integers(low, high, shape).astype(np.int32)


def _unary():
    plain = floats(2, 3, 4)
    inside, above = np.clip(plain, -0.9, 0.9), np.abs(plain) + 1.1
    found = {}
    for name in (
        "abs ceil cos cosh erf erfc exp expm1 floor identity is_finite is_inf is_nan negative rint round sigmoid "
        "sign sin sinh softplus softsign square tan tanh zeros_like ones_like"
    ).split():
        found[name] = (getattr(tf.math, name, None) or getattr(tf, name), plain)
    for name in "acos asin atanh atan asinh log1p".split():
        found[name] = (getattr(tf.math, name), inside)
    for name in "acosh log reciprocal rsqrt sqrt".split():
        found[name] = (getattr(tf.math, name), above)
    for name in "relu relu6 elu selu leaky_relu silu gelu softmax log_softmax".split():
        found[name] = (getattr(tf.nn, name), plain)
    return found


def _binary():
    a, b = floats(2, 3, 4), floats(3, 1)
    i, j = ints(3, 4), np.where(ints(4) == 0, 3, ints(4)).astype(np.int32)
    j[j == 0] = 2
    found = {}
    for name in (
        "add subtract multiply divide maximum minimum squared_difference floormod floordiv divide_no_nan multiply_no_nan "
        "equal not_equal greater greater_equal less less_equal atan2 xdivy"
    ).split():
        found[name] = (getattr(tf.math, name, None) or getattr(tf, name), a, b)
    for name in "add floordiv floormod truncatediv truncatemod maximum bitwise_and bitwise_or bitwise_xor".split():
        function = (
            getattr(tf.math, name, None)
            or getattr(tf, name, None)
            or getattr(tf.bitwise, name, None)
        )
        found[f"{name}_of_ints"] = (function, i, j)
    found["pow"] = (tf.pow, np.abs(a) + 0.1, b)
    found["xlogy"] = (tf.math.xlogy, np.round(a), np.abs(b) + 0.1)
    found["bits_of_ints"] = (
        lambda x: (tf.bitcast(x, tf.int8), tf.bitcast(tf.bitcast(x, tf.int8), tf.uint8)),
        np.arange(256).astype(np.uint8),
    )
    found["logical"] = (
        lambda x, y: (x & y) | tf.math.logical_xor(x, ~y),
        a > 0,
        np.broadcast_to(b > 0, (3, 4)).copy(),
    )
    found["shifts"] = (
        lambda x: tf.bitwise.left_shift(x, 2) + tf.bitwise.right_shift(x, 1),
        np.arange(9, dtype=np.uint8),
    )
    for kind in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
        limits, name = np.iinfo(kind), np.dtype(kind).name
        numbers = np.array([limits.min, limits.min + 1, limits.max, limits.max // 3, 0, 5], kind)
        counts = np.array([0, 1, 5, limits.bits - 1, limits.bits, 3], kind)
        found[f"shifts_of_{name}"] = (
            lambda x, y: (tf.bitwise.left_shift(x, y), tf.bitwise.right_shift(x, y)),
            np.concatenate([numbers, numbers[::-1]]),
            np.concatenate([counts, counts]),
        )
    found["where"] = (lambda c, x, y: tf.where(c, x, y), a > 0, a, b)
    found["clip"] = (lambda x: tf.clip_by_value(x, -0.5, 0.7), a)
    found["clip_by_tensors"] = (lambda x, y: tf.clip_by_value(x, -y, y), a, np.abs(b))
    found["cast"] = (
        lambda x: (tf.cast(x, tf.int32), tf.cast(x, tf.float16), tf.cast(x, tf.bool)),
        3 * a,
    )
    found["add_n"] = (lambda x: tf.add_n([x, x, 2 * x]), a)
    found["bias_first"] = (lambda x: tf.nn.bias_add(x, [1.0, 2.0, 3.0], "NCHW"), floats(2, 3, 4, 4))
    return found


def _reductions():
    x = floats(2, 3, 4)
    found = {}
    for name in "sum mean max min prod euclidean_norm logsumexp variance std".split():
        function = getattr(tf.math, f"reduce_{name}")
        found[f"reduce_{name}"] = (lambda x, f=function: (f(x), f(x, 1), f(x, [0, -1], True)), x)
    found["any"] = (lambda x: (tf.reduce_any(x > 1, 1), tf.reduce_all(x > -1, [0, 2])), x)
    found["argmax"] = (lambda x: (tf.argmax(x, 1), tf.argmin(x, -1, tf.int32)), x)
    found["cumsum"] = (
        lambda x: (tf.cumsum(x, 1), tf.cumsum(x, -1, exclusive=True, reverse=True)),
        x,
    )
    found["l2_loss"] = (tf.nn.l2_loss, x)
    found["top_k"] = (lambda x: tuple(tf.math.top_k(x, 2)), x)
    return found


def _products():
    return {
        "matmul": (tf.matmul, floats(3, 4), floats(4, 5)),
        "matmul_transposed": (
            lambda a, b: tf.matmul(a, b, transpose_a=True, transpose_b=True),
            floats(4, 3),
            floats(5, 4),
        ),
        "batch_matmul": (
            lambda a, b: tf.matmul(a, b, transpose_b=True),
            floats(2, 1, 3, 4),
            floats(6, 5, 4),
        ),
        "einsum": (lambda a, b: tf.einsum("abc,cde->abde", a, b), floats(2, 3, 4), floats(4, 5, 2)),
        "tensordot": (lambda a, b: tf.tensordot(a, b, [[1], [0]]), floats(2, 3, 4), floats(3, 5)),
        "det": (tf.linalg.det, floats(2, 3, 3)),
    }


def _images():
    x, filters = floats(2, 9, 8, 4), floats(3, 3, 4, 6)
    found = {}
    for padding in ("SAME", "VALID", [[0, 0], [1, 2], [0, 1], [0, 0]]):
        for strides in (1, 2):
            kind = padding if isinstance(padding, str) else "EXPLICIT"
            found[f"conv2d_{kind}_{strides}"] = (
                lambda x, p=padding, s=strides: tf.nn.conv2d(x, filters, s, p),
                x,
            )
    found["conv2d_dilated"] = (lambda x: tf.nn.conv2d(x, filters, 1, "SAME", dilations=2), x)
    found["conv2d_first"] = (
        lambda x: tf.nn.conv2d(x, filters, 1, "VALID", data_format="NCHW"),
        floats(2, 4, 6, 6),
    )
    found["conv2d_groups"] = (lambda x: tf.nn.conv2d(x, floats_of_groups, 1, "SAME"), x)
    found["conv1d"] = (lambda x: tf.nn.conv1d(x, of_rows, 2, "SAME"), floats(2, 9, 4))
    found["conv3d"] = (lambda x: tf.nn.conv3d(x, of_cubes, [1] * 5, "SAME"), floats(1, 4, 5, 6, 2))
    found["depthwise"] = (
        lambda x: tf.nn.depthwise_conv2d(x, by_channel, [1, 2, 2, 1], "SAME"),
        x,
    )
    for padding in ("SAME", "VALID"):
        for strides in (1, 2, 3):
            found[f"transposed_{padding}_{strides}"] = (
                lambda x, p=padding, s=strides: tf.nn.conv2d_transpose(
                    x, turned, [2, *_spread(x.shape, s, p), 3], s, p
                ),
                x,
            )
    found["transposed_odd"] = (
        lambda x: tf.nn.conv2d_transpose(x, turned, [2, 17, 15, 3], 2, "SAME"),
        x,
    )
    for name, pool in (("max", tf.nn.max_pool2d), ("avg", tf.nn.avg_pool2d)):
        for padding in ("SAME", "VALID"):
            found[f"{name}_pool_{padding}"] = (
                lambda x, f=pool, p=padding: f(x, 3, 2, p),
                x,
            )
    far = ints(1, 5, 4, 2) * 400_000_001 + ints(1, 5, 4, 2)
    found["max_pool_int32"] = (
        lambda x: raw.MaxPool(input=x, ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding="SAME"),
        far,
    )
    found["max_pool_int16"] = (found["max_pool_int32"][0], (far >> 16).astype(np.int16))
    found["max_pool3d"] = (lambda x: tf.nn.max_pool3d(x, 2, 2, "SAME"), floats(1, 5, 4, 6, 2))
    found["batch_norm"] = (
        lambda x: raw.FusedBatchNormV3(
            x=x,
            scale=np.float32([1, 2, 3, 4]),
            offset=np.float32([0, 1, 0, 1]),
            mean=np.float32([0.5, 0, 1, 2]),
            variance=np.float32([1, 2, 0.5, 1]),
            is_training=False,
        )[0],
        x,
    )
    found["lrn"] = (lambda x: tf.nn.lrn(x, 2, 1.5, 0.3, 0.6), floats(1, 3, 3, 7))
    found["space_to_depth"] = (lambda x: tf.nn.space_to_depth(x, 2), floats(1, 4, 6, 3))
    found["depth_to_space"] = (lambda x: tf.nn.depth_to_space(x, 2), floats(1, 2, 3, 8))
    found["space_to_batch"] = (
        lambda x: tf.space_to_batch(x, [2, 2], [[1, 0], [0, 2]]),
        floats(2, 3, 4, 2),
    )
    found["batch_to_space"] = (
        lambda x: tf.batch_to_space(x, [2, 2], [[1, 0], [0, 1]]),
        floats(8, 2, 3, 2),
    )
    for method in ("bilinear", "nearest", "bicubic"):
        # ONNX Runtime makes images smaller by "bicubic" only in channels-first graphs.
        size = [13, 8] if method == "bicubic" else [13, 5]
        found[f"resize_{method}"] = (lambda x, m=method, s=size: tf.image.resize(x, s, m), x)
        found[f"upsample_{method}"] = (lambda x, m=method: tf.image.resize(x, [18, 16], m), x)
    for name, op in (("bilinear", raw.ResizeBilinear), ("nearest", raw.ResizeNearestNeighbor)):
        for corners in (False, True):
            found[f"old_resize_{name}_{corners}"] = (
                lambda x, f=op, c=corners: f(images=x, size=[12, 15], align_corners=c),
                x,
            )
    found["residual"] = (_residual, x)
    found["squeeze_excite"] = (_squeeze_excite, x)
    return found


floats_of_groups, of_rows, of_cubes = floats(3, 3, 2, 6), floats(3, 4, 5), floats(2, 2, 2, 2, 3)
by_channel, turned = floats(3, 3, 4, 2), floats(3, 3, 3, 4)
_of_four = floats(3, 3, 4, 4)


def _spread(shape, stride, padding):
    rows = [n * stride for n in shape[1:3]]
    return rows if padding == "SAME" else [n + max(3 - stride, 0) for n in rows]


def _residual(x):
    y = tf.nn.relu(tf.nn.conv2d(x, _of_four, 1, "SAME") + np.float32([1, 2, 3, 4]))
    y = tf.pad(tf.nn.conv2d(y, _of_four, 1, "VALID"), [[0, 0], [1, 1], [1, 1], [0, 0]])
    joined = tf.concat([x + y, y], -1)
    return tf.nn.softmax(joined), tf.reduce_mean(joined, [1, 2]), tf.shape(joined)


def _squeeze_excite(x):
    y = tf.nn.conv2d(x, _of_four, 1, "SAME")
    gate = tf.sigmoid(tf.reduce_mean(y, [1, 2], keepdims=True))
    parts = tf.split(y * gate, 2, -1)
    return tf.transpose(parts[0] - parts[1], [0, 3, 1, 2])


def _movement():
    x = floats(2, 3, 4)
    return {
        "reshape": (lambda x: (tf.reshape(x, [-1, 4]), tf.reshape(x, [tf.shape(x)[0], -1])), x),
        "transpose": (lambda x: (tf.transpose(x, [2, 0, 1]), tf.transpose(x)), x),
        "expand_squeeze": (lambda x: tf.squeeze(tf.expand_dims(x, 1)[:, :, :1], 2), x),
        "concat": (lambda x: tf.concat([x, 2 * x, x[:, :1]], 1), x),
        "stack": (lambda x: (tf.stack([x, -x], 1), *tf.unstack(x, axis=1)), x),
        "split": (lambda x: (*tf.split(x, 2, 2), *tf.split(x, [1, -1], 1)), x),
        "slice": (lambda x: tf.slice(x, [0, 1, 0], [2, -1, 3]), x),
        "dynamic_slice": (
            lambda x, n: (tf.slice(x, [0, n, 0], [2, 1, -1]), x[:, n], x[:, n:, :-1]),
            x,
            np.int32(1),
        ),
        "strided": (
            lambda x: (x[:, ::-1], x[1], x[..., -1], x[:, tf.newaxis, 1:3, ::2], x[-1, ..., 1:]),
            x,
        ),
        "tile": (lambda x: tf.tile(x, [1, 2, 1]), x),
        "broadcast": (lambda x: tf.broadcast_to(x[:, :1], [2, 3, 4]), x),
        "fill": (lambda x: (tf.fill(tf.shape(x)[:2], 3.0), tf.fill([2, 2], x[0, 0, 0])), x),
        "range": (lambda n: (tf.range(n), tf.range(1, 9, n)), np.int32(3)),
        "shapes": (lambda x: (tf.shape(x), tf.size(x), tf.rank(x), tf.shape(x, tf.int64)), x),
        "pad": (
            lambda x: (
                tf.pad(x, [[1, 0], [0, 2], [1, 1]]),
                tf.pad(x, [[0, 0], [1, 1], [0, 3]], constant_values=7.0),
            ),
            x,
        ),
        "mirror": (
            lambda x: tuple(
                tf.pad(x, [[0, 0], [1, 2], [2, 0]], mode) for mode in ("REFLECT", "SYMMETRIC")
            ),
            x,
        ),
        "reverse": (lambda x: tf.reverse(x, [0, 2]), x),
        "reverse_sequence": (
            lambda x: (
                tf.reverse_sequence(x, [1, 3], 1, 0),
                tf.reverse_sequence(x, [1, 2, 0], 0, 1),
            ),
            x,
        ),
        "band_part": (lambda x: (tf.linalg.band_part(x, 1, 0), tf.linalg.band_part(x, -1, 1)), x),
        "linspace": (lambda a: tf.linspace(a, 5.0, 7), np.float32(1)),
        "diag": (tf.linalg.diag, floats(2, 3)),
        "eye": (lambda x: tf.eye(3) + x[0, :, :3], x),
        "meshgrid": (lambda x: tuple(tf.meshgrid(x[0, 0], x[0, :, 0])), x),
    }


def _indexing():
    x = floats(5, 3, 4)
    places = np.array([[0, 2], [4, 1]], np.int32)
    return {
        "gather": (lambda x, i: (tf.gather(x, i), tf.gather(x, i % 3, axis=1)), x, places),
        "gather_batch": (
            lambda x, i: (
                tf.gather(x, i, axis=2, batch_dims=1),
                tf.gather(x, i, axis=1, batch_dims=1),
            ),
            floats(2, 5, 5),
            places,
        ),
        "gather_nd": (lambda x, i: tf.gather_nd(x, i), x, places),
        "scatter_nd": (lambda u: tf.scatter_nd([[1], [4], [1]], u, [6, 2]), floats(3, 2)),
        "tensor_scatter": (
            lambda x, u: (
                tf.tensor_scatter_nd_update(x, [[1], [3]], u),
                tf.tensor_scatter_nd_add(x, [[1], [1]], u),
                tf.tensor_scatter_nd_max(x, [[1], [3]], u),
            ),
            x,
            floats(2, 3, 4),
        ),
        "segments": (lambda x: tf.math.unsorted_segment_sum(x, [0, 1, 0, 3, 1], 4), x),
        "one_hot": (
            lambda i: (tf.one_hot(i, 4), tf.one_hot(i, 4, 2.0, -1.0, axis=0)),
            ints(2, 3, low=-1, high=5),
        ),
        "bincount": (
            lambda i, v: (
                tf.math.bincount(i, minlength=4, maxlength=4, axis=-1),
                tf.math.bincount(i, v, minlength=4, maxlength=4, axis=-1),
                tf.math.bincount(i, minlength=4, maxlength=4, axis=-1, binary_output=True),
            ),
            ints(2, 5, low=0, high=6),
            floats(2, 5),
        ),
        "bounds": (
            lambda v: (
                tf.searchsorted([-1.0, 0.0, 0.0, 1.0], v),
                tf.searchsorted([-1.0, 0.0, 0.0, 1.0], v, "right", tf.int64),
            ),
            np.float32([-2, -1, 0, 0.5, 1, 2]),
        ),
        "where_places": (lambda x: tf.where(x > 0), floats(3, 4)),
        "boolean_mask": (lambda x: tf.boolean_mask(x, x[:, 0, 0] > 0), x),
        "unique": (lambda i: tuple(tf.unique_with_counts(i)), ints(9, low=0, high=4)),
        "suppression": (
            lambda b, s: tf.image.non_max_suppression(b, s, 3, 0.5),
            np.float32([[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 2, 1, 3], [0, 2, 1, 2.9]]),
            np.float32([0.9, 0.8, 0.7, 0.95]),
        ),
        "embedding": (lambda i: tf.nn.embedding_lookup(floats(6, 3) * 0 + 2, i), places),
    }


def _control():
    x = floats(3, 4)

    def doubled_until(x):
        return tf.while_loop(
            lambda i, x: tf.reduce_max(x) < 100, lambda i, x: (i + 1, 2 * x), (0, tf.abs(x))
        )

    def rows_in_loop(x):
        rows = tf.TensorArray(tf.float32, 3)
        _, rows, last = tf.while_loop(
            lambda i, rows, last: i < 3,
            lambda i, rows, last: (i + 1, rows.write(i, x[i] + last), x[i] * last),
            (0, rows, x[0]),
        )
        return rows.stack(), last

    def stopped_early(x):
        rows = tf.TensorArray(tf.float32, 5, element_shape=[4])
        _, rows = tf.while_loop(
            lambda i, rows: i < 2, lambda i, rows: (i + 1, rows.write(i, x[i])), (0, rows)
        )
        return rows.stack()

    return {
        "cond": (
            lambda c, x: tf.cond(c, lambda: x + 1, lambda: x @ tf.transpose(x)[:, :3] @ x),
            np.array(True),
            x,
        ),
        "nested_cond": (
            lambda n, x: tf.cond(
                n > 0, lambda: tf.cond(n > 1, lambda: x, lambda: -x), lambda: 2 * x
            ),
            np.int32(1),
            x,
        ),
        "switch": (
            lambda n, x: tf.switch_case(n, [lambda: x, lambda: -x, lambda: x * x]),
            np.int32(1),
            x,
        ),
        "while": (doubled_until, x),
        "rows_in_loop": (rows_in_loop, x),
        "stopped_early": (stopped_early, x),
        "map": (lambda x: tf.map_fn(lambda r: tf.reduce_sum(r) * r, x), x),
        "scan": (lambda x: tf.scan(lambda a, r: a + r, x), x),
    }


CASES = {
    name: case
    for family in (_unary, _binary, _reductions, _products, _images, _movement, _indexing, _control)
    for name, case in family().items()
}
