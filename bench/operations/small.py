"""What programs call one by one on small tensors, with lists and numbers among the arguments."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    x, y = (random.uniform(size=(4, 6)).astype("float32") for _ in range(2))
    z = random.uniform(size=(2, 4, 6)).astype("float32")
    picture = random.uniform(size=(1, 8, 8, 3)).astype("float32")
    filters = random.uniform(size=(3, 3, 3, 4)).astype("float32")
    ids = random.integers(0, 4, 2).astype("int32")
    return {
        "constant": (lambda: tf.constant([1.0, 2.0, 3.0]), ()), "constant of rows": (lambda: tf.constant([[1, 2], [3, 4]]), ()),
        "add number": (lambda a: a + 1, (x,)), "divide": (lambda a, b: a / b, (x, y)), "equal": (lambda a, b: a == b, (x, y)),
        "matmul": (lambda a, b: tf.matmul(a, b, transpose_b=True), (x, y)), "einsum": (lambda a, b: tf.einsum("ij,kj->ik", a, b), (x, y)),
        "reshape": (lambda a: tf.reshape(a, [6, 4]), (x,)), "transpose": (lambda a: tf.transpose(a, [0, 2, 1]), (z,)), "expand_dims": (lambda a: tf.expand_dims(a, 0), (x,)),
        "squeeze": (lambda a: tf.squeeze(a[None], [0]), (x,)), "slice": (lambda a: a[:, 1:3], (x,)), "element": (lambda a: a[1, 2], (x,)),
        "reduce_sum": (lambda a: tf.reduce_sum(a), (x,)), "reduce_mean": (lambda a: tf.reduce_mean(a, axis=[0, 1]), (x,)), "argmax": (lambda a: tf.argmax(a, axis=1), (x,)),
        "concat": (lambda a, b: tf.concat([a, b], 0), (x, y)), "stack": (lambda a, b: tf.stack([a, b]), (x, y)), "unstack": (lambda a: tf.unstack(a), (x,)),
        "split": (lambda a: tf.split(a, 2, axis=1), (x,)), "split sizes": (lambda a: tf.split(a, [1, 3], 0), (x,)), "tile": (lambda a: tf.tile(a, [2, 1]), (x,)),
        "pad": (lambda a: tf.pad(a, [[1, 1], [0, 0]]), (x,)), "repeat": (lambda a: tf.repeat(a, 2, axis=0), (x,)), "reverse": (lambda a: tf.reverse(a, [0]), (x,)),
        "roll": (lambda a: tf.roll(a, 1, 0), (x,)), "broadcast_to": (lambda a: tf.broadcast_to(a, [3, 4, 6]), (x,)), "zeros": (lambda: tf.zeros([4, 6]), ()),
        "range": (lambda: tf.range(0, 10, 2), ()), "one_hot": (lambda i: tf.one_hot(i, 5), (ids,)), "one_hot of a list": (lambda: tf.one_hot([0, 1, 2], 3), ()),
        "gather": (lambda a, i: tf.gather(a, i), (x, ids)), "gather list": (lambda a: tf.gather(a, [0, 2], axis=1), (x,)), "gather_nd": (lambda a: tf.gather_nd(a, [[0, 1], [1, 2]]), (x,)),
        "scatter_nd": (lambda: tf.scatter_nd([[0], [2]], [1.0, 2.0], [4]), ()), "update": (lambda a: tf.tensor_scatter_nd_update(a, [[0, 0]], [5.0]), (x,)),
        "where": (lambda a: tf.where(a > 0.5, a, 0.0), (x,)), "boolean_mask": (lambda a: tf.boolean_mask(a, a > 0.5), (x,)), "clip": (lambda a: tf.clip_by_value(a, 0.0, 0.5), (x,)),
        "cast": (lambda a: tf.cast(a, tf.int32), (x,)), "top_k": (lambda a: tf.math.top_k(a, 2), (x,)), "sort": (lambda a: tf.sort(a, axis=-1), (x,)), "unique": (lambda i: tf.unique(i), (ids,)),
        "softmax": (lambda a: tf.nn.softmax(a), (x,)), "relu": (lambda a: tf.nn.relu(a), (x,)), "gelu": (lambda a: tf.nn.gelu(a), (x,)), "moments": (lambda a: tf.nn.moments(a, [0]), (x,)),
        "conv2d": (lambda a, w: tf.nn.conv2d(a, w, 1, "SAME"), (picture, filters)), "max_pool2d": (lambda a: tf.nn.max_pool2d(a, 2, 2, "VALID"), (picture,)), "avg_pool2d": (lambda a: tf.nn.avg_pool2d(a, 2, 2, "SAME"), (picture,)),
        "cross entropy": (lambda a: tf.nn.sparse_softmax_cross_entropy_with_logits([0, 1, 2, 3], a), (x,)), "dropout": (lambda a: tf.nn.dropout(a, 0.5), (x,)),
        "normal": (lambda: tf.random.normal([4, 6]), ()), "uniform": (lambda: tf.random.uniform([4, 6]), ()), "uniform integers": (lambda: tf.random.uniform([3], 0, 10, tf.int32), ()), "shuffle": (lambda a: tf.random.shuffle(a), (x,)),
        "segment_sum": (lambda a: tf.math.segment_sum(a, [0, 0, 1, 1]), (x,)), "unsorted_segment_max": (lambda a: tf.math.unsorted_segment_max(a, [0, 1, 1, 0], 2), (x,)),
        "lgamma": (lambda a: tf.math.lgamma(a + 0.5), (x,)), "digamma": (lambda a: tf.math.digamma(a), (x,)), "polygamma": (lambda a: tf.math.polygamma(1.0, a), (x,)),
        "inv": (lambda a: tf.linalg.inv(tf.eye(4) + a[:, :4]), (x,)), "svd": (lambda a: tf.linalg.svd(a), (x,)), "cumsum": (lambda a: tf.cumsum(a, axis=1), (x,)),
        "resize": (lambda a: tf.image.resize(a, [4, 4]), (picture,)), "random_crop": (lambda a: tf.image.random_crop(a, [1, 4, 4, 3]), (picture,)), "adjust_hue": (lambda a: tf.image.adjust_hue(a, 0.1), (picture,)),
        "ragged": (lambda: tf.ragged.constant([[1, 2], [3]]), ()), "split strings": (lambda: tf.strings.split(["a b", "c"]), ()), "index_shuffle": (lambda: tf.random.experimental.index_shuffle([0, 1, 2, 3], [1, 2], 3), ()),
    }  # fmt: skip
