"""Sets in rows of sparse tensors: what is refused."""

import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize(
    "indices, shape, said",
    [
        ([[0, 0], [5, 0]], [2, 3], r"indices\[1\] = \[5,0\] is out of bounds"),
        ([[1, 0], [0, 0]], [2, 3], r"indices\[1\] = \[0,0\] is out of order"),
        ([[0], [1]], [2], "Invalid rank 1"),
    ],
)
def test_indices_of_sets_are_checked(indices, shape, said):
    given = {"set_indices": np.array(indices), "set_values": [1, 1], "set_shape": np.array(shape)}
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        tf.raw_ops.SetSize(**given)


def test_without_checks_an_index_outside_is_an_internal_error():
    given = {"set_values": [1], "set_shape": np.array([2, 3]), "validate_indices": False}
    with pytest.raises(tf.errors.InternalError, match="expected < 2, got 5"):
        tf.raw_ops.SetSize(set_indices=np.array([[5, 0]]), **given)


def test_without_checks_a_negative_index_is_an_internal_error():
    given = {"set_values": [1], "set_shape": np.array([2, 3]), "validate_indices": False}
    with pytest.raises(tf.errors.InternalError, match="expected >= 0 and < 2, got -1"):
        tf.raw_ops.SetSize(set_indices=np.array([[-1, 0]]), **given)


OPERATIONS = {
    "a-b": lambda a, b: a - b,
    "b-a": lambda a, b: b - a,
    "intersection": lambda a, b: a & b,
    "union": lambda a, b: a | b,
}
DRAWS = {
    "small": lambda random, shape: random.integers(-3, 4, shape).astype(np.int8),
    "far apart": lambda random, shape: random.choice([-(1 << 63), -1, 0, (1 << 63) - 1], shape),
    "strings": lambda random, shape: random.choice(np.array([b"", b"a", b"a\0", b"\xff"], object), shape),
}  # fmt: skip


def rows_of(x):
    """{index of the row: set of elements} of a dense or a sparse tensor."""
    if isinstance(x, tf.SparseTensor):
        pairs = zip(x.indices.numpy()[:, :-1].tolist(), x.values.numpy().tolist(), strict=True)
    else:
        pairs = ((index[:-1], value) for index, value in np.ndenumerate(x))
    rows = {}
    for row, value in pairs:
        rows.setdefault(tuple(row), set()).add(value)
    return rows


@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 6), (0, 3), (3, 0), (2, 0, 2)])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("draw", DRAWS)
def test_operations_of_rows_are_those_of_sets(draw, operation, shape):
    random = np.random.default_rng(0)
    a, b = (DRAWS[draw](random, shape) for _ in range(2))
    kept = np.argwhere(random.random(shape) < 0.6)
    sparse = tf.SparseTensor(kept, b[tuple(kept.T)], shape)
    raw = tf.raw_ops
    given = {"set2_indices": kept, "set2_values": sparse.values, "set2_shape": np.array(shape)}
    whole = {"set1_indices": np.argwhere(np.ones(shape, bool)), "set1_values": a.reshape(-1)}
    given |= {"set_operation": operation}
    results = [
        (b, raw.DenseToDenseSetOperation(set1=a, set2=b, set_operation=operation)),
        (sparse, raw.DenseToSparseSetOperation(set1=a, **given)),
        (sparse, raw.SparseToSparseSetOperation(**whole, set1_shape=np.array(shape), **given)),
    ]
    for second, (indices, values, sizes) in results:
        first, other = rows_of(a), rows_of(second)
        expected = [
            ((*row, at), value)
            for row in sorted(first.keys() | other.keys())
            for at, value in enumerate(
                sorted(OPERATIONS[operation](first.get(row, set()), other.get(row, set())))
            )
        ]
        assert list(map(tuple, indices.numpy().tolist())) == [index for index, _ in expected]
        assert values.numpy().tolist() == [value for _, value in expected]
        widest = max([index[-1] + 1 for index, _ in expected], default=0)
        assert sizes.numpy().tolist() == [*shape[:-1], widest]
        assert values.dtype == tf.constant(a).dtype


def test_rows_and_values_may_be_more_than_a_word_numbers():
    extent, far = 1 << 30, 1 << 29
    result = tf.raw_ops.SparseToSparseSetOperation(
        set1_indices=[[far, 5, 0]], set1_values=[2**40], set1_shape=[extent, extent, 2],
        set2_indices=[[3, far, 0]], set2_values=[1], set2_shape=[extent, extent, 2],
        set_operation="union",
    )  # fmt: skip
    assert result.result_indices.numpy().tolist() == [[3, far, 0], [far, 5, 0]]
    assert result.result_values.numpy().tolist() == [1, 2**40]


def test_size_counts_distinct_elements():
    sizes = tf.raw_ops.SetSize(
        set_indices=[[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 2, 0]],
        set_values=[b"b", b"a", b"b", b"a"],
        set_shape=[2, 3, 3],
    )
    assert sizes.numpy().tolist() == [[2, 0, 0], [0, 0, 1]]
    none = tf.zeros([0, 2], tf.int64), tf.zeros([0], tf.int32)
    empty = tf.raw_ops.SetSize(set_indices=none[0], set_values=none[1], set_shape=[3, 3])
    assert empty.numpy().tolist() == [0, 0, 0]
