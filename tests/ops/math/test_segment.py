"""Segments against plain loops, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check, ints, values, whole

COMBINE = {"Sum": np.sum, "Mean": np.mean, "Prod": np.prod, "Max": np.max, "Min": np.min}


def by_loop(name, data, ids, count, empty):
    rows = [data[ids == s] for s in range(count)]
    return np.stack(
        [COMBINE[name](r, axis=0) if len(r) else np.full(data.shape[1:], empty) for r in rows]
    )


@pytest.mark.parametrize("name", COMBINE)
def test_sorted_segments(name):
    data, ids = values(5, 2), ints(0, 0, 2, 2, 3)
    expected = by_loop(name, data, ids, 4, 1 if name == "Prod" else 0)
    check(OpCase("Segment" + name, [data, ids], expect=expected, shape_known=False))
    check(OpCase("Segment" + name, [whole(5), ids], gradient=False, shape_known=False))


@pytest.mark.parametrize("name", ["Sum", "Prod", "Max", "Min"])
def test_unsorted_segments(name):
    data, ids = values(5, 2), ints(3, 0, 2, 0, 2)
    empty = {"Sum": 0, "Prod": 1, "Max": np.finfo(np.float64).min, "Min": np.finfo(np.float64).max}[
        name
    ]
    expected = by_loop(name, data, ids, 5, empty)
    smooth = name in ("Sum", "Prod")  # the numbers of empty segments are too large for differences
    check(
        OpCase("UnsortedSegment" + name, [data, ids, np.int32(5)], expect=expected, gradient=smooth)
    )
    check(OpCase(f"Segment{name}V2", [data, ids, np.int32(5)], expect=expected, gradient=smooth))


@pytest.mark.parametrize("name", ["Sum", "Prod", "Max", "Min"])
def test_negative_ids_are_left_out(name):
    data, ids = values(4), ints(1, -1, 0, 1)
    expected = by_loop(name, data, ids, 2, 0)
    check(OpCase("UnsortedSegment" + name, [data, ids, np.int32(2)], expect=expected))


def test_ids_of_a_higher_rank():
    data, ids = values(2, 2, 3), np.array([[0, 1], [1, 0]], np.int32)
    expected = np.stack([data[0, 0] + data[1, 1], data[0, 1] + data[1, 0]])
    check(OpCase("UnsortedSegmentSum", [data, ids, np.int32(2)], expect=expected))


def test_product_with_zeros_has_gradients():
    data = np.array([0.0, 2, 3, 0, 0, 5])
    check(OpCase("UnsortedSegmentProd", [data, ints(0, 0, 0, 1, 1, 1), np.int32(3)]))
    check(OpCase("SegmentProd", [data, ints(0, 0, 0, 1, 1, 1)], shape_known=False))


def test_no_rows():
    check(
        OpCase(
            "SegmentSum",
            [np.zeros((0, 2)), np.zeros(0, np.int32)],
            expect=np.zeros((0, 2)),
            compiles=False,
            shape_known=False,
        )
    )
    check(
        OpCase(
            "UnsortedSegmentSum",
            [np.zeros((0, 2)), np.zeros(0, np.int32), np.int32(2)],
            expect=np.zeros((2, 2)),
            gradient=False,
        )
    )


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        ("SegmentSum", [np.ones(3), ints(0, 2, 1)], "segment ids are not increasing"),
        ("SegmentSum", [np.ones(3), ints(-1, 2, 2)], "out of range"),
        ("SegmentSum", [np.ones(3), ints(0, 2)], "same size as dimension 0"),
        ("SegmentSum", [np.ones(3), np.int32([[0, 1, 2]])], "should be a vector"),
        (
            "UnsortedSegmentSum",
            [np.ones(3), ints(0, 5, 1), np.int32(3)],
            r"segment_ids\[1\] = 5 is out of range \[0, 3\)",
        ),
        ("UnsortedSegmentSum", [np.ones(3), ints(0, 1), np.int32(3)], "does not start with"),
        ("UnsortedSegmentSum", [np.ones(3), ints(0, 1, 1), np.int32(-3)], "must not be negative"),
        (
            "SparseSegmentSum",
            [np.ones(3), ints(0, 1, 5), ints(0, 0, 2)],
            r"indices\[2\] == 5 out of range",
        ),
        ("SparseSegmentSum", [np.ones(3), ints(0, 1, 1), ints(0, 2, 1)], "not increasing"),
        (
            "SparseSegmentSumWithNumSegments",
            [np.ones(3), ints(0, 1, 1), ints(0, 0, 2), np.int32(1)],
            "must be < num_segments",
        ),
    ],
)
def test_bad_arguments(op, inputs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(*inputs)


# -- chosen rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "power"), [("Sum", 0), ("Mean", 1), ("SqrtN", 0.5)])
def test_segments_of_chosen_rows(name, power):
    data, indices, ids = values(4, 2), ints(0, 3, 3, 1), ints(0, 0, 2, 2)
    rows = data[indices]
    expected = np.stack(
        [(rows[0] + rows[1]) / 2**power, np.zeros(2), (rows[2] + rows[3]) / 2**power]
    )
    check(OpCase("SparseSegment" + name, [data, indices, ids], expect=expected, shape_known=False))
    check(
        OpCase(
            "SparseSegment" + name,
            [data, indices, ids],
            {"sparse_gradient": True},
            expect=expected,
            shape_known=False,
        )
    )
    more = np.concatenate([expected, np.zeros((1, 2))])
    check(
        OpCase(
            f"SparseSegment{name}WithNumSegments", [data, indices, ids, np.int32(4)], expect=more
        )
    )


def test_gradients_of_chosen_rows():
    out = raw.SparseSegmentMeanGrad(
        np.float32([1, 2, 3]), ints(0, 1, 1, 2), ints(0, 0, 2, 2), np.int32(4)
    )
    np.testing.assert_allclose(out.numpy(), [0.5, 2, 1.5, 0])
    values_, rows = raw.SparseSegmentSumGradV2(
        np.float32([1, 2, 3]), ints(0, 1, 1, 2), ints(0, 0, 2, 2), np.int32(4)
    )
    np.testing.assert_allclose(values_.numpy(), [1, 4, 3])
    assert rows.numpy().tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_sums_of_integers_wrap_around_whatever_the_order_of_ids(dtype):
    data = np.full(9, np.iinfo(dtype).max, dtype)
    ids = np.array([3, 0, 3, 1, 0, 3, -1, 1, 3])
    expected = [data[ids == segment].sum(dtype=dtype) for segment in range(5)]
    found = raw.UnsortedSegmentSum(data=data, segment_ids=ids, num_segments=5)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["SegmentSum", "SegmentProd", "SegmentMin", "SegmentMax"])
@pytest.mark.parametrize("dtype", ["float32", "int32", "float64"])
def test_segments_of_long_rows(name, dtype):
    r = np.random.default_rng(4)
    data = r.integers(-3, 4, (700, 260)).astype(dtype)
    ids = np.sort(r.choice([0, 1, 4, 5], 700, p=[0.6, 0.2, 0.1, 0.1])).astype(np.int32)
    got = getattr(tf.raw_ops, name)(data=data, segment_ids=ids).numpy()
    reduce = {"Sum": np.sum, "Prod": np.prod, "Min": np.min, "Max": np.max}[name[7:]]
    for i in (0, 1, 4, 5):
        np.testing.assert_array_equal(got[i], reduce(data[ids == i], 0).astype(dtype))


def test_sums_of_many_long_rows_are_exact_to_some_units():
    data = np.full((20000, 256), 0.1, np.float32)
    (got,) = tf.math.segment_sum(data, np.zeros(20000, np.int32)).numpy()
    np.testing.assert_allclose(got, data[:, 0].astype(np.float64).sum(), rtol=4e-6)


def test_short_sums_are_added_one_by_one_as_tensorflow_adds_them():
    numbers = np.full(7, 0.214441, np.float32)
    total = tf.math.unsorted_segment_sum(numbers, np.zeros(7, np.int32), 1)
    assert total.numpy()[0] == np.float32(1.5010871887207031)


@pytest.mark.parametrize("width", [3, 16])
def test_many_gradients_of_chosen_rows_are_added_one_by_one(width):
    r = np.random.default_rng(7)
    grad = r.standard_normal((90, width)).astype("float32")
    rows, ids = r.integers(0, 60, 3000), np.sort(r.integers(0, 90, 3000))
    expected = np.zeros((60, width), np.float32)
    for row, segment in zip(rows, ids, strict=True):
        expected[row] += grad[segment] * np.float32(1 / (ids == segment).sum())
    found = raw.SparseSegmentMeanGrad(grad, rows, ids, np.int32(60))
    np.testing.assert_array_equal(found, expected)


def test_sums_of_more_rows_than_a_short_one_keep_their_accuracy():
    grad, rows = np.full((1, 16), 0.1, np.float32), np.zeros(200_000, np.int32)
    found = raw.SparseSegmentSumGrad(grad, rows, rows, np.int32(1))
    np.testing.assert_allclose(found, np.full((1, 16), np.float64(np.float32(0.1)) * 2e5), 1e-5)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_means_of_large_integers_are_exact(dtype):
    most = np.iinfo(dtype).max
    data = np.array([2**53 + 1, most, most - 3, 1, 1], dtype)
    found = tf.math.segment_mean(data, [0, 1, 2, 2, 2])
    np.testing.assert_array_equal(found, np.array([2**53 + 1, most, (most - 1) // 3], dtype))


def test_means_of_integers_are_truncated():
    found = tf.math.segment_mean(np.array([-3, -4, 3, 4]), [0, 0, 1, 1])
    np.testing.assert_array_equal(found, [-3, 3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("name", ["Sum", "Prod", "Max", "Min"])
def test_long_segments_of_a_vector_are_combined_as_one_by_one(name, dtype):
    generator = np.random.default_rng(4)
    ids = np.sort(generator.choice([0, 1, 3, 4, 4, 4], 700)).astype(np.int32)
    data = generator.integers(-9, 9, 700).astype(dtype)
    if np.issubdtype(dtype, np.floating) and name in ("Max", "Min"):
        data[ids == 1] = -np.abs(data[ids == 1]) if name == "Max" else np.abs(data[ids == 1])
        data[np.flatnonzero(ids == 1)[[9, 40]]] = 0.0, -0.0
        data[np.flatnonzero(ids == 3)[17]] = np.nan
    step = {"Sum": np.add, "Prod": np.multiply, "Max": np.maximum, "Min": np.minimum}[name]
    with np.errstate(over="ignore"):
        expected = [
            step.accumulate(data[ids == s])[-1] if (ids == s).any() else int(name == "Prod")
            for s in range(5)
        ]
    with np.errstate(all="ignore"):
        combined = getattr(raw, "Segment" + name)(data, ids).numpy()
    if name in ("Max", "Min") and np.issubdtype(dtype, np.floating):
        assert np.signbit(combined[1]) == np.signbit(data[(ids == 1) & (data == 0)][0])
    np.testing.assert_allclose(combined, np.array(expected, dtype), rtol=1e-5)


def test_unordered_ids_are_found_after_many_of_one_segment():
    ids = np.repeat(np.array([0, 2], np.int32), 40)
    ids[30] = -1
    with pytest.raises(InvalidArgumentError, match="segment ids are not increasing"):
        raw.SegmentSum(np.ones(80, np.float32), ids)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, tf.bfloat16.as_numpy_dtype])
@pytest.mark.parametrize("rows", [7, 500])
@pytest.mark.parametrize("width", [1, 3, 40])
def test_chosen_rows_are_combined_as_gathered_ones(dtype, rows, width):
    generator = np.random.default_rng(5)
    data = generator.normal(size=(rows, width)).astype(dtype)
    indices = generator.integers(0, rows, 300)
    ids = np.sort(generator.integers(0, 6, 300))
    for chosen, gathered in ((tf.sparse.segment_sum, tf.math.segment_sum),
                             (tf.sparse.segment_mean, tf.math.segment_mean)):  # fmt: skip
        np.testing.assert_array_equal(chosen(data, indices, ids), gathered(data[indices], ids))
