"""Calls, arguments, results, variables and captures of functions."""

from tests.graph.recorded.functions.cases import case, f, i, maker


@case(f(3))
def identity(tf, x):
    return x


@case(f(3))
def one_output(tf, x):
    return x * 2.0


@case(f(3), f(3))
def two_outputs(tf, x, y):
    return x + y, x - y


@case(f(3))
def same_output_twice(tf, x):
    y = x * 2.0
    return y, y


@case(f(3))
def dictionary_output(tf, x):
    return {"b": x + 1.0, "a": x * 2.0, "c": [x, (x - 1.0,)]}


@case(f(3))
def named_output(tf, x):
    return tf.identity(x * 2.0, name="answer")


@case(f(3))
def output_named_identity(tf, x):
    return tf.identity(tf.identity(x) * 2.0)


@case(f(3))
def constant_output(tf, x):
    return tf.constant([1.0, 2.0]), x


@case(f(3))
def none_output(tf, x):
    return x, None, {"n": None, "x": x}


@case(f(3))
def argument_named_like_op(tf, mul):
    return mul * mul


@case(f(3), f(3))
def arguments_with_capitals(tf, Input_A, _b):
    return Input_A + _b


@case(f(3), f(3), f(3))
def argument_rest(tf, first, *others):
    return first + others[0] * others[1]


@case(f(3))
def call_once(tf, x):
    inner = tf.function(lambda v: tf.tanh(v))
    return inner(x)


@case(f(3))
def call_second_output(tf, x):
    inner = tf.function(lambda v: (v * 2.0, v * 10.0))
    return inner(x)[1]


@case(f(3))
def call_twice(tf, x):
    inner = tf.function(lambda v: tf.tanh(v))
    return inner(x) + inner(x * 2.0)


@case(f(3))
def call_nested(tf, x):
    a = tf.function(lambda v: v * 2.0)
    b = tf.function(lambda v: a(v) + 1.0)
    c = tf.function(lambda v: b(v) * a(v))
    return c(x)


@case(f(3))
def call_named(tf, x):
    @tf.function
    def double(v):
        return v * 2.0

    with tf.name_scope("scope"):
        return double(x)


@case(f(3))
def call_captures(tf, x):
    y = x * 2.0

    @tf.function
    def inner(v):
        return v + y

    return inner(x)


@case(f(3))
def call_stateful(tf, x):
    @tf.function
    def inner(v):
        tf.debugging.assert_less(v, 100.0)
        return v * 2.0

    return inner(x)


@case(f(3))
def call_dictionary(tf, x):
    inner = tf.function(lambda d: {"s": d["a"] + d["b"], "a": d["a"]})
    return inner({"a": x, "b": x * 2.0})


@case(f(3))
def call_python_arguments(tf, x):
    @tf.function
    def power(v, n, scale=2.0, flag=True):
        return v**n * scale if flag else v

    return power(x, 3) + power(x, 2, scale=3.0) + power(x, 1, flag=False)


@case(f(3))
def call_relaxed(tf, x):
    inner = tf.function(lambda v: v * 2.0, reduce_retracing=True)
    return inner(x)[:2] + inner(x[:2])


@case(f(3))
def call_signature(tf, x):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "rows")])
    def inner(v):
        return v + 1.0

    return inner(x)


@case(f(3))
def call_compiled(tf, x):
    inner = tf.function(lambda v: tf.tanh(v) * 2.0, jit_compile=True)
    return inner(x)


@case(f(3))
def call_recursive_like(tf, x):
    fs = [tf.function(lambda v, k=k: v * float(k)) for k in range(3)]
    for g in fs:
        x = g(x)
    return x


@maker(f(3))
def variable_read(tf):
    v = tf.Variable([1.0, 2.0, 3.0], name="v")
    return lambda x: x * v


@maker(f(3))
def variable_read_twice(tf):
    v = tf.Variable([1.0, 2.0, 3.0])
    w = tf.Variable([1.0, 2.0, 3.0])
    return lambda x: x * v + v * w - w


@maker(f(3))
def variable_in_call(tf):
    v = tf.Variable([1.0, 2.0, 3.0], name="v")
    inner = tf.function(lambda x: x * v)
    return lambda x: inner(x) + inner(x + 1.0)


