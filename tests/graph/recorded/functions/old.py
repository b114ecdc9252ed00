"""Graphs of TensorFlow 1: placeholders, variables, loops and conditions in both forms, dynamic_rnn."""

# ruff: noqa: E731
import contextlib

from tests.graph.recorded.functions.cases import f, i, maker


@contextlib.contextmanager
def _control_flow(tf, new):
    v1 = tf.compat.v1
    switch = (v1.disable_control_flow_v2, v1.enable_control_flow_v2)
    before = v1.control_flow_v2_enabled()
    switch[new]()
    try:
        yield
    finally:
        switch[before]()


def graph(*specs, new=None):
    """Registers a function of placeholders in a graph of its own; with `new` as control flow of that form, by default of both forms."""

    def register(build):
        for form in (False, True) if new is None else (new,):

            def make(tf, form=form):
                v1 = tf.compat.v1
                made = tf.Graph()
                with _control_flow(tf, form), made.as_default():
                    scope = v1.get_variable_scope()
                    scope.set_initializer(v1.constant_initializer(0.5))
                    inputs = [
                        v1.placeholder(dtype, shape, name=f"x{number}")
                        for number, (dtype, shape) in enumerate(specs)
                    ]
                    outputs = build(tf, *inputs)
                    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
                return made, inputs, list(outputs)

            make.__name__ = (
                f"v1_{build.__name__}"
                if form or new is not None
                else f"v1_{build.__name__}_switched"
            )
            make.__module__ = __name__
            maker(*specs, kind="v1")(make)
        return build

    return register


def _variable(tf, name, shape, **arguments):
    return tf.compat.v1.get_variable(name, shape, **arguments)


@graph(f(None, 4), new=True)
def dense(tf, x):
    w, b = _variable(tf, "layer/w", [4, 3]), _variable(tf, "layer/b", [3])
    return tf.nn.relu(tf.matmul(x, w) + b, name="out")


@graph(f(None, 4), new=True)
def scoped(tf, x):
    with tf.compat.v1.variable_scope("a"), tf.compat.v1.variable_scope("b"):
        w = _variable(tf, "w", [4, 3], use_resource=True)
        y = tf.matmul(x, w)
    with tf.compat.v1.variable_scope("a/b", reuse=True):
        return tf.matmul(x + 1.0, tf.compat.v1.get_variable("w")) + y


@graph(f(3))
def cond(tf, x):
    return tf.compat.v1.cond(x[0] > 0.0, lambda: x * 2.0, lambda: x - 1.0)


@graph(f(3), i())
def while_loop(tf, x, n):
    body = lambda i, s: (i + 1, s * x)
    return tf.compat.v1.while_loop(lambda i, s: i < n, body, [0, x])


@graph(f(3), i())
def while_variable(tf, x, n):
    w = _variable(tf, "w", [3])
    body = lambda i, s: (i + 1, s * w)
    return tf.compat.v1.while_loop(lambda i, s: i < n, body, [0, x], name="steps")


@graph(f(3), i())
def cond_in_while(tf, x, n):
    cond = tf.compat.v1.cond
    body = lambda i, s: (i + 1, cond(i > 1, lambda: s * x, lambda: s - 1.0))
    return tf.compat.v1.while_loop(lambda i, s: i < n, body, [0, x])


@graph(f(3), i())
def while_nested(tf, x, n):
    loop = tf.compat.v1.while_loop

    def body(i, s):
        return i + 1, loop(lambda j, t: j < i, lambda j, t: (j + 1, t + x), [0, s])[1]

    return loop(lambda i, s: i < n, body, [0, x])


@graph(f(3), i())
def case(tf, x, k):
    pairs = [(k < 1, lambda: x), (k < 4, lambda: x * 2.0)]
    return tf.compat.v1.case(pairs, default=lambda: x * 3.0)


@graph(f(None, 3))
def map_fn(tf, x):
    return tf.compat.v1.map_fn(lambda row: row * 2.0, x)


