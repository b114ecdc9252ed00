"""A program met by sequences of a new length compiles nothing, and plans no more than a few functions."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.compiler.stages import STATISTICS

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.standard_normal((4, 4)).astype(np.float32) * 0.3


@pytest.fixture
def made(monkeypatch):
    """Returns (kernels written, functions planned) by a call."""
    count = {"written": 0}
    get = CpuGenerator.keep

    def counted(self, key, write):
        before = self.written
        found = get(self, key, write)
        count["written"] += self.written - before
        return found

    monkeypatch.setattr(CpuGenerator, "keep", counted)

    def measure(function, *args):
        count["written"], before = 0, STATISTICS.functions
        function(*args)
        return count["written"], STATISTICS.functions - before

    return measure


def tokens(text):
    """Rows of numbers, as many as the text has words: strings are split on the host."""
    numbers = tf.strings.to_number(tf.strings.split(text))
    return tf.reshape(numbers, [-1, 1]) * tf.ones([1, 4])


def stepped(rows, w):
    """The last state of a loop over rows, and all its states."""
    count = tf.shape(rows)[0]
    states = tf.TensorArray(tf.float32, count)

    def step(i, h, states):
        h = tf.tanh(tf.linalg.matvec(w, h) + rows[i])
        return i + 1, h, states.write(i, h)

    _, last, states = tf.while_loop(lambda i, *_: i < count, step, (0, tf.zeros([4]), states))
    return tf.reduce_sum(last) + tf.reduce_mean(states.stack())


def scanned(rows, w):
    return tf.reduce_sum(tf.scan(lambda h, row: tf.tanh(tf.linalg.matvec(w, h) + row), rows))


def attended(rows, w):
    scores = tf.nn.softmax(tf.matmul(rows @ w, rows, transpose_b=True))
    return tf.reduce_sum(scores @ rows)


def convolved(rows, w):
    return tf.reduce_sum(tf.nn.conv1d(rows[None], w[None], 1, "SAME") ** 2)


def pooled(rows, w):
    mask = tf.cast(rows[:, :1] > 1.0, tf.float32)
    return tf.reduce_sum(rows @ w * mask) / tf.reduce_sum(mask) + tf.reduce_max(rows @ w)


def looked_up(rows, w):
    found = tf.gather(w, tf.cast(rows[:, 0], tf.int32) % 4)
    return tf.reduce_sum(found * rows)


USES = [stepped, scanned, attended, convolved, pooled, looked_up]


def program_on(rows_of, use):
    w = tf.Variable(WEIGHTS)

    def function(given):
        with tf.GradientTape() as tape:
            loss = use(rows_of(given), w)
        return loss, tf.convert_to_tensor(tape.gradient(loss, w))

    return function


@pytest.mark.parametrize("use", USES)
def test_texts_of_new_lengths_compile_nothing(made, use):
    function = program_on(tokens, use)
    compiled = tf.function(function)
    texts = [" ".join(map(str, range(1, n + 1))) for n in (5, 9, 14, 22, 31)]
    for text in texts[:2]:
        compiled(tf.constant(text))
    for text in texts[2:]:
        written, functions = made(compiled, tf.constant(text))
        assert written == 0
        assert functions <= 4
    for got, expected in zip(
        compiled(tf.constant(texts[3])), function(tf.constant(texts[3])), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=5e-5, atol=5e-6)


@pytest.mark.parametrize("use", USES)
def test_arrays_of_new_lengths_compile_nothing(made, use):
    function = program_on(lambda rows: rows, use)
    compiled = tf.function(function, input_signature=[tf.TensorSpec([None, 4])])
    arrays = [RANDOM.standard_normal((n, 4)).astype(np.float32) for n in (5, 9, 14, 22, 31)]
    for array in arrays[:2]:
        compiled(tf.constant(array))
    for array in arrays[2:]:
        assert made(compiled, tf.constant(array)) == (0, 1)
    for got, expected in zip(compiled(arrays[3]), function(tf.constant(arrays[3])), strict=True):
        np.testing.assert_allclose(got, expected, rtol=5e-5, atol=5e-6)


def test_programs_keep_only_the_nodes_that_they_compute():
    compiled = tf.function(lambda x: tf.reduce_sum(tf.tanh(x)))
    compiled(tf.constant(WEIGHTS))
    (program,) = compiled.get_concrete_function(
        tf.constant(WEIGHTS)
    ).graph_function.executable.programs()
    assert not program.function.roots[0].builder.nodes


def test_what_waits_for_the_host_is_planned_once_for_all_lengths(made):
    """What follows the second step on the host has the same shapes whatever the length."""

    @tf.function(autograph=False)
    def f(text, w):
        rows = tf.tanh(tokens(text))
        words = tf.strings.split(tf.strings.as_string(tf.round(tf.reduce_sum(rows, 0))), ".")
        numbers = tf.strings.to_number(words.flat_values[::2])
        return tf.linalg.matvec(w, tf.sin(numbers)) * tf.reduce_sum(w)

    def text(n):
        return tf.constant(" ".join(map(str, range(n))))

    made(f, text(3), WEIGHTS)
    made(f, text(5), WEIGHTS)
    for n in (8, 6, 9):
        written, planned = made(f, text(n), WEIGHTS)
        assert written == 0 and planned <= 1
        expected = f.python_function(text(n), WEIGHTS)
        np.testing.assert_allclose(f(text(n), WEIGHTS), expected, rtol=1e-5, atol=1e-5)


def test_a_product_over_an_unknown_length_is_no_convolution():
    seeds = tf.constant(np.linspace(-1, 1, 32, dtype=np.float32).reshape(2, 16))

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch([x, seeds])
            mixed = tf.matmul(tf.nn.softmax(tf.einsum("sd,bnd->bsn", seeds, x)), x)
            loss = tf.reduce_sum(mixed**2)
        return tape.gradient(loss, [x, seeds])

    compiled = tf.function(slope, input_signature=[tf.TensorSpec([None, None, 16])])
    for batch, length in ((6, 17), (5, 47), (5, 27), (2, 3)):
        x = tf.random.stateless_normal([batch, length, 16], [batch, length])
        for found, expected in zip(compiled(x), slope(x), strict=True):
            np.testing.assert_allclose(found, expected, 1e-3, 1e-4)
    (trace,) = compiled._list_all_concrete_functions()
    assert len(trace.graph_function.executable.block.programs) == 1
