"""Reductions, scans, sorts and segments."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    x = random.normal(size=(512, 1000)).astype("float32")
    images = random.normal(size=(16, 32, 32, 32)).astype("float32")
    ids = random.integers(0, 100, 512).astype("int32")
    words = random.integers(0, 1000, 50_000).astype("int32")
    return {
        "reduce_sum": (lambda a: tf.reduce_sum(a), (x,)), "reduce_sum rows": (lambda a: tf.reduce_sum(a, 1), (x,)),
        "reduce_sum columns": (lambda a: tf.reduce_sum(a, 0), (x,)), "reduce_mean images": (lambda a: tf.reduce_mean(a, [1, 2]), (images,)),
        "reduce_max": (lambda a: tf.reduce_max(a, 1), (x,)), "reduce_prod": (lambda a: tf.reduce_prod(a, 1), (x,)),
        "reduce_any": (lambda a: tf.reduce_any(a > 3, 1), (x,)), "reduce_logsumexp": (lambda a: tf.reduce_logsumexp(a, 1), (x,)),
        "reduce_variance": (lambda a: tf.math.reduce_variance(a, 1), (x,)), "reduce_std": (lambda a: tf.math.reduce_std(a, 0), (x,)),
        "argmax": (lambda a: tf.argmax(a, 1), (x,)), "argmax columns": (lambda a: tf.argmax(a, 0), (x,)),
        "cumsum": (lambda a: tf.cumsum(a, 1), (x,)), "cumsum columns": (lambda a: tf.cumsum(a, 0), (x,)),
        "cumprod": (lambda a: tf.math.cumprod(a, 1), (x,)), "cumulative_logsumexp": (lambda a: tf.math.cumulative_logsumexp(a, 1), (x,)),
        "sort": (lambda a: tf.sort(a), (x,)), "argsort": (lambda a: tf.argsort(a), (x,)),
        "top_k 1": (lambda a: tf.math.top_k(a, 1), (x,)), "top_k 10": (lambda a: tf.math.top_k(a, 10), (x,)),
        "in_top_k": (lambda a, i: tf.math.in_top_k(i, a, 5), (x, ids)), "bincount": (lambda w: tf.math.bincount(w, minlength=1000, maxlength=1000), (words,)),
        "segment_sum": (lambda a, i: tf.math.segment_sum(a, tf.sort(i)), (x, ids)), "unsorted_segment_sum": (lambda a, i: tf.math.unsorted_segment_sum(a, i, 100), (x, ids)),
        "unsorted_segment_max": (lambda a, i: tf.math.unsorted_segment_max(a, i, 100), (x, ids)), "unsorted_segment_mean": (lambda a, i: tf.math.unsorted_segment_mean(a, i, 100), (x, ids)),
        "histogram_fixed_width": (lambda a: tf.histogram_fixed_width(a, [-2.0, 2.0], 100), (x,)), "l2_normalize": (lambda a: tf.math.l2_normalize(a, 1), (x,)),
        "norm": (lambda a: tf.norm(a, axis=1), (x,)), "confusion_matrix": (lambda i: tf.math.confusion_matrix(i, i, 100), (ids,)),
        "moments": (lambda a: tf.nn.moments(a, [0, 1, 2]), (images,)), "zero_fraction": (tf.math.zero_fraction, (x,)),
    }  # fmt: skip
