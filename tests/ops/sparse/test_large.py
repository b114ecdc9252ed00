"""Sparse tensors of many elements, whose order and groups are found by other means than those of few."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.sparse.tensor import stable_order

SHAPE = (300, 7, 200)


def drawn(seed, count=15_000, shape=SHAPE):
    """A sparse tensor in order."""
    random = np.random.default_rng(seed)
    places = np.sort(random.choice(int(np.prod(shape)), count, replace=False))
    indices = np.stack(np.unravel_index(places, shape), -1)
    return tf.SparseTensor(indices, random.integers(-9, 10, count).astype(np.float32), shape)


def shuffled(x, seed):
    order = np.random.default_rng(seed).permutation(len(x.values))
    return tf.SparseTensor(x.indices.numpy()[order], x.values.numpy()[order], x.dense_shape)


def dense(x):
    out = np.zeros(x.dense_shape.numpy(), x.values.numpy().dtype)
    np.add.at(out, tuple(x.indices.numpy().T), x.values.numpy())
    return out


def assert_in_order(x):
    places = np.ravel_multi_index(x.indices.numpy().T, x.dense_shape.numpy())
    assert (np.diff(places) > 0).all()


@pytest.mark.parametrize("sizes", [(15_000, 15_000), (15_000, 6_000), (0, 21_000), (21_000, 0)])
def test_union_of_two_has_each_element_once_and_in_order(sizes):
    a, b = (drawn(seed, count) for seed, count in enumerate(sizes))
    total, largest = tf.sparse.add(a, b), tf.sparse.maximum(a, b)
    for x in (total, largest):
        assert_in_order(x)
    np.testing.assert_array_equal(dense(total), dense(a) + dense(b))
    np.testing.assert_array_equal(dense(largest), np.maximum(dense(a), dense(b)))
    either = {*map(tuple, a.indices.numpy().tolist()), *map(tuple, b.indices.numpy().tolist())}
    assert len(total.values) == len(either)


def test_union_of_elements_out_of_order_is_in_order():
    a, b = shuffled(drawn(1), 3), drawn(2)
    total = tf.sparse.add(a, b)
    assert_in_order(total)
    np.testing.assert_array_equal(dense(total), dense(a) + dense(b))


def test_sum_of_common_elements_is_dropped_if_it_is_nan_or_below_the_threshold():
    indices = np.stack([np.arange(12_000), np.zeros(12_000, int)], -1)
    one = np.resize(np.float32([1, np.nan, 3, -2]), 12_000)
    a = tf.SparseTensor(indices, one, [12_001, 1])
    b = tf.SparseTensor(
        indices + [1, 0], np.resize(np.float32([-1, 0, 0.25, 2]), 12_000), [12_001, 1]
    )
    total = tf.sparse.add(a, b, threshold=0.5)
    # Sums of elements 1, 2, 3, 4: nan - 1, 3 + 0, -2 + .25, 1 + 2; the first and last element are alone.
    np.testing.assert_array_equal(total.values[:5], np.float32([1, 3, -1.75, 3, 3]))
    assert len(total.values) == 12_001 - 3_000
    np.testing.assert_array_equal(total.indices[-1], [12_000, 0])


def test_reordered_elements_keep_the_order_of_equal_indices():
    random = np.random.default_rng(0)
    indices = random.integers(0, 40, (30_000, 2))
    x = tf.SparseTensor(indices, np.arange(30_000), [40, 40])
    ordered = tf.sparse.reorder(x)
    expected = sorted(range(30_000), key=lambda i: (*indices[i], i))
    np.testing.assert_array_equal(ordered.values, expected)
    np.testing.assert_array_equal(ordered.indices, indices[expected])


def test_reordered_elements_may_have_places_of_63_bits():
    extent = 1 << 31
    indices = np.array([[extent - 1, extent - 1], [0, 5], [extent - 1, 0], [0, 4]])
    ordered = tf.sparse.reorder(tf.SparseTensor(indices, [0, 1, 2, 3], [extent, extent]))
    np.testing.assert_array_equal(ordered.values, [3, 1, 2, 0])


@pytest.mark.parametrize("axes", [[0], [2], [0, 2], [1], [0, 1, 2]])
@pytest.mark.parametrize("change", [lambda x: x, lambda x: shuffled(x, 5)])
def test_reductions_group_elements_in_any_order(axes, change):
    x = change(drawn(4))
    np.testing.assert_array_equal(tf.sparse.reduce_sum(x, axes), dense(x).sum(tuple(axes)))
    by_group = {}
    for index, value in zip(x.indices.numpy(), x.values.numpy(), strict=True):
        by_group.setdefault(tuple(np.delete(index, axes)), []).append(value)
    largest = tf.sparse.reduce_max(x, axes, output_is_sparse=True)
    assert dict(
        zip(map(tuple, largest.indices.numpy().tolist()), largest.values.numpy(), strict=True)
    ) == {tuple(map(int, key)): max(values) for key, values in by_group.items()}


@pytest.mark.parametrize("change", [lambda x: x, lambda x: shuffled(x, 5)])
def test_empty_rows_are_filled_whatever_the_order(change):
    x = change(drawn(6, 400, (1000, 5)))
    filled, is_empty = tf.sparse.fill_empty_rows(x, np.float32(7))
    rows = x.indices.numpy()[:, 0]
    empty = np.setdiff1d(np.arange(1000), rows)
    np.testing.assert_array_equal(np.flatnonzero(is_empty), empty)
    order = np.argsort(np.concatenate([rows, empty]), kind="stable")
    indices = np.concatenate([x.indices.numpy(), np.stack([empty, 0 * empty], -1)])[order]
    np.testing.assert_array_equal(filled.indices, indices)
    values = np.concatenate([x.values.numpy(), np.full(len(empty), 7, np.float32)])[order]
    np.testing.assert_array_equal(filled.values, values)


def test_softmax_of_rows_in_any_order_is_that_of_rows_in_order():
    x = shuffled(drawn(7), 8)
    by_place = np.lexsort(x.indices.numpy().T[::-1])
    expected = tf.sparse.softmax(tf.sparse.reorder(x)).values
    np.testing.assert_allclose(tf.sparse.softmax(x).values.numpy()[by_place], expected, 1e-5)


def test_slice_has_the_elements_inside_and_at_most_the_rest_of_the_shape():
    x = drawn(9)
    start, size = [40, 2, 10], [200, 3, 1 << 62]
    part = tf.sparse.slice(x, start, size)
    np.testing.assert_array_equal(tf.sparse.to_dense(part), dense(x)[40:240, 2:5, 10:])
    last = tf.raw_ops.SparseSlice(
        indices=[[0], [1]], values=[1.0, 2.0], shape=[3], start=[1], size=[(1 << 63) - 1]
    )
    assert (last.output_values.numpy().tolist(), last.output_shape.numpy().tolist()) == ([2.0], [2])


@pytest.mark.parametrize(
    "indices, values, size, message",
    [
        ([[0, 1], [1, 1]], [1.0, 2.0], [2], "rank"),
        ([[0], [1]], [1.0], [2], "not compatible"),
        ([[0], [1]], [1.0, 2.0], [-2], "non-negative size, got"),
    ],
)
def test_slice_refuses_parts_that_do_not_fit(indices, values, size, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.raw_ops.SparseSlice(indices=indices, values=values, shape=[3], start=[0], size=size)


def test_dense_operand_is_broadcast_to_the_elements():
    x = drawn(10)
    factors = np.arange(200, dtype=np.float32)
    for operand in (factors, np.float32(3), np.arange(7, dtype=np.float32)[None, :, None]):
        product = tf.SparseTensor(
            x.indices,
            tf.raw_ops.SparseDenseCwiseMul(
                sp_indices=x.indices, sp_values=x.values, sp_shape=x.dense_shape, dense=operand
            ),
            SHAPE,
        )
        np.testing.assert_array_equal(dense(product), dense(x) * operand)
    np.testing.assert_array_equal(tf.sparse.add(x, np.ones(SHAPE, np.float32)), dense(x) + 1)


@pytest.mark.parametrize("size", [0, 1, 30, 499, 500, 3000])
def test_equal_numbers_keep_their_order_at_any_size(size):
    numbers = np.random.default_rng(size).integers(-1 if size == 3000 else 0, 20, size)
    np.testing.assert_array_equal(stable_order(numbers), np.argsort(numbers, kind="stable"))
    np.testing.assert_array_equal(stable_order(numbers + 1), np.argsort(numbers, kind="stable"))
