"""Ranges, counts, complex parts and special functions of several arguments."""

import numpy as np
import pytest
import scipy.special as special

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from penstock._src.ops.math.range import FIRST
from tests.harness.op_case import OpCase, check, ints, values


@pytest.mark.parametrize(
    ("start", "limit", "delta", "dtype"),
    [
        (0, 5, 1, np.int32),
        (3, 18, 3, np.int64),
        (5, -4, -2, np.int32),
        (0, 0, 1, np.int32),
        (0.0, 1.0, 0.3, np.float32),
        (3.0, 1.0, -0.5, np.float64),
    ],
)
def test_range(start, limit, delta, dtype):
    inputs = [dtype(v) for v in (start, limit, delta)]
    check(
        OpCase(
            "Range",
            inputs,
            expect=np.arange(start, limit, delta, np.float64).astype(dtype),
            name=f"{start}-{limit}",
            gradient=False,
        )
    )


@pytest.mark.parametrize(("first", "step"), [(0, 1), (-7, 1), (2, 3), (0, -2)])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("count", [1, FIRST + 1, 3 * FIRST])
def test_long_ranges_have_the_bits_of_short_ones(count, dtype, first, step):
    numbers = tf.range(dtype(first), dtype(first + count * step), dtype(step))
    expected = np.arange(count).astype(dtype) * dtype(step) + dtype(first)
    assert numbers.numpy().tobytes() == expected.tobytes()


def test_floats_beyond_the_last_exact_integer_are_rounded_once():
    numbers = tf.range(0.0, 2.0**24 + 8)
    np.testing.assert_array_equal(numbers[-4:], np.float32([2**24 + n for n in (4, 4, 6, 8)]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 5, 0), "Requires delta != 0"),
        ((5, 0, 1), "Requires start <= limit"),
        ((0, 5, -1), "Requires start >= limit"),
    ],
)
def test_bad_ranges(arguments, message):
    with pytest.raises(InvalidArgumentError, match=message):
        raw.Range(*[np.int32(a) for a in arguments])


@pytest.mark.parametrize("count", [1, 2, 4, 11])
def test_linspace(count):
    for dtype in (np.float32, np.float64):
        check(
            OpCase(
                "LinSpace",
                [dtype(0.5), dtype(2), np.int32(count)],
                expect=np.linspace(0.5, 2, count),
            )
        )
    with pytest.raises(InvalidArgumentError, match="Requires num > 0"):
        raw.LinSpace(np.float32(0), np.float32(1), np.int32(0))


# -- counts ----------------------------------------------------------------------------------------


def test_bincount():
    arr = ints(1, 1, 5, 0)
    check(
        OpCase("Bincount", [arr, np.int32(3), np.zeros(0, np.float32)], expect=np.array([1, 2, 0]))
    )
    check(
        OpCase("Bincount", [arr, np.int32(3), np.float32([1, 2, 3, 4])], expect=np.array([4, 3, 0]))
    )
    with pytest.raises(InvalidArgumentError, match="must be non-negative"):
        raw.Bincount(ints(-1), np.int32(2), np.zeros(0, np.float32))


def test_dense_bincount():
    none = np.zeros(0, np.float32)
    matrix = np.int32([[1, 1, 5], [0, 1, 2]])
    check(OpCase("DenseBincount", [ints(1, 1, 5), np.int32(3), none], expect=np.array([0, 2, 0])))
    check(
        OpCase(
            "DenseBincount",
            [matrix, np.int32(3), none],
            {"binary_output": True},
            expect=np.array([[0, 1, 0], [1, 1, 1]]),
        )
    )
    weights = np.float32([[1, 2, 3], [4, 5, 6]])
    check(
        OpCase(
            "DenseBincount", [matrix, np.int32(3), weights], expect=np.array([[0, 3, 0], [4, 5, 6]])
        )
    )


def test_bincount_of_ragged_and_sparse_rows():
    none = np.zeros(0, np.float32)
    check(
        OpCase(
            "RaggedBincount",
            [np.int64([0, 2, 3]), ints(1, 1, 0), np.int32(2), none],
            expect=np.array([[0, 2], [1, 0]]),
        )
    )
    inputs = [
        np.int64([[0, 0], [0, 1], [1, 0]]),
        ints(1, 1, 0),
        np.int64([2, 2]),
        np.int32(2),
        none,
    ]
    check(OpCase("SparseBincount", inputs, expect=np.array([[0, 2], [1, 0]])))


