"""Wrong calls inside tf.function: the class TensorFlow raises while tracing or running, and the user's line."""

from tests.errors.calls import tf, unlike, wrong

Invalid = tf.errors.InvalidArgumentError
HERE = "functions.py"
f = tf.constant([1.0, 2.0, 3.0])
m = tf.ones([2, 3])


def traced(body, *arguments, **options):
    """Returns a call of `body` as a tf.function."""
    return lambda: tf.function(body, **options)(*arguments)


def truth_of_a_symbol():
    return tf.function(lambda x: 1 if x > 0 else 2, autograph=False)(tf.constant(1.0))


def iterate_over_a_symbol():
    return tf.function(
        lambda x: [y for y in x], autograph=False, input_signature=[tf.TensorSpec([None])]
    )(f)


def variable_in_every_call():
    @tf.function
    def make():
        return tf.Variable(1.0) + 1.0

    return make()


def leaked():
    held = []

    @tf.function
    def keep(x):
        held.append(x + 1.0)
        return x

    keep(f)
    return held[0] + 1.0


def leaked_into_another():
    held = []

    @tf.function
    def keep(x):
        held.append(x + 1.0)
        return x

    @tf.function
    def use():
        return held[0] + 1.0

    keep(f)
    return use()


def loop_of_changing_type():
    @tf.function
    def loop(n):
        x = 0
        while n > 0:
            x = x + 0.5
            n = n - 1
        return x

    return loop(tf.constant(3))


def loop_of_changing_shape():
    @tf.function
    def loop(n):
        x = tf.zeros([1])
        while n > 0:
            x = tf.concat([x, x], 0)
            n = n - 1
        return x

    return loop(tf.constant(3))


def branch_of_other_types():
    return tf.function(lambda p: tf.cond(p, lambda: 1, lambda: 1.0))(tf.constant(True))


def branch_of_other_structure():
    return tf.function(lambda p: tf.cond(p, lambda: (1, 2), lambda: 1))(tf.constant(True))


def name_of_one_branch():
    @tf.function
    def choose(x):
        if x > 0:
            y = x
        return y

    return choose(tf.constant(1.0))


def while_of_other_structure():
    return tf.while_loop(lambda i: i < 3, lambda i: (i, i), [tf.constant(0)])


def while_of_other_structure_in_a_function():
    return tf.function(while_of_other_structure)()


def signature_of_another_type():
    return tf.function(lambda x: x, input_signature=[tf.TensorSpec([], tf.float32)])(tf.constant(1))


def signature_of_another_rank():
    return tf.function(lambda x: x, input_signature=[tf.TensorSpec([], tf.float32)])(f)


def gather_when_run():
    return tf.function(lambda x: tf.gather(f, x))(tf.constant([7]))


def assert_when_run():
    @tf.function
    def check(x):
        tf.debugging.assert_less(x, 1.0)
        return x

    return check(f)


def division_when_run():
    return tf.function(lambda x: tf.constant([6]) // x)(tf.constant([0]))


def numerics_when_run():
    return tf.function(lambda x: tf.debugging.check_numerics(tf.math.log(x), "log"))(
        tf.constant([-1.0])
    )


def python_int_of_a_symbol():
    return tf.function(lambda x: int(x), autograph=False)(tf.constant(1))


def numpy_of_a_symbol():
    return tf.function(lambda x: x.numpy())(f)


def session_without_a_feed():
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [2], name="x")
        y = x + 1.0
        with v1.Session() as session:
            return session.run(y)


def session_fed_another_shape():
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [2], name="x")
        with v1.Session() as session:
            return session.run(x + 1.0, {x: [1.0, 2.0, 3.0]})


def session_of_a_variable_never_set():
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        w = v1.get_variable("w", [2], initializer=v1.zeros_initializer())
        with v1.Session() as session:
            return session.run(w + 1.0)


def session_of_another_graph():
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        x = tf.constant(1.0)
    with tf.Graph().as_default(), v1.Session() as session:
        return session.run(x)


def tensor_of_another_graph():
    with tf.Graph().as_default():
        x = tf.constant(1.0)
    with tf.Graph().as_default():
        return x + tf.constant(1.0)


