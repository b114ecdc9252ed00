"""Loops, conditions and switches, as the guides write them and as AutoGraph makes them."""

# ruff: noqa: E731
from tests.graph.recorded.functions.cases import b, case, f, i


@case(i())
def while_counter(tf, n):
    return tf.while_loop(lambda i: i < 10, lambda i: [i + 1], [n])


@case(f(None, 3), i())
def while_captures(tf, x, n):
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + x), [0, tf.zeros_like(x)])


@case(f(3), i())
def while_maximum(tf, x, n):
    body = lambda i, s: (i + 1, s * x)
    return tf.while_loop(lambda i, s: i < n, body, [0, x], maximum_iterations=4)


@case(f(3), i())
def while_parallel(tf, x, n):
    body = lambda i, s: (i + 1, s * x)
    return tf.while_loop(lambda i, s: i < n, body, [0, x], parallel_iterations=1)


@case(f(3), i())
def while_named(tf, x, n):
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * x), [0, x], name="steps")


@case(f(3), i())
def while_scoped(tf, x, n):
    with tf.name_scope("outer"):
        return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * x), [0, x])


@case(f(None), i())
def while_grows(tf, x, n):
    body = lambda i, s: (i + 1, tf.concat([s, x], 0))
    shapes = [tf.TensorShape([]), tf.TensorShape([None])]
    return tf.while_loop(lambda i, s: i < n, body, [0, x], shape_invariants=shapes)


@case(f(3))
def while_dictionary(tf, x):
    body = lambda s: ({"a": s["a"] + 1.0, "b": (s["b"][0] * 2.0,)},)
    return tf.while_loop(lambda s: tf.reduce_sum(s["a"]) < 9.0, body, ({"a": x, "b": (x,)},))


@case(f(3), i())
def while_twice(tf, x, n):
    _, x = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * 2.0), [0, x])
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s + 1.0), [0, x])[1]


@case(f(3), i())
def while_nested(tf, x, n):
    def body(i, s):
        inner = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + x), [0, s])
        return i + 1, inner[1]

    return tf.while_loop(lambda i, s: i < n, body, [0, x])[1]


@case(f(3), i())
def while_thrice_nested(tf, x, n):
    def loop(depth, s):
        if depth == 0:
            return s + x
        body = lambda i, t: (i + 1, loop(depth - 1, t))
        return tf.while_loop(lambda i, t: i < n, body, [0, s])[1]

    return loop(3, x)


@case(f(3), i())
def cond_in_while(tf, x, n):
    def body(i, s):
        return i + 1, tf.cond(i > 1, lambda: s * x, lambda: s - 1.0)

    return tf.while_loop(lambda i, s: i < n, body, [0, x])[1]


@case(f(3), i())
def while_in_cond(tf, x, n):
    loop = lambda: tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * x), [0, x])[1]
    return tf.cond(n > 2, loop, lambda: x)


@case(f(3), i())
def while_condition_calls(tf, x, n):
    check = tf.function(lambda i: i < n)
    return tf.while_loop(lambda i, s: check(i), lambda i, s: (i + 1, s * x), [0, x])


@case(f(3), i())
def while_body_calls(tf, x, n):
    step = tf.function(lambda s: tf.tanh(s * x))
    return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, step(s)), [0, x])


@case(f(3))
def while_passes_through(tf, x):
    return tf.while_loop(lambda i, s, t: i < 3, lambda i, s, t: (i + 1, t, s), [0, x, x + 1.0])


@case(f(3))
def while_constant(tf, x):
    weights = tf.constant([1.0, 2.0, 3.0])
    return tf.while_loop(lambda i, s: i < 3, lambda i, s: (i + 1, s * weights), [0, x])


@case(f(None, 3))
def while_shape(tf, x):
    body = lambda i, s: (i + 1, s + x[i])
    return tf.while_loop(lambda i, s: i < tf.shape(x)[0], body, [0, tf.zeros([3])])


@case(f(3))
def while_named_values(tf, x):
    limit = tf.constant(3, name="limit")
    scale = tf.identity(x, name="scale")
    body = lambda i, s: (tf.add(i, 1, name="next"), tf.multiply(s, scale, name="scaled"))
    return tf.while_loop(lambda i, s: tf.less(i, limit, name="more"), body, [0, x], name="loop")


@case(f(3))
def while_assertion(tf, x):
    def body(i, s):
        tf.debugging.Assert(i < 5, [i])
        return i + 1, s + x

    return tf.while_loop(lambda i, s: i < 3, body, [0, x])


@case(f(3))
def cond_simple(tf, x):
    return tf.cond(x[0] > 0.0, lambda: x * 2.0, lambda: x - 1.0)


@case(b(), f(3), f(3))
def cond_captures(tf, p, x, y):
    return tf.cond(p, lambda: x + y, lambda: x)


@case(b(), f(3), f(3))
def cond_unused(tf, p, x, y):
    return tf.cond(p, lambda: x, lambda: y, name="choose")


@case(b(), f(3))
def cond_structure(tf, p, x):
    return tf.cond(p, lambda: {"a": x, "b": [x * 2.0]}, lambda: {"a": -x, "b": [x]})