@maker(f(3), i())
def variable_in_loop(tf):
    v = tf.Variable([1.0, 2.0, 3.0], name="v")

    def called(x, n):
        return tf.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * v), [0, x])[1]

    return called


@maker(f(3))
def variable_in_cond(tf):
    v = tf.Variable([1.0, 2.0, 3.0], name="v")
    return lambda x: tf.cond(x[0] > 0.0, lambda: x * v, lambda: x)


@maker(f(3))
def variable_assigned(tf):
    v = tf.Variable([1.0, 2.0, 3.0], name="v")

    def called(x):
        v.assign_add(x)
        return v.read_value() * 2.0

    return called


@maker(f(3), i())
def variable_assigned_in_loop(tf):
    v = tf.Variable(0.0, name="v")

    def called(x, n):
        for _ in tf.range(n):
            v.assign_add(1.0)
        return x * v

    return called


@maker(f(3))
def variable_not_first(tf):
    v = tf.Variable([1.0, 2.0, 3.0], name="scope/v")
    w = tf.constant([2.0, 2.0, 2.0])
    return lambda x: (x + w) * v


@maker(f(None, 4))
def module_dense(tf):
    class Dense(tf.Module):
        def __init__(self, name=None):
            super().__init__(name=name)
            with self.name_scope:
                self.w = tf.Variable(tf.ones([4, 2]), name="w")
                self.b = tf.Variable(tf.zeros([2]), name="b")

        @tf.Module.with_name_scope
        def __call__(self, x):
            return tf.nn.relu(x @ self.w + self.b)

    return Dense(name="dense").__call__


@maker(f(None, 3))
def embedding_of_variable(tf):
    table = tf.Variable(tf.reshape(tf.range(12.0), [4, 3]), name="table")

    def called(x):
        return tf.nn.embedding_lookup(table, tf.cast(tf.abs(x[:, 0]), tf.int32))

    return called


@maker(f(None, 3))
def eager_captured(tf):
    w = tf.constant([[1.0, 2.0, 3.0]])
    big = tf.zeros([100, 3])
    return lambda x: x * w + big[:1]


@maker(i(None))
def table_lookup(tf):
    keys = tf.constant([0, 1, 2], tf.int32)
    start = tf.lookup.KeyValueTensorInitializer(keys, tf.constant([10.0, 11.0, 12.0]))
    table = tf.lookup.StaticHashTable(start, -1.0, name="table")
    return lambda k: table.lookup(k)


@case(f(3), i())
def control_dependencies(tf, x, n):
    with tf.control_dependencies([tf.debugging.assert_equal(n, 3)]):
        return tf.identity(x)


@case(f(None, 3))
def printing(tf, x):
    tf.print("rows", tf.shape(x)[0])
    return x * 2.0


@case(f(3))
def scopes(tf, x):
    with tf.name_scope("a"):
        y = x * 2.0
        with tf.name_scope("b"):
            y = y + 1.0
    with tf.name_scope("a"):
        return y * 2.0


@case(f(None, None, 3))
def unknown_shapes(tf, x):
    shape = tf.shape(x)
    return tf.reshape(x, [shape[0] * shape[1], 3]), tf.rank(x), tf.size(x)


@case(f(None, 8, 8, 3), f(3, 3, 3, 4))
def convolution(tf, x, w):
    y = tf.nn.conv2d(x, w, 2, "SAME")
    return tf.nn.max_pool2d(y, 2, 2, "VALID")


@case(f(None, 4), f(4))
def attention_by_hand(tf, q, k):
    scores = tf.einsum("bd,d->b", q, k) / tf.sqrt(4.0)
    return tf.nn.softmax(scores)[:, None] * q


@case(f(None, 5))
def normalization_by_hand(tf, x):
    mean, variance = tf.nn.moments(x, [1], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, 0.1, 1.5, 1e-3)


@case(f(2, 6))
def splits(tf, x):
    a, b, c = tf.split(x, 3, axis=1)
    return tf.concat([c, a], 0), tf.unstack(b, axis=1)


@case(f(None, 3))
def slices(tf, x):
    return x[1:], x[:, ::2], x[..., tf.newaxis], x[-1]


@case(f(None, 3))
def reductions(tf, x):
    return tf.reduce_sum(x), tf.reduce_max(x, 1), tf.reduce_mean(x, 0, keepdims=True), tf.norm(x)
