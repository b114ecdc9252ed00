"""Functions that programs call, as text: a find is printed with those that it needs. `tf` is the module under test."""

HELPERS = {}

HELPERS["draws"] = """
def draws(seed, shape, dtype):
    random = np.random.default_rng(seed)
    if dtype == "bool":
        return tf.constant(random.random(shape) < 0.5)
    if "int" in dtype:
        return tf.constant(random.integers(0 if dtype[0] == "u" else -9, 10, shape).astype(dtype))
    if dtype.startswith("complex"):
        return tf.constant((random.uniform(-1, 1, shape) + 1j * random.uniform(-1, 1, shape)).astype(dtype))
    return tf.cast(tf.constant(random.integers(-32, 33, shape) / 16), dtype)
"""

HELPERS["gradients"] = """
def gradients(f, xs):
    with tf.GradientTape() as tape:
        tape.watch(xs)
        y = f(*xs)
    found = tape.gradient(y, xs, unconnected_gradients="zero")
    return [y, *map(tf.convert_to_tensor, found)]
"""

HELPERS["second_gradients"] = """
def second_gradients(f, xs):
    with tf.GradientTape() as outer:
        outer.watch(xs)
        with tf.GradientTape() as inner:
            inner.watch(xs)
            y = f(*xs)
        first = inner.gradient(y, xs, unconnected_gradients="zero")
        total = tf.add_n([tf.reduce_sum(tf.square(g)) for g in first])
    found = outer.gradient(total, xs, unconnected_gradients="zero")
    return [total, *map(tf.convert_to_tensor, found)]
"""

HELPERS["directions"] = """
def directions(xs):
    return [tf.cast(tf.reshape(tf.range(tf.size(x)) % 3, tf.shape(x)), x.dtype) - 1 for x in xs]
"""

HELPERS["derivative"] = """
def derivative(f, xs):
    with tf.autodiff.ForwardAccumulator(xs, directions(xs)) as forward:
        y = f(*xs)
    return [y, tf.convert_to_tensor(forward.jvp(y, unconnected_gradients="zero"))]
"""

HELPERS["derivatives_of_gradients"] = """
def derivatives_of_gradients(f, xs):
    with tf.autodiff.ForwardAccumulator(xs, directions(xs)) as forward:
        with tf.GradientTape() as tape:
            tape.watch(xs)
            y = f(*xs)
        found = tape.gradient(y, xs, unconnected_gradients="zero")
        found = [tf.convert_to_tensor(g) for g in found]
    tangents = [forward.jvp(g, unconnected_gradients="zero") for g in found]
    return [y, *map(tf.convert_to_tensor, tangents)]
"""

HELPERS["jacobian"] = """
def jacobian(f, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reshape(f(x), [-1])[:200]  # a walk back for each
    return tape.jacobian(y, x, unconnected_gradients="zero")
"""

HELPERS["by_rows"] = """
def by_rows(f, x):
    n = tf.shape(x)[0]
    rows = tf.TensorArray(f(x[0]).dtype, size=n)
    step = lambda i, rows: (i + 1, rows.write(i, f(x[i])))
    return tf.while_loop(lambda i, rows: i < n, step, [0, rows])[1].stack()
"""

HELPERS["growing"] = """
def growing(f, x, n):
    rows = tf.TensorArray(x.dtype, size=0, dynamic_size=True, element_shape=x.shape)
    step = lambda i, y, rows: (i + 1, f(y), rows.write(i, y))
    return tf.while_loop(lambda i, y, rows: i < n, step, [0, x, rows])[2].stack()
"""

HELPERS["searched"] = """
def searched(x, limit):
    n = tf.shape(x)[0]
    large = lambda i: tf.reduce_any(tf.abs(tf.cast(x[i], tf.float32)) > limit)
    step = lambda i, found, text: (
        i + 1, large(i), tf.strings.join([text, tf.where(large(i), "+", tf.strings.as_string(i))])
    )
    more = lambda i, found, _: tf.logical_and(i < n, tf.logical_not(found))
    i, found, text = tf.while_loop(more, step, [0, False, ""])
    return [i, found, tf.strings.to_hash_bucket_fast(text, 1000)]
"""
