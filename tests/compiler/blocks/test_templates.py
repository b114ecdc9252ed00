"""Programs for inputs of other shapes, made by planning kernels again, are those that all stages give."""

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import penstock as tf
from penstock._src.compiler.blocks import block, templates
from penstock._src.core.errors import InternalError
from penstock._src.util.flags import override

ROWS = tf.TensorSpec([None, 6])
RANDOM = np.random.default_rng(0)


def numbers(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


@pytest.fixture(autouse=True)
def templates_are_used(monkeypatch):
    """Neither does the host run steps of many shapes, nor are templates compared with all stages each time."""
    monkeypatch.setattr(block, "MANY_SHAPES", 10**9)
    with override(verify=False):
        yield


def whole_ways(monkeypatch):
    """A list that grows each time all stages are gone through."""
    made, specialize = [], block.specialize

    def noted(section, values):
        made.append(section.name)
        return specialize(section, values)

    monkeypatch.setattr(block, "specialize", noted)
    return made


def attention(x, y):
    scores = tf.nn.softmax(tf.matmul(x, y, transpose_b=True) / 2.0)
    return tf.nn.gelu(scores @ y) + x, tf.reduce_mean(scores, 0)


def movements(x, y):
    both = tf.concat([x, y, x], 0)
    turned = tf.reshape(tf.transpose(both), [-1])
    padded = tf.pad(tf.matmul(x, y, transpose_b=True), [[1, 2], [0, 1]])
    kept = tf.gather(both, tf.range(tf.shape(x)[0]) // 2)
    return tf.cumsum(turned)[::3], padded[1:-1, ::2], tf.reverse(kept, [0]), tf.tile(x, [2, 1])


def pooled(x, y):
    image = tf.matmul(x, y, transpose_b=True)[None, :, :, None]
    image = tf.nn.conv2d(image, tf.ones([3, 3, 1, 4]), 1, "SAME")
    return tf.nn.max_pool2d(image, 2, 2, "VALID"), tf.nn.avg_pool2d(image, 3, 2, "SAME")


def rounds(x, y):
    state = tf.zeros([6])
    for row in x:
        state = tf.tanh(state + row)
    return state, tf.reduce_max(y, 0), tf.sort(y, 0)[:2], tf.argmax(x, 0)


def slopes(x, y):
    with tf.GradientTape() as tape:
        tape.watch([x, y])
        made = tf.reduce_sum(tf.tanh(x) @ tf.reduce_mean(y, 0)[:, None]) * tf.norm(y)
    return tape.gradient(made, [x, y])


FUNCTIONS = [attention, movements, pooled, rounds, slopes]
SIZES = st.lists(st.integers(2, 60), min_size=12, max_size=24)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@settings(max_examples=6, deadline=None, phases=[Phase.generate])
@given(sizes=SIZES)
def test_no_template_gives_another_plan_than_all_stages(function, sizes):
    """PENSTOCK_VERIFY goes all the way for each shape, and raises if a template would give something else."""
    compiled = tf.function(function, input_signature=[ROWS, ROWS])
    with override(verify=True):
        for n in sizes:
            assert all(np.isfinite(x).all() for x in compiled(numbers(n, 6), numbers(n, 6)))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_results_of_many_shapes_are_those_of_the_host(function):
    compiled = tf.function(function, input_signature=[ROWS, ROWS])
    for _ in range(40):
        x, y = numbers(n := RANDOM.integers(2, 60), 6), numbers(n, 6)
        wanted = function(tf.constant(x), tf.constant(y))
        for a, b in zip(compiled(x, y), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_shapes_between_others_are_planned_alone(monkeypatch):
    w = tf.Variable(numbers(6, 1))
    step = tf.function(
        lambda x: w.assign_add(tf.reduce_mean(x, 0)[:, None] * 0.1), input_signature=[ROWS]
    )
    monkeypatch.setattr(templates, "_is_power", lambda *_: False)
    made = whole_ways(monkeypatch)
    for n in (5, 7, 50, 100, 31, 11):
        step(numbers(n, 6))
    made.clear()
    before, x = w.numpy(), numbers(37, 6)
    step(x)
    assert not made
    np.testing.assert_allclose(w, before + x.mean(0)[:, None] * 0.1, rtol=1e-5)


def test_shapes_beyond_others_go_through_all_stages(monkeypatch):
    f = tf.function(lambda x: tf.reduce_sum(x, 0), input_signature=[ROWS])
    made = whole_ways(monkeypatch)
    for n in (5, 7, 50, 100, 31, 11):
        f(numbers(n, 6))
    made.clear()
    f(numbers(101, 6))
    assert made


def test_a_refused_index_is_told_as_ever(monkeypatch):
    f = tf.function(
        lambda x, i: tf.reduce_sum(tf.gather(x, i)),
        input_signature=[ROWS, tf.TensorSpec([None], tf.int32)],
    )
    monkeypatch.setattr(templates, "_is_power", lambda *_: False)
    for n in (5, 7, 50, 100, 31, 11):
        f(numbers(n, 6), np.zeros(n, np.int32))
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[3\] = 44 is not in \[0, 37\)"
    ):
        f(numbers(37, 6), np.int32([0, 1, 2, 44, *[0] * 33]))


def test_a_template_that_fails_is_given_up(monkeypatch):
    """Also what was made of it before goes: the whole way is gone for each shape again."""
    f = tf.function(lambda x: tf.reduce_sum(tf.tanh(x), 0), input_signature=[ROWS])
    for n in (5, 7, 50, 100, 31, 11):
        f(numbers(n, 6))
    monkeypatch.setattr(templates, "_is_power", lambda *_: True)
    monkeypatch.setattr(templates, "identity", lambda plan: object())
    made = whole_ways(monkeypatch)
    x = numbers(37, 6)
    for n in (37, 38, 39):
        np.testing.assert_allclose(f(numbers(n, 6)).shape, [6])
    assert len(made) == 3
    np.testing.assert_allclose(f(x), np.tanh(x).sum(0), rtol=1e-4)


def test_verification_says_that_a_template_fails(monkeypatch):
    f = tf.function(lambda x: tf.reduce_sum(tf.tanh(x), 0), input_signature=[ROWS])
    for n in (5, 7, 50, 100, 31, 11):
        f(numbers(n, 6))
    monkeypatch.setattr(templates, "identity", lambda plan: object())
    with override(verify=True), pytest.raises(InternalError, match="a template gives another plan"):
        f(numbers(37, 6))


def test_templates_may_be_left_out(monkeypatch):
    with override(disable="templates"):
        f = tf.function(lambda x: tf.reduce_sum(x, 0), input_signature=[ROWS])
        for n in (5, 7, 50, 100, 31, 11):
            f(numbers(n, 6))
        made = whole_ways(monkeypatch)
        f(numbers(37, 6))
        assert made