CALLS = [
    wrong(
        "matmul while tracing",
        ValueError,
        traced(lambda x: tf.matmul(x, x), m),
        "MatMul",
        "[2,3]",
        HERE,
    ),
    wrong(
        "add of shapes while tracing",
        ValueError,
        traced(lambda x: x + tf.ones([4]), f),
        "[3]",
        "[4]",
        HERE,
    ),
    wrong(
        "add of types while tracing",
        TypeError,
        traced(lambda x: x + tf.constant(1), f),
        "AddV2",
        "int32",
        "float32",
    ),
    wrong(
        "reshape while tracing",
        ValueError,
        traced(lambda x: tf.reshape(x, [4]), m),
        "reshape",
        "6",
        "4",
        HERE,
    ),
    wrong("concat while tracing", ValueError, traced(lambda x: tf.concat([x, f], 0), m), HERE),
    wrong(
        "squeeze while tracing",
        ValueError,
        traced(lambda x: tf.squeeze(x, [0]), m),
        "squeeze",
        HERE,
    ),
    wrong(
        "transpose while tracing", ValueError, traced(lambda x: tf.transpose(x, [0, 1, 2]), m), HERE
    ),
    wrong("reduce while tracing", ValueError, traced(lambda x: tf.reduce_sum(x, 5), m), HERE),
    wrong(
        "convolution while tracing",
        ValueError,
        traced(lambda x: tf.nn.conv2d(x, tf.ones([3, 3, 2, 4]), 1, "SAME"), tf.ones([1, 8, 8, 3])),
        HERE,
    ),
    wrong(
        "bias while tracing", ValueError, traced(lambda x: tf.nn.bias_add(x, tf.ones([5])), m), HERE
    ),
    wrong(
        "sqrt of integers while tracing",
        TypeError,
        traced(lambda x: tf.sqrt(x), tf.constant([1])),
        "int32",
        "x",
    ),
    wrong("expand dims while tracing", ValueError, traced(lambda x: tf.expand_dims(x, 7), m), HERE),
    wrong(
        "stack while tracing", ValueError, traced(lambda x: tf.stack([x, tf.ones([2])]), f), HERE
    ),
    wrong("truth of a symbol", TypeError, truth_of_a_symbol, "bool"),
    wrong("iteration over a symbol", TypeError, iterate_over_a_symbol, "iterating"),
    wrong("int of a symbol", TypeError, python_int_of_a_symbol),
    wrong("numpy of a symbol", AttributeError, numpy_of_a_symbol, "numpy"),
    wrong("variable made in every call", ValueError, variable_in_every_call, "variable"),
    wrong("symbol kept from a function", (TypeError, AttributeError), leaked, "scope", HERE),
    wrong("symbol kept for another function", TypeError, leaked_into_another, "scope", HERE),
    wrong("loop that changes a type", TypeError, loop_of_changing_type, "AddV2", "int32", "float"),
    wrong("loop that changes a shape", ValueError, loop_of_changing_shape, "x", "(1,)", "(2,)"),
    wrong(
        "condition of several elements",
        ValueError,
        lambda: tf.cond(tf.constant([True, False]), lambda: 1, lambda: 2),
        "pred",
        "(2,)",
    ),
    wrong("branches of different types", TypeError, branch_of_other_types),
    unlike("branches of different structure", (TypeError, ValueError), branch_of_other_structure),
    wrong("name set in one branch", ValueError, name_of_one_branch, "y"),
    wrong("while body of another structure", (ValueError, TypeError), while_of_other_structure),
    wrong(
        "while body of another structure in a function",
        (ValueError, TypeError),
        while_of_other_structure_in_a_function,
    ),
    wrong("argument of another type than the signature's", TypeError, signature_of_another_type),
    wrong("argument of another rank than the signature's", TypeError, signature_of_another_rank),
    wrong("too many arguments", TypeError, traced(lambda x: x, f, f)),
    wrong("too few arguments", TypeError, traced(lambda x, y: x, f)),
    wrong("unknown keyword argument", TypeError, lambda: tf.function(lambda x: x)(x=f, z=f)),
    wrong("gather when run", Invalid, gather_when_run, "7"),
    wrong("assert when run", Invalid, assert_when_run),
    wrong("division by zero when run", Invalid, division_when_run, "zero"),
    wrong("not a number when run", Invalid, numerics_when_run, "log", "nan"),
    wrong("session without a feed", Invalid, session_without_a_feed, "x"),
    wrong("session fed another shape", ValueError, session_fed_another_shape, "(3,)", "(2,)"),
    wrong(
        "session of a variable never set",
        tf.errors.FailedPreconditionError,
        session_of_a_variable_never_set,
        "w",
    ),
    wrong(
        "session of another graph", (ValueError, RuntimeError, TypeError), session_of_another_graph
    ),
    wrong("tensor of another graph", ValueError, tensor_of_another_graph, "graph"),
]
