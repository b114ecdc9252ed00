"""Programs for many extents: which calls share one, and that their numbers are those of their own shapes."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.block import MOST_FIXED

ROWS = tf.TensorSpec([None, 3], tf.float32)


def rows(count):
    return np.arange(3 * count, dtype=np.float32).reshape(count, 3)


def programs_of(function):
    """The conditions of the programs that a function has made so far."""
    (trace,) = function._list_all_concrete_functions()
    return [program.conditions for program in trace.graph_function.executable.block.programs]


def traced(function, *specs):
    return tf.function(function, input_signature=specs or [ROWS], autograph=False)


def causal_attention(x):
    """Of each row, to those before it."""
    x, order = x[tf.newaxis], tf.range(tf.shape(x)[0])
    scores = 1e-4 * tf.matmul(x, x, transpose_b=True)
    scores = tf.where(order[:, tf.newaxis] >= order, scores, -1e31)
    return tf.nn.softmax(scores) @ x


@pytest.mark.parametrize(
    "function",
    [
        causal_attention,
        lambda x: tf.nn.softmax(tf.concat([x, 2 * x], 0), 0),
        lambda x: (tf.shape(x), tf.size(x), tf.reduce_mean(x)),
        lambda x: tf.matmul(x, x, transpose_b=True),
        lambda x: tf.reshape(tf.transpose(x), [-1]),
        lambda x: tf.range(tf.shape(x)[0]) * 2,
        lambda x: tf.range(tf.shape(x)[0], dtype=tf.float32) / 2,
        lambda x: tf.range(0.75, tf.cast(tf.shape(x)[0], tf.float64), 0.5, tf.float64),
        lambda x: tf.range(tf.cast(tf.shape(x)[0], tf.float32), 0.0, -3.0),
        lambda x: tf.linalg.band_part(tf.ones([tf.shape(x)[0]] * 2), -1, 0),
        lambda x: tf.math.unsorted_segment_sum(x, tf.range(tf.shape(x)[0]) % 2, tf.shape(x)[0]),
        lambda x: tf.linalg.band_part(x @ tf.transpose(x), tf.shape(x)[0] - 1, 0),
        lambda x: (tf.sort(x, 0), tf.argsort(x[:, 0])),
        lambda x: tf.math.top_k(x[:, 1], tf.shape(x)[0])[1],
        lambda x: tf.linalg.diag(x[:, 0]),
        lambda x: tf.split(x, [2, tf.shape(x)[0] - 2]),
        lambda x: tf.pad(x, [[0, tf.shape(x)[0]], [1, 0]]),
        lambda x: tf.pad(x, [[tf.shape(x)[0] - 1, 0], [1, 0]], "REFLECT"),
        lambda x: tf.roll(x, tf.shape(x)[0] // 2, 0),
        lambda x: tf.random.stateless_uniform(tf.shape(x), [3, 4]) + x,
        lambda x: tf.nn.experimental.stateless_dropout(x, 0.4, [3, 4]),
        lambda x: tf.while_loop(
            lambda i, _: i < tf.shape(x)[0], lambda i, s: (i + 1, s + x[i]), (0, tf.zeros([3]))
        ),
    ],
)
def test_one_program_serves_all_from_two_rows_on(function):
    compiled = traced(function)
    for count in (5, 17, 2, 64, 1025, 5):
        found, expected = compiled(rows(count)), function(tf.constant(rows(count)))
        for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
            np.testing.assert_allclose(
                one, other, rtol=1e-5, atol=1.2e-38
            )  # 0 for denormal numbers
    assert len(programs_of(compiled)) == 1


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.math.bincount(tf.range(tf.shape(x)[0]) // 2, minlength=tf.shape(x)[0] // 2),
        lambda x: tf.boolean_mask(x, x[:, 0] > 5),
        lambda x: tf.nn.avg_pool2d(x[None, :, :, None], 3, 2, "SAME"),
        lambda x: tf.pad(x, [[0, -tf.shape(x)[0] % 4], [0, 0]]),
        lambda x: x[:, 0] * tf.linspace(0.0, 1.0, tf.shape(x)[0]),
        lambda x: tf.searchsorted(x[:, 0], [4.0, 50.0]),
    ],
)
def test_few_programs_serve_all(function):
    compiled = traced(function)
    for count in (5, 17, 2, 64, 66, 65, 33, 60, 54, 9, 3, 5):
        np.testing.assert_allclose(compiled(rows(count)), function(tf.constant(rows(count))))
    assert 1 <= len(programs_of(compiled)) <= 6


def normalized(x):
    centered = x - tf.reduce_mean(x, -1, keepdims=True)
    return centered * tf.math.rsqrt(tf.reduce_mean(tf.square(centered), -1, keepdims=True) + 1.0)


def pooled(x):
    """Attention over rows, of batches of texts."""
    scores = tf.nn.softmax(tf.matmul(x, x, transpose_b=True))
    return tf.reduce_max(normalized(scores @ x), 1), tf.einsum("bij,bik->bjk", x, x)


@pytest.mark.parametrize("function", [normalized, pooled, lambda x: tf.nn.softmax(x[:, ::-1], 1)])
def test_results_of_one_row_have_the_same_bits_whichever_extent_came_first(function):
    one, more = (
        tf.constant(np.sin(np.arange(n * n * 3.0)).reshape(n, n, 3), tf.float32) for n in (1, 5)
    )
    first, later = (traced(function, tf.TensorSpec([None, None, 3])) for _ in range(2))
    expected = tf.nest.flatten(first(one))
    later(more)
    for found, wanted in zip(tf.nest.flatten(later(one)), expected, strict=True):
        assert found.numpy().tobytes() == wanted.numpy().tobytes()


def number(n):
    """The same number, of which the host tells the program."""
    return tf.strings.to_number(tf.as_string(n), tf.int32)


def chosen(x, index):
    """One of four functions, the last also where the index is out of range."""
    return tf.switch_case(index, [lambda: x + 9.0, lambda: x[:1], lambda: x * 2.0, lambda: -x])


@pytest.mark.parametrize(
    ("function", "most"),
    [
        (lambda x: tf.tile(x, [1 + tf.shape(x)[0] % 3, 1]), 1),
        (lambda x: tf.repeat(x, tf.shape(x)[0] % 3, axis=0), 1),
        (lambda x: tf.range(tf.shape(x)[0] % 5) * 2, 1),
        (lambda x: tf.eye(tf.shape(x)[0] % 5 + 1), 1),
        (lambda x: tf.transpose(x[: tf.shape(x)[0] // 2]), 1),
        (lambda x: tf.concat([x, x[: tf.shape(x)[0] % 4]], 0), 1),
        (lambda x: tf.ones([2]) * tf.cast(tf.abs(tf.shape(x)[0] - 30), tf.float32), 1),
        (lambda x: tf.zeros([tf.sign(tf.shape(x)[0] - 30) + 2]), 2),
        (
            lambda x: (
                tf.cast(tf.cast(tf.shape(x)[0] * 37, tf.int8), tf.int32) * tf.ones([2], tf.int32)
            ),
            2,
        ),
        (lambda x: x[: tf.bitwise.bitwise_and(tf.shape(x)[0], 7)], 1),
        (lambda x: x[: tf.bitwise.right_shift(tf.shape(x)[0], 2)], 1),
        (lambda x: tf.zeros([tf.bitwise.left_shift(tf.shape(x)[0], 1)]), 1),
        (lambda x: tf.zeros([tf.bitwise.bitwise_or(tf.shape(x)[0], 6)]), 1),
        (lambda x: tf.zeros([-tf.bitwise.invert(tf.shape(x)[0])]), 1),
        (lambda x: tf.gather([4, 2, 2, 0, 3, 3, 1], tf.shape(x)[0] % 7) * 2, 1),
        (lambda x: tf.zeros([tf.gather([[4, 2], [3, 5]], tf.shape(x)[0] % 2)[1]]), 1),
        (lambda x: tf.gather(tf.range(99) * 2, tf.shape(x)[0] % 99), 1),
        (lambda x: tf.constant([4.0, 2.0, 2.0, 0.0, 1.0])[tf.shape(x)[0] % 5], 2),
        (lambda x: tf.zeros([tf.constant([4, 2, 2, 3, 5])[tf.shape(x)[0] % 5]]), 2),
        (lambda x: tf.pad(x, [[0, -number(-tf.shape(x)[0]) % 8], [0, 0]]), 1),
        (lambda x: x * tf.cast(number(1 - tf.shape(x)[0]), tf.float32), 1),
        (lambda x: tf.roll(x, number(tf.shape(x)[0] - 64), 0), 5),  # -1, 0 and 1, below and above
        (lambda x: chosen(x, tf.shape(x)[0] - 20), 4),
        (lambda x: chosen(x, tf.shape(x)[0] % 7), 4),
        (lambda x: chosen(x, tf.shape(x)[0] // 16), 4),
        (lambda x: chosen(x, tf.gather([7, -1, 2, 0, 1, 3], tf.shape(x)[0] % 6)), 4),
    ],
)
def test_bits_tables_and_negative_numbers_of_extents_need_no_program_for_each(function, most):
    compiled = traced(function)
    counts = [*range(2, 40), 62, 63, 64, 65, 66, 100, 2, 35]
    for count in counts:
        found, expected = compiled(rows(count)), function(tf.constant(rows(count)))
        np.testing.assert_array_equal(found, expected, str(count))
    (trace,) = compiled._list_all_concrete_functions()
    blocks = {
        step.block for step in trace.graph_function.executable.steps() if hasattr(step, "block")
    }
    blocks.add(trace.graph_function.executable.block)
    assert max(len(block.programs) for block in blocks) <= most


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[: tf.shape(x)[0] % 5],
        lambda x: x[:7] * 2,
        lambda x: tf.pad(x, [[0, -tf.shape(x)[0] % 4], [0, 0]]),
        lambda x: tf.switch_case(
            tf.shape(x)[0] % 3, [lambda: x[0], lambda: x[1] * 2, lambda: -x[-1]]
        ),
        lambda x: tf.math.bincount(tf.range(tf.bitwise.bitwise_and(tf.shape(x)[0], 3))),
        lambda x: tf.roll(x, tf.shape(x)[0] // 3, 0),
        lambda x: tf.reduce_max(x, tf.shape(x)[0] % 2),
        lambda x: x[:: tf.shape(x)[0] % 3 + 1],
    ],
)
def test_what_extents_decide_is_decided_for_each(function):
    compiled = traced(function)
    for count in (12, 13, 14, 15, 7, 8, 6, 29, 30, 31, 32, 12):
        expected = function(tf.constant(rows(count)))
        np.testing.assert_array_equal(compiled(rows(count)), expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.linalg.cholesky(x @ tf.transpose(x) + 9e6 * tf.eye(tf.shape(x)[0])) / 3e3,
        lambda x: tf.linalg.inv(1e-3 * x @ tf.transpose(x) + 9e3 * tf.eye(tf.shape(x)[0])) * 9e3,
        lambda x: tf.linalg.triangular_solve(x @ tf.transpose(x) + 9 * tf.eye(tf.shape(x)[0]), x),
    ],
)
def test_matrices_of_any_number_of_rows_have_one_program(function):
    compiled = traced(function)
    for count in (5, 17, 2, 31, 9, 48, 60, 40, 12):
        np.testing.assert_allclose(
            compiled(rows(count)), function(tf.constant(rows(count))), 1e-3, 1e-3
        )
    assert programs_of(compiled) == ["d0 <= 2048"]


def test_an_operation_that_needs_a_number_goes_to_the_host_after_some():
    function = lambda x: tf.abs(tf.signal.rfft(tf.transpose(x))) * 2  # noqa: E731
    compiled = traced(function)
    for count in (*range(5, 5 + MOST_FIXED["d"]), 31, 70, 64, 31, 5, 100):
        found, expected = compiled(rows(count)), function(tf.constant(rows(count)))
        np.testing.assert_allclose(found, expected, 1e-4, 1e-3 * count)
    assert programs_of(compiled) == [
        "d0 <= 2147483647"
    ]  # those of one length are no programs for many
    assert "that has changed often" in str(compiled.explain(rows(100)))


def test_branches_may_have_rows_of_different_counts():
    def rows_of(x, wanted):
        return tf.cond(wanted, lambda: tf.boolean_mask(x, x[:, 0] > 9.0), lambda: tf.zeros([20, 3]))

    compiled = traced(rows_of, ROWS, tf.TensorSpec([], tf.bool))
    for count in (5, 20, 33, 19, 1):
        for wanted in (True, False):
            given = tf.constant(rows(count)), tf.constant(wanted)
            np.testing.assert_array_equal(compiled(*given), rows_of(*given))
    assert len(programs_of(compiled)) == 1


def test_lengths_that_the_host_tells_are_left_open_as_well():
    def smoothed(x):
        x = tf.transpose(x)
        return tf.signal.irfft(0.5 * tf.signal.rfft(x), [tf.shape(x)[1]]) + 1.0

    compiled = traced(smoothed)
    for count in (12, 31, 70, 64, 5, 100, 33):
        np.testing.assert_allclose(compiled(rows(count)), 0.5 * rows(count).T + 1, 1e-4, 1e-3)
    blocks = [compiled._list_all_concrete_functions()[0].graph_function.executable.block]
    for block in blocks:
        assert len(block.programs) <= 3
        blocks += block.waiting.values()
    assert len(blocks) > 1


def test_conditions_divide_calls_on_both_sides():
    compiled = traced(lambda x: x[:7])
    for count in (9, 7, 8, 30):
        assert compiled(rows(count)).shape == (7, 3)
    assert programs_of(compiled) == ["d0 >= 7"]
    for count in (6, 2):
        assert compiled(rows(count)).shape == (count, 3)
    assert programs_of(compiled) == ["d0 <= 6", "d0 >= 7"]


def test_extents_of_two_inputs_need_not_be_equal_for_ever():
    compiled = traced(lambda x, y: tf.concat([x, y], 0), ROWS, ROWS)
    for first, second in ((4, 4), (5, 5), (4, 6), (6, 4), (3, 3)):
        found = compiled(rows(first), rows(second))
        np.testing.assert_array_equal(found, np.concatenate([rows(first), rows(second)]))


def test_random_numbers_go_on_where_the_last_length_ended():
    function = lambda x: tf.random.uniform(tf.shape(x), seed=5)  # noqa: E731
    compiled = traced(function)
    counts = (3, 40, 5, 1, 17, 2, 33, 8, 90, 3)
    tf.random.set_seed(1)
    expected = [function(tf.constant(rows(count))) for count in counts]
    tf.random.set_seed(1)
    for count, numbers in zip(counts, expected, strict=True):
        np.testing.assert_array_equal(compiled(rows(count)), numbers)
    assert len(programs_of(compiled)) == 1


def test_an_index_out_of_bounds_is_named_in_the_shape_of_its_call():
    compiled = traced(lambda x, i: tf.gather(x, i), ROWS, tf.TensorSpec([None, None], tf.int32))
    compiled(rows(4), [[0, 1]])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[1,2\] = 6 is not in \[0, 6\)"
    ):
        compiled(rows(6), [[0, 1, 2], [3, 4, 6]])


def test_threads_have_extents_of_their_own():
    compiled = traced(lambda x: tf.reduce_sum(x * tf.cast(tf.shape(x)[0], tf.float32), 0))
    wrong = []

    def run(start):
        for count in range(start, start + 60, 2):
            if not np.array_equal(compiled(rows(count)), rows(count).sum(0) * count):
                wrong.append(count)

    threads = [threading.Thread(target=run, args=[start]) for start in (2, 3, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_report_says_for_which_extents_a_program_is():
    compiled = traced(lambda x: x[:7])
    assert "extents      d0 >= 7" in str(compiled.explain(rows(9)))


def test_sounds_that_are_too_short_for_a_frame_need_no_program_of_their_own():
    spectra = lambda x: tf.abs(tf.signal.stft(x, 16, 8))  # noqa: E731
    compiled = traced(spectra, tf.TensorSpec([None, None]))
    for batch, length in ((3, 50), (2, 15), (4, 16), (2, 2), (5, 100)):
        x = tf.random.stateless_normal([batch, length], [batch, length])
        found, expected = compiled(x), spectra(x)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, 1e-4, 1e-5)
    assert len(programs_of(compiled)) == 1