@case(b(), b(), f(3))
def cond_nested(tf, p, q, x):
    return tf.cond(p, lambda: tf.cond(q, lambda: x, lambda: x * 2.0), lambda: x * 3.0)


@case(b(), f(None, 3))
def cond_shapes(tf, p, x):
    return tf.cond(p, lambda: x, lambda: x[:1])


@case(b(), f(3))
def cond_constants(tf, p, x):
    return x * tf.cond(p, lambda: tf.constant(1.0), lambda: tf.constant(2.0))


@case(b(), f(3))
def cond_calls(tf, p, x):
    inner = tf.function(lambda v: tf.tanh(v) + x)
    return tf.cond(p, lambda: inner(x), lambda: inner(-x))


@case(b(), f(3))
def cond_scoped(tf, p, x):
    with tf.name_scope("a"), tf.name_scope("b"):
        return tf.cond(p, lambda: tf.exp(x, name="e"), lambda: tf.exp(-x, name="e"))


@case(b(), f(3))
def cond_assertion(tf, p, x):
    tf.debugging.Assert(p, [x])
    return x * 2.0


@case(i(), f(3))
def switch_case(tf, k, x):
    return tf.switch_case(k, [lambda: x, lambda: x * 2.0, lambda: x * 3.0])


@case(i(), f(3))
def switch_case_default(tf, k, x):
    branches = {0: lambda: x, 1: lambda: x * 2.0, 2: lambda: -x}
    return tf.switch_case(k, branches, default=lambda: x - 1.0, name="pick")


@case(i(), f(3), f(3))
def switch_case_captures(tf, k, x, y):
    return tf.switch_case(k, [lambda: (x, y), lambda: (y, x), lambda: (x + y, x)])


@case(i(), f(3))
def case_pairs(tf, k, x):
    pairs = [(k < 1, lambda: x), (k < 2, lambda: x * 2.0)]
    return tf.case(pairs, default=lambda: x * 3.0)


@case(i(), f(3))
def case_exclusive(tf, k, x):
    pairs = [(k < 1, lambda: x), (k > 2, lambda: x * 2.0)]
    return tf.case(pairs, default=lambda: x * 3.0, exclusive=True, name="which")


@case(i(), f(3))
def switch_in_while(tf, n, x):
    def body(i, s):
        return i + 1, tf.switch_case(i, [lambda: s + x, lambda: s * x, lambda: s - x])

    return tf.while_loop(lambda i, s: i < n, body, [0, x])[1]


@case(f(None, 4, 3))
def loop_over_time(tf, x):
    states = []
    state = tf.zeros_like(x[:, 0])
    for t in range(4):
        state = tf.tanh(state + x[:, t])
        states.append(state)
    return tf.stack(states, axis=1)


@case(f(None, 3))
def map_simple(tf, x):
    return tf.map_fn(lambda row: row * 2.0, x)


@case(f(None, 3), f(None))
def map_pairs(tf, x, y):
    spec = tf.TensorSpec([3], tf.float32)
    return tf.map_fn(lambda pair: pair[0] * pair[1], (x, y), fn_output_signature=spec)


@case(i(4))
def map_dtype(tf, x):
    return tf.map_fn(lambda v: tf.cast(v, tf.float32) / 2.0, x, fn_output_signature=tf.float32)


@case(f(None, 3))
def map_captures(tf, x):
    mean = tf.reduce_mean(x, axis=0)
    return tf.map_fn(lambda row: row - mean, x, parallel_iterations=2, name="center")


@case(f(None, 3))
def foldl(tf, x):
    return tf.foldl(lambda a, row: a + row * 2.0, x)


@case(f(None, 3))
def foldr(tf, x):
    return tf.foldr(lambda a, row: a * 0.5 + row, x, initializer=tf.zeros([3]))


@case(f(None, 3))
def scan_simple(tf, x):
    return tf.scan(lambda a, row: a + row, x)


@case(f(None, 3))
def scan_reverse(tf, x):
    return tf.scan(lambda a, row: a + row, x, initializer=tf.ones([3]), reverse=True)


@case(f(5, 3))
def scan_states(tf, x):
    step = lambda a, row: (tf.tanh(a[0] + row), a[1] + 1)
    return tf.scan(step, x, initializer=(tf.zeros([3]), 0), name="cell")


@case(f(None, 3))
def vectorized_map(tf, x):
    return tf.vectorized_map(lambda row: tf.reduce_sum(row * row), x)


@case(f(4, 3), f(4, 3, 2))
def vectorized_pairs(tf, x, w):
    return tf.vectorized_map(lambda p: tf.linalg.matvec(p[1], p[0], transpose_a=True), (x, w))


@case(f(None, 3))
def newton(tf, x):
    def step(k, y):
        return k + 1, 0.5 * (y + tf.abs(x) / y)

    return tf.while_loop(lambda k, y: k < 5, step, (0, tf.ones_like(x)))[1]


@case(f(None, 3), i())
def early_stop(tf, x, n):
    def more(k, y, done):
        return tf.logical_and(k < n, tf.logical_not(done))

    def step(k, y, done):
        y = y * 1.5
        return k + 1, y, tf.reduce_any(y > 3.0)

    return tf.while_loop(more, step, (0, x, False))[1]
