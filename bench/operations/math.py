"""Elementwise arithmetic."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    x, y = (random.normal(size=(256, 1024)).astype("float32") for _ in range(2))
    positive = abs(x) + 0.1
    whole = random.integers(1, 1000, (256, 1024)).astype("int32")
    unary = "abs exp log1p sqrt rsqrt tanh sigmoid sin cos atan asinh erf softplus sign floor round reciprocal square expm1".split()
    found = {name: (getattr(tf.math, name), (x,)) for name in unary}
    for name in ("sqrt", "rsqrt", "log1p"):
        found[name] = getattr(tf.math, name), (positive,)
    return found | {
        "add": (tf.add, (x, y)), "add a row": (tf.add, (x, y[0])), "multiply": (tf.multiply, (x, y)),
        "divide": (tf.divide, (x, positive)), "pow": (tf.pow, (positive, y)), "atan2": (tf.atan2, (x, y)),
        "maximum": (tf.maximum, (x, y)), "floordiv int": (tf.math.floordiv, (whole, whole[::-1].copy())),
        "mod int": (tf.math.floormod, (whole, whole[::-1].copy())), "floormod": (tf.math.floormod, (x, positive)),
        "squared_difference": (tf.math.squared_difference, (x, y)), "clip_by_value": (lambda a: tf.clip_by_value(a, -1.0, 1.0), (x,)),
        "cast to bfloat16": (lambda a: tf.cast(a, tf.bfloat16), (x,)), "cast to int32": (lambda a: tf.cast(a, tf.int32), (x,)),
        "less": (tf.less, (x, y)), "select": (lambda a, b: tf.where(a > b, a, b), (x, y)),
        "polyval": (lambda a: tf.math.polyval([1.0, 2.0, 3.0, 4.0], a), (x,)), "multiply_no_nan": (tf.math.multiply_no_nan, (x, y)),
        "complex multiply": (lambda a, b: tf.complex(a, b) * tf.complex(b, a), (x, y)), "bitcast": (lambda a: tf.bitcast(a, tf.int32) + 1, (x,)),
        "bitwise_xor": (tf.bitwise.bitwise_xor, (whole, whole[::-1].copy())),
        "population_count": (lambda a: tf.raw_ops.PopulationCount(x=a), (whole,)),
    }  # fmt: skip