def test_histogram():
    x = np.float32([-1, 0, 1.5, 2, 5, 15])
    check(
        OpCase(
            "HistogramFixedWidth",
            [x, np.float32([0, 5]), np.int32(5)],
            expect=np.array([2, 1, 1, 0, 2]),
        )
    )
    with pytest.raises(InvalidArgumentError, match="NaN"):
        raw.HistogramFixedWidth(np.float32([np.nan]), np.float32([0, 5]), np.int32(5))


def test_bucketize():
    check(
        OpCase(
            "Bucketize",
            [np.float32([-1, 5, 10])],
            {"boundaries": [0.0, 5.0, 10.0]},
            expect=np.array([0, 2, 3]),
        )
    )
    with pytest.raises(InvalidArgumentError, match="sorted"):
        raw.Bucketize(np.float32([1]), boundaries=[0.0, 5.0, 3.0])


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_integers_are_compared_with_boundaries_as_float32(dtype):
    edge = 1 << 25  # float32 holds every fourth integer after it
    numbers = np.array([edge + 2, edge + 3, edge + 4, -5], dtype)
    case = {"boundaries": [0.0, edge + 4.0]}
    check(OpCase("Bucketize", [numbers], case, expect=np.array([1, 2, 2, 0])))


# -- complex numbers -------------------------------------------------------------------------------


def test_parts_of_complex_numbers():
    z = values(3, dtype=np.complex128)
    double = {"Tout": "float64"}
    for op, function in (
        ("Real", np.real),
        ("Imag", np.imag),
        ("Angle", np.angle),
        ("ComplexAbs", np.abs),
    ):
        check(OpCase(op, [z], double, expect=function, compiles=False))
        single = z.astype(np.complex64)
        check(
            OpCase(
                op, [single], {"Tout": "float32"}, expect=function, gradient=False, compiles=False
            )
        )
    check(OpCase("Conj", [z], expect=np.conj, compiles=False))
    x, y = values(2, 3), values(3)
    check(OpCase("Complex", [x, y], {"Tout": "complex128"}, expect=x + 1j * y, compiles=False))


# -- special functions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "function"),
    [("Igamma", special.gammainc), ("Igammac", special.gammaincc)],
)
def test_incomplete_gamma(op, function):
    a, x = np.array([0.5, 1, 3, 10.0]), np.array([0.2, 2, 2.5, 12.0])
    check(OpCase(op, [a, x], expect=function, tolerance=(1e-9, 1e-9)))


def test_other_special_functions():
    x = values(3, low=1.5, high=3)
    q = values(3, low=0.5, high=3)
    check(OpCase("Zeta", [x, q], expect=special.zeta, gradient=False))
    check(
        OpCase(
            "Polygamma",
            [np.array([0.0, 1, 2]), q],
            expect=special.polygamma([0, 1, 2], q),
            gradient=False,
        )
    )
    p = values(3, low=0.1, high=0.9)
    check(OpCase("Betainc", [x, q, p], expect=special.betainc, gradient=False))
    assert np.isinf(raw.Zeta(np.float64(2), np.float64([0, -1])).numpy()).all()


def test_sobol_points():
    expected = [[0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75], [0.375, 0.375, 0.625]]
    inputs = [np.int32(3), np.int32(4), np.int32(0)]
    check(OpCase("SobolSample", inputs, expect=np.float32(expected), compiles=False))
    assert raw.SobolSample(np.int32(3), np.int32(1), np.int32(3)).numpy().tolist() == [expected[3]]


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ((0.0, np.inf), "<= 9223372036854775807"),
        ((-1e38, 1.0), "<= 9223372036854775807"),
        ((0.0, np.nan), "start <= limit"),
        ((0.0, 1.0, np.nan), "start >= limit"),
    ],
)
def test_ranges_without_a_count(wrap, ends, says):
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=says):
        wrap(lambda: tf.range(*ends))()


def test_numbers_of_samples_are_scalars():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape must be rank 0 but is rank 1"):
        tf.raw_ops.SobolSample(dim=[1], num_results=2, skip=0)
    with pytest.raises(ValueError, match="Shape must be rank 0 but is rank 1"):
        tf.function(lambda: tf.raw_ops.SobolSample(dim=[1], num_results=2, skip=0))()