@graph(f(None, 3))
def scan(tf, x):
    return tf.compat.v1.scan(lambda a, row: a + row, x)


@graph(f(None, 3))
def array(tf, x):
    rows = tf.TensorArray(tf.float32, tf.shape(x)[0], name="rows").unstack(x)
    return rows.read(0) + rows.read(1)


@graph(f(3), i())
def while_gradient(tf, x, n):
    v1 = tf.compat.v1
    y = v1.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * x), [0, x])[1]
    return tf.identity(v1.gradients(y, x)[0], name="slope")


@graph(f(3))
def cond_gradient(tf, x):
    v1 = tf.compat.v1
    y = v1.cond(x[0] > 0.0, lambda: x * x, lambda: tf.exp(x))
    return tf.identity(v1.gradients(y, x)[0], name="slope")


class _Cell:
    """A cell of three units, or of two states."""

    def __init__(self, tf, pair=False):
        self.tf, self.pair = tf, pair
        self.output_size, self.state_size = 3, (3, 3) if pair else 3

    def zero_state(self, batch, dtype):
        zeros = self.tf.zeros([batch, 3], dtype)
        return (zeros, zeros) if self.pair else zeros

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        return self.zero_state(batch_size, dtype)

    def __call__(self, inputs, state, scope=None):
        tf = self.tf
        with tf.compat.v1.variable_scope(scope or "cell"):
            w = _variable(tf, "w", [7, 3])
            h, c = state if self.pair else (state, 0.0)
            h = tf.tanh(tf.matmul(tf.concat([inputs, h], 1), w) + c)
        return h, (h, c + h) if self.pair else h


@graph(f(2, 5, 4))
def dynamic_rnn(tf, x):
    return tf.compat.v1.nn.dynamic_rnn(_Cell(tf), x, dtype=tf.float32)[0]


@graph(f(2, 5, 4), i(2))
def dynamic_rnn_lengths(tf, x, n):
    rnn = tf.compat.v1.nn.dynamic_rnn
    return rnn(_Cell(tf, pair=True), x, sequence_length=n, dtype=tf.float32)[0]


@graph(f(None, None, 4))
def dynamic_rnn_free(tf, x):
    rnn = tf.compat.v1.nn.dynamic_rnn
    return rnn(_Cell(tf, pair=True), x, dtype=tf.float32, time_major=True, scope="net")[0]


@graph(f(2, 5, 4), new=False)
def bidirectional_dynamic_rnn(tf, x):
    v1 = tf.compat.v1
    return v1.nn.bidirectional_dynamic_rnn(_Cell(tf), _Cell(tf), x, dtype=tf.float32)[0]


@graph(f(2, 3, 4), new=False)
def static_rnn(tf, x):
    return tf.compat.v1.nn.static_rnn(_Cell(tf), tf.unstack(x, axis=1), dtype=tf.float32)[0]


@graph(f(2, 5, 4), new=False)
def raw_rnn(tf, x):
    cell = _Cell(tf)
    steps = tf.TensorArray(tf.float32, 5).unstack(tf.transpose(x, [1, 0, 2]))

    def step(time, output, state, loop_state):
        done = time >= 5
        following = state if output is not None else cell.zero_state(2, tf.float32)
        inputs = tf.compat.v1.cond(done, lambda: tf.zeros([2, 4]), lambda: steps.read(time))
        inputs.set_shape([2, 4])
        return tf.fill([2], done), inputs, following, output, None

    return tf.compat.v1.nn.raw_rnn(cell, step)[0].stack()


@graph(f(2, 8, 8, 1), new=True)
def convolution(tf, x):
    v1 = tf.compat.v1
    w = _variable(tf, "w", [3, 3, 1, 2])
    y = v1.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME", name="conv")
    return v1.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "VALID", name="pool")


@graph(f(3), new=True)
def calls_function(tf, x):
    inner = tf.function(lambda v: v * 2.0)
    return tf.add(inner(x), 1.0, name="sum")
