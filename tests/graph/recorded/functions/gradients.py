"""Gradients of loops, conditions, calls and lists."""

# ruff: noqa: E731
from tests.graph.recorded.functions.cases import b, case, f, i


def _gradient(tf, function, *xs):
    with tf.GradientTape() as tape:
        tape.watch(xs)
        y = function(*xs)
    return tape.gradient(y, list(xs))


@case(f(3), i())
def gradient_while(tf, x, n):
    loop = lambda v: tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * v), [0, v])[1]
    return _gradient(tf, loop, x)


@case(f(3))
def gradient_while_maximum(tf, x):
    def loop(v):
        body = lambda i, s: (i + 1, tf.tanh(s * v))
        return tf.while_loop(lambda i, s: i < 3, body, [0, v], maximum_iterations=5)[1]

    return _gradient(tf, loop, x)


@case(f(3), i())
def gradient_nested_while(tf, x, n):
    def loop(v):
        def body(i, s):
            inner = tf.while_loop(lambda j, t: j < 2, lambda j, t: (j + 1, t * v), [0, s])
            return i + 1, inner[1]

        return tf.while_loop(lambda i, s: i < n, body, [0, v])[1]

    return _gradient(tf, loop, x)


@case(b(), f(3))
def gradient_cond(tf, p, x):
    return _gradient(tf, lambda v: tf.cond(p, lambda: v * v, lambda: tf.exp(v)), x)


@case(b(), f(3), f(3))
def gradient_cond_one_branch(tf, p, x, y):
    return _gradient(tf, lambda v, w: tf.cond(p, lambda: v * w, lambda: v), x, y)


@case(i(), f(3))
def gradient_switch(tf, k, x):
    branches = lambda v: [lambda: v * v, lambda: tf.sin(v), lambda: v]
    return _gradient(tf, lambda v: tf.switch_case(k, branches(v)), x)


@case(f(3), i())
def gradient_cond_in_while(tf, x, n):
    def loop(v):
        body = lambda i, s: (i + 1, tf.cond(i > 1, lambda: s * v, lambda: s + v))
        return tf.while_loop(lambda i, s: i < n, body, [0, v])[1]

    return _gradient(tf, loop, x)


@case(f(3), i())
def gradient_while_in_cond(tf, x, n):
    def loop(v):
        inner = lambda: tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * v), [0, v])[1]
        return tf.cond(n > 1, inner, lambda: v)

    return _gradient(tf, loop, x)


@case(f(3))
def gradient_call(tf, x):
    inner = tf.function(lambda v: tf.tanh(v) * v)
    return _gradient(tf, lambda v: inner(v) + inner(v * 2.0), x)


@case(f(3))
def gradient_inside_call(tf, x):
    inner = tf.function(lambda v: _gradient(tf, lambda w: w**3.0, v)[0])
    return inner(x) * 2.0


@case(f(3))
def gradient_second(tf, x):
    return _gradient(tf, lambda v: _gradient(tf, lambda w: tf.exp(w) * w, v)[0], x)


@case(f(None, 3))
def gradient_map(tf, x):
    return _gradient(tf, lambda v: tf.map_fn(lambda row: row * row, v), x)


@case(f(None, 3))
def gradient_scan(tf, x):
    return _gradient(tf, lambda v: tf.scan(lambda a, row: a * row, v), x)


@case(f(None, 3))
def gradient_fold(tf, x):
    return _gradient(tf, lambda v: tf.foldl(lambda a, row: a * row, v), x)


@case(f(2, 3))
def gradient_array(tf, x):
    def stack(v):
        array = tf.TensorArray(tf.float32, 2).unstack(v)
        return array.read(0) * array.read(1)

    return _gradient(tf, stack, x)


@case(f(3), i())
def gradients_function(tf, x, n):
    y = tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * x), [0, x])[1]
    return tf.gradients(y, x)


@case(f(3))
def gradients_named(tf, x):
    y = tf.reduce_sum(tf.sin(x) * x)
    return tf.gradients(y, x, name="slopes")


@case(f(3))
def custom_gradient(tf, x):
    @tf.custom_gradient
    def log1pexp(v):
        e = tf.exp(v)
        return tf.math.log(1.0 + e), lambda up: up * (1.0 - 1.0 / (1.0 + e))

    return _gradient(tf, log1pexp, x)


@case(f(3))
def custom_gradient_forward(tf, x):
    @tf.custom_gradient
    def clipped(v):
        return tf.identity(v), lambda up: tf.clip_by_norm(up, 0.5)

    return clipped(x * 2.0)


@case(f(3))
def recompute(tf, x):
    return tf.recompute_grad(lambda v: tf.tanh(v) * v)(x)


@case(f(2, 3))
def jacobian(tf, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x * x, axis=1)
    return tape.jacobian(y, x)


@case(f(3))
def jvp(tf, x):
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
        y = tf.tanh(x) * x
    return accumulator.jvp(y)


@case(f(3))
def stopped(tf, x):
    return _gradient(tf, lambda v: tf.stop_gradient(v) * v, x)


@case(f(None, 4), f(4, 2))
def gradient_matmul(tf, x, w):
    return _gradient(tf, lambda v, u: tf.nn.relu(v @ u), x, w)


@case(f(None, 4), i(None))
def gradient_gather(tf, x, rows):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.gather(x, rows % 2)
    return tf.convert_to_tensor(tape.gradient(y, x))
