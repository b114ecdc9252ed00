"""What is known of numbers while lowering."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core import dtypes
from penstock._src.ir.builder import Builder


@pytest.fixture
def p():
    return Builder()


def unknown(p, dtype=dtypes.int32, shape=(5,)):
    return p.parameter(0, shape, dtype)


def test_clipped_numbers_have_ends(p):
    x = p.minimum(p.maximum(p.cast(unknown(p, dtypes.float32), dtypes.int32), 3), 200)
    assert p.bounds(x) == (3, 200)
    assert p.bounds(p.reduce_max(x, [0])) == (3, 200)
    assert p.bounds(p.reduce_sum(x, [0])) == (15, 1000)
    assert p.bounds(p.sub(x, 10)) == (-7, 190)
    assert p.bounds(p.mod(unknown(p), 7)) == (0, 6)
    assert p.bounds(p.and_(unknown(p), 15)) == (0, 15)


def test_a_single_possibility_is_a_known_number(p):
    x = p.minimum(p.maximum(unknown(p), 0), 255)
    assert p.dims(p.maximum(p.add(p.reduce_max(x, [0]), 1), 256)) == [256]
    assert p.dims(p.maximum(p.add(p.reduce_max(x, [0]), 1), 255)) is None


def test_numbers_that_wrap_around_have_all_values(p):
    assert p.bounds(p.add(unknown(p), 1)) == (-(2**31), 2**31 - 1)
    assert p.bounds(p.cast(unknown(p), dtypes.int8)) == (-128, 127)
    assert p.bounds(unknown(p, dtypes.float32)) is None
    assert p.bounds(p.minimum(unknown(p, dtypes.float32), 1.0)) is None  # NaN


def test_an_iota_is_rounded_and_wraps_as_its_type_does(p):
    assert p.bounds(p.iota((300,), 0, dtypes.bfloat16)) == (0, 300)
    assert p.bounds(p.iota((300,), 0, dtypes.int8)) == (-128, 127)
    assert p.bounds(p.iota((128,), 0, dtypes.int8)) == (0, 127)
    assert p.bounds(p.iota((70000,), 0, dtypes.float16)) is None  # infinite
    assert p.bounds(p.iota((300,), 0, dtypes.float32)) == (0, 299)


def test_a_size_from_rounded_numbers_is_the_largest_of_them():
    @tf.function
    def ones(i):
        sizes = tf.cast(tf.range(0.0, 300.0, dtype=tf.bfloat16), tf.int32)
        return tf.ones([sizes[i]])

    assert ones(tf.constant(299)).shape == [300]  # bfloat16 has no 299
    assert ones(tf.constant(257)).shape == [256]


def test_casts_of_ends(p):
    x = p.minimum(p.maximum(unknown(p), 0), 70000)
    assert p.bounds(p.cast(x, dtypes.float16)) is None  # infinity times 0 is NaN
    assert p.bounds(p.cast(x, dtypes.bfloat16)) == (0, 70144)
    assert p.bounds(p.cast(unknown(p, dtypes.uint64), dtypes.bfloat16)) == (0, 2.0**64)


def test_differences_of_unknown_numbers(p):
    x = unknown(p, shape=())
    assert p.difference(x, p.add(p.sub(x, 3), 5)) == 2
    assert p.difference(x, p.add(x, unknown(p, shape=()))) is None


def test_random_windows_are_cut_in_the_program():
    @tf.function
    def crop(x):
        at = tf.cast(tf.random.stateless_uniform([], [1, 2], maxval=9.0), tf.int32)
        return at, x[:, at : at + 8], x[:, at : at + 9]

    x = np.arange(32).reshape(2, 16)
    at, fits, may_be_cut = crop(x)
    np.testing.assert_array_equal(fits, x[:, at : at + 8])
    np.testing.assert_array_equal(may_be_cut, x[:, at : at + 9])
    (trace,) = crop._list_all_concrete_functions()
    on_host = trace.graph_function.executable.host_ops
    assert set(on_host) <= {"strided_slice_1"}


def test_counts_of_clipped_numbers_have_a_known_size():
    @tf.function
    def counts(x):
        return tf.math.bincount(tf.clip_by_value(x, 0, 9), minlength=10)

    assert counts(np.array([3, 3, 50])).numpy().tolist() == [0, 0, 0, 2, 0, 0, 0, 0, 0, 1]
    (trace,) = counts._list_all_concrete_functions()
    assert not trace.graph_function.executable.host_ops


def test_numbers_around_zero_are_neither_true_nor_false(p):
    assert p.bounds(p.cast(unknown(p), dtypes.bool_)) == (0, 1)
    assert p.bounds(p.cast(p.maximum(unknown(p), 1), dtypes.bool_)) == (1, 1)
    assert p.bounds(p.cast(p.constant([-1, 1]), dtypes.bool_)) == (1, 1)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "int64", "float32"])
def test_integers_choose_branches(kind):
    chosen = tf.function(lambda d: tf.cond(tf.cast(d, tf.bool), lambda: 1, lambda: 0))
    assert [int(chosen(tf.constant(d, kind))) for d in (0, 1, 3)] == [0, 1, 1]
