"""Operations at two sizes, few elements and many, and gradients."""

import numpy as np


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    return _few_and_many(tf, random, 100) | _few_and_many(tf, random, 100_000)


def _gradient(tf, function):
    """A function that returns the gradient of another's first result by its first argument."""

    def gradient(*arguments):
        with tf.GradientTape() as tape:
            tape.watch(arguments[0])
            result = function(*arguments)
            first = result[0] if isinstance(result, (tuple, list)) else result
        return tape.gradient(first, arguments[0])

    return gradient


def _few_and_many(tf, random, count):
    rows, size = count // 10, 8 if count <= 100 else 64
    matrix = random.normal(size=(rows, 16)).astype("float32")
    stack = random.normal(size=(max(rows // 10, 1), 3, 3)).astype("float32")
    symmetric = stack + stack.transpose(0, 2, 1)
    ids = np.sort(random.integers(0, max(rows // 5, 1), rows)).astype("int32")
    places = random.integers(0, rows, rows).astype("int32")
    numbers = random.integers(0, count // 4, count).astype("int32")
    far = random.integers(0, 1 << 60, count)
    a, b = (random.uniform(0.2, 8, count).astype("float32") for _ in range(2))
    words = np.array([b"word %d" % i for i in random.integers(0, 1000, rows)])
    starts = random.integers(0, 3, rows).astype("int32")
    pictures = random.normal(size=(1, size, size, 16)).astype("float32")
    spectrum = (a + 1j * b).astype("complex64")
    la, text, math = tf.linalg, tf.strings, tf.math
    smooth = {
        "svd of 3x3": (la.svd, (stack,)), "singular values of 3x3": (lambda x: la.svd(x, compute_uv=False), (stack,)),
        "eigh of 3x3": (la.eigh, (symmetric,)), "segment_sum": (math.segment_sum, (matrix, ids)), "segment_mean": (math.segment_mean, (matrix, ids)),
        "segment_max": (math.segment_max, (matrix, ids)), "igamma": (lambda x, y: math.igamma(y, x), (a, b)), "igammac": (math.igammac, (a, b)),
        "unsorted_segment_sum": (lambda x, i: math.unsorted_segment_sum(x, i, rows), (matrix, places)),
        "sparse_segment_mean": (lambda x, i: tf.sparse.segment_mean(x, tf.range(rows), i), (matrix, ids)),
        "fractional_max_pool": (lambda x: tf.nn.fractional_max_pool(x, [1, 1.44, 1.73, 1], seed=3)[0], (pictures,)),
        "fractional_avg_pool": (lambda x: tf.nn.fractional_avg_pool(x, [1, 1.44, 1.73, 1], seed=3)[0], (pictures,)),
        "isotonic_regression": (lambda x: tf.nn.isotonic_regression(x)[0], (matrix,)),
    }  # fmt: skip
    found = {
        "unique": (tf.unique, (numbers,)), "unique of far numbers": (tf.unique, (far,)), "unique_with_counts": (tf.unique_with_counts, (numbers,)),
        "lu of 3x3": (la.lu, (stack,)), "bincount of rows": (lambda i: math.bincount(tf.reshape(i, [-1, 10]) % 50, axis=-1, minlength=50, maxlength=50), (numbers,)),
        "substr at places": (lambda t, i: text.substr(t, i, i + 1), (words, starts)), "fingerprint": (lambda t: tf.fingerprint(t[:, None]), (words,)),
        "tensor_scatter_nd_max": (lambda x, i: tf.tensor_scatter_nd_max(x, i[:, None], x), (matrix, places)), "top_k": (lambda x: math.top_k(x, 20), (a,)),
        "complex exp": (tf.exp, (spectrum,)), "complex log": (math.log, (spectrum,)),
    }  # fmt: skip
    found |= smooth
    found |= {f"gradient of {name}": (_gradient(tf, f), x) for name, (f, x) in smooth.items()}
    return {f"{name} ({count})": case for name, case in found.items()}
