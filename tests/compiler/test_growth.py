"""The compiler's work grows with the length of a program, not exponentially with its nesting. Work is counted, not timed."""

import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.kernels.inline import Inliner
from penstock._src.compiler.lower.lowering import Lowering
from penstock._src.ir.builder import Builder


@pytest.fixture
def work(monkeypatch):
    """Returns (operations lowered, nodes made, values asked for in kernels) by a call of a function."""
    counts = {"lower": 0, "simplified": 0, "value": 0}

    def counted(cls, name):
        original = getattr(cls, name)

        def method(*args, **kwargs):
            counts[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(cls, name, method)

    counted(Lowering, "lower")
    counted(Builder, "simplified")
    counted(Inliner, "value")

    def measure(function, *args):
        counts.update(lower=0, simplified=0, value=0)
        tf.function(function, autograph=False)(*args)
        return counts["lower"], counts["simplified"], counts["value"]

    return measure


def nested_cond(depth):
    def inner(x, level):
        if not level:
            return x + 1.0
        return tf.cond(
            tf.reduce_sum(x) > float(level),
            lambda: inner(x, level - 1) * 2.0,
            lambda: x - float(level),
        )

    return lambda x: inner(x, depth)


def nested_while(depth):
    def inner(x, level):
        if not level:
            return x * 1.5
        return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, inner(y, level - 1)), (0, x))[
            1
        ]

    return lambda x: inner(x, depth)


def nested_scan(depth):
    def inner(x, level):
        if not level:
            return tf.tanh(x)
        return tf.map_fn(lambda row: inner(row[None] * tf.ones([2, 1]), level - 1)[0], x)

    return lambda x: inner(x, depth)


def nested_while_writing(depth):
    total = tf.Variable(0.0)

    def inner(x, level):
        if not level:
            total.assign_add(tf.reduce_sum(x))
            return x
        return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, inner(y, level - 1)), (0, x))[
            1
        ]

    return lambda x: inner(x, depth) + total


def gradient_of(function):
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    return gradient


X = np.array([1.0, 2.0], np.float32)


@pytest.mark.parametrize("make", [nested_cond, nested_while, nested_scan])
def test_nesting_is_lowered_once_for_each_level(work, make):
    lowered, made, _ = work(make(4), tf.constant(X))
    twice_lowered, twice_made, _ = work(make(8), tf.constant(X))
    assert twice_lowered < 2.3 * lowered
    assert twice_made < 2.3 * made


@pytest.mark.parametrize(
    "make",
    [
        nested_while_writing,
        lambda depth: gradient_of(nested_cond(depth)),
        lambda depth: gradient_of(nested_while(depth)),
    ],
)
def test_nesting_that_hands_values_out_grows_with_its_square_at_most(work, make):
    lowered, made, _ = work(make(4), tf.constant(X))
    twice_lowered, twice_made, _ = work(make(8), tf.constant(X))
    assert twice_lowered < 4.5 * lowered
    assert twice_made < 4.5 * made


def elementwise(x, length):
    for i in range(length):
        x = tf.abs(x) if i % 2 else x * -1.001
    return x


def elementwise_after_reduction(x, length):
    return elementwise(tf.reduce_sum(x), length)


def elementwise_between_rows(x, length):
    return tf.reduce_sum(elementwise(x - tf.reduce_max(x, 1, keepdims=True), length), 1)


def centered(x, length):
    for i in range(length // 2):
        x = x - tf.reduce_mean(x, i % 2, keepdims=True)
    return x


def moved(x, length):
    for _ in range(length):
        x = tf.reverse(tf.transpose(x), [0])
    return x


def products(x, length):
    w = np.eye(4, dtype=np.float32)
    for _ in range(length):
        x = tf.matmul(x, w)
    return x


def added(x, length):
    return tf.add_n([x * float(i % 7) for i in range(length)])


CHAINS = [
    elementwise,
    elementwise_after_reduction,
    elementwise_between_rows,
    centered,
    moved,
    products,
    added,
]


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("is_gradient", [False, True])
def test_work_on_a_chain_is_linear_in_its_length(work, chain, is_gradient):
    x = tf.constant(np.linspace(-1.0, 1.0, 16, dtype=np.float32).reshape(4, 4))

    def of_length(length):
        function = lambda x: chain(x, length)  # noqa: E731
        return gradient_of(function) if is_gradient else function

    lowered, made, values = work(of_length(400), x)
    twice_lowered, twice_made, twice_values = work(of_length(800), x)
    assert twice_lowered < 2.2 * lowered
    assert twice_made < 2.2 * made
    assert twice_values < 2.5 * values + 1000
    function = of_length(70)
    np.testing.assert_allclose(tf.function(function)(x), function(x), rtol=2e-6, atol=1e-6)


def softmaxes(x, length):
    for _ in range(length // 4):
        x = tf.nn.softmax(x) + x
    return x


def stacked(x, length):
    return tf.stack([x[i % 4] * float(i) for i in range(length)])


def with_many_results(x, length):
    return [tf.tanh(x + float(i)) for i in range(length)]


def reading_variables(x, length):
    variables = [tf.Variable(x) for _ in range(length)]
    return lambda: tf.add_n(variables)


def python_calls(function, *args):
    """How many functions of Python a call makes."""
    count = 0

    def watch(_, event, __):
        nonlocal count
        count += event == "call"

    sys.setprofile(watch)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("chain", [softmaxes, stacked, with_many_results])
def test_a_chain_is_compiled_in_linearly_many_calls(chain):
    x = tf.constant(np.ones((4, 4), np.float32))
    short, long = [
        python_calls(tf.function(lambda x, n=length: chain(x, n), autograph=False), x)
        for length in (300, 900)
    ]
    assert long < 3.5 * short


def test_variables_are_watched_in_linearly_many_calls():
    x = tf.constant(np.ones((4, 4), np.float32))
    short, long = [
        python_calls(
            tf.function(reading_variables(x, length), autograph=False).get_concrete_function
        )
        for length in (100, 300)
    ]
    assert long < 3.5 * short


def called_functions(length, combine):
    """A function that calls one that calls one ..., each traced before it is called."""
    function = tf.function(tf.tanh)
    for _ in range(length):
        function.get_concrete_function(tf.constant(X))
        function = tf.function(combine(function))
    return function


def test_functions_call_each_other_deeper_than_pythons_stack():
    function = called_functions(700, lambda f: lambda x: f(x) + 1.0)
    np.testing.assert_allclose(function(tf.constant(X)), np.tanh(X) + 700, rtol=1e-5)


def test_a_function_called_again_on_the_same_values_is_lowered_once(work):
    function = called_functions(20, lambda f: lambda x: f(x) * 0.5 + f(x) * 0.5)
    lowered, _, _ = work(function, tf.constant(X))
    assert lowered < 20 * 12
