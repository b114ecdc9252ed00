"""Slices, joins, gathers and scatters against NumPy, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.autodiff.gradient_tape import GradientTape
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check, ints, values, whole

X = values(4, 5, 3)


def strided(begin, end, strides, expected, op="StridedSlice", **masks):
    return OpCase(
        op,
        [X, ints(*begin), ints(*end), ints(*strides)],
        masks,
        expect=expected,
        name=f"{begin}{end}{strides}{masks}",
    )


SLICES = [
    OpCase("Slice", [X, ints(1, 0, 2), ints(2, -1, 1)], expect=X[1:3, :, 2:3]),
    OpCase("Slice", [X, ints(4, 0, 0), ints(0, 5, 3)], expect=X[4:4]),
    strided([1], [3], [1], X[1:3]),
    strided([-3], [-1], [1], X[-3:-1]),
    strided([3, 0], [0, 5], [-1, 2], X[3:0:-1, 0:5:2]),
    strided([0, 0], [0, 0], [-2, 1], X[::-2], begin_mask=3, end_mask=3),
    strided([1, 2], [2, 3], [1, 1], X[1, 2], shrink_axis_mask=3),
    strided([0, 1], [0, 2], [1, 1], X[..., 1], ellipsis_mask=1, shrink_axis_mask=2),
    strided(
        [0, 1, 0], [0, 3, 0], [1, 1, 1], X[:, 1:3, None], begin_mask=1, end_mask=1, new_axis_mask=4
    ),
    strided(
        [0, 0, -1],
        [0, 0, 0],
        [1, 1, 1],
        X[None, ..., -1],
        new_axis_mask=1,
        ellipsis_mask=2,
        shrink_axis_mask=4,
    ),
    strided([2], [9], [1], X[2:9]),
    strided([3], [1], [1], X[3:1]),
    strided([1, 1, 1], [2, 2, 2], [1, 1, 1], X[1, 1, 1], shrink_axis_mask=7),
]


@pytest.mark.parametrize("case", SLICES, ids=str)
def test_slices(case):
    check(case)


@pytest.mark.parametrize("case", [c for c in SLICES if c.op == "StridedSlice"], ids=str)
def test_gradients_and_updates_of_slices(case):
    bounds = case.inputs[1:]
    dy = values(*np.shape(case.expect), seed=9)
    place = raw.StridedSlice(np.arange(X.size).reshape(X.shape), *bounds, **case.attrs).numpy()
    expected = np.zeros(X.size)
    expected[place.ravel()] = dy.ravel()
    check(
        OpCase(
            "StridedSliceGrad",
            [ints(*X.shape), *bounds, dy],
            case.attrs,
            expect=expected.reshape(X.shape),
            name=case.name,
        )
    )
    expected = X.copy().reshape(-1)
    expected[place.ravel()] = dy.ravel()
    check(
        OpCase(
            "TensorStridedSliceUpdate",
            [X, *bounds, dy],
            case.attrs,
            expect=expected.reshape(X.shape),
            name=case.name,
        )
    )


@pytest.mark.parametrize(
    ("op", "inputs", "attrs", "message"),
    [
        ("Slice", [np.ones(3), ints(1), ints(5)], {}, r"Expected size\[0\] in \[0, 2\], but got 5"),
        (
            "Slice",
            [np.ones(3), ints(4), ints(-1)],
            {},
            r"Expected begin\[0\] in \[0, 3\], but got 4",
        ),
        ("Slice", [np.ones(3), ints(0, 0), ints(1, 1)], {}, "1-D tensors of size 1"),
        (
            "StridedSlice",
            [np.ones(3), ints(5), ints(6), ints(1)],
            {"shrink_axis_mask": 1},
            "slice index 5 of dimension 0 out of bounds",
        ),
        (
            "StridedSlice",
            [np.ones(3), ints(0), ints(6), ints(0)],
            {},
            r"strides\[0\] must be non-zero",
        ),
        (
            "StridedSlice",
            [np.ones(3), ints(0, 0), ints(6, 1), ints(1, 1)],
            {},
            "Index out of range using input dim 1",
        ),
        (
            "StridedSlice",
            [np.ones(3), ints(0), ints(1), ints(-1)],
            {"shrink_axis_mask": 1},
            "only stride 1 allowed",
        ),
        (
            "StridedSlice",
            [np.ones(3), ints(0, 0), ints(6, 1), ints(1, 1)],
            {"ellipsis_mask": 3},
            "Multiple ellipses",
        ),
        (
            "StridedSlice",
            [np.ones(3), ints(0, 0), ints(6), ints(1, 1)],
            {},
            "1D equal size tensors",
        ),
        (
            "StridedSliceGrad",
            [ints(3), ints(0), ints(2), ints(1), np.ones(3)],
            {},
            r"shape of dy was \[3\] instead of \[2\]",
        ),
        (
            "TensorStridedSliceUpdate",
            [np.ones(3), ints(0), ints(2), ints(1), np.ones(3)],
            {},
            "Cannot broadcast",
        ),
    ],
)
def test_bad_slices(op, inputs, attrs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(*inputs, **attrs)


# -- joining and cutting ---------------------------------------------------------------------------

A, B = values(2, 3), values(2, 2, seed=1)
JOINS = [
    OpCase("ConcatV2", [[A, B], np.int32(1)], expect=np.concatenate([A, B], 1)),
    OpCase("ConcatV2", [[A, A, A[:0]], np.int64(-2)], expect=np.concatenate([A, A])),
    OpCase("Concat", [np.int32(-1), [A, B]], expect=np.concatenate([A, B], 1)),
    OpCase(
        "ConcatOffset", [np.int32(0), [ints(1, 2), ints(3, 2)]], expect=[ints(0, 0), ints(1, 0)]
    ),
    OpCase("ParallelConcat", [[A[:1], A[1:]]], {"shape": [2, 3]}, expect=A),
    OpCase("Pack", [[A, 2 * A]], {"axis": 1}, expect=np.stack([A, 2 * A], 1)),
    OpCase("Pack", [[A, 2 * A]], {"axis": -1}, expect=np.stack([A, 2 * A], -1)),
    OpCase("Pack", [[np.float64(1), np.float64(2)]], expect=np.array([1.0, 2])),
    OpCase("Unpack", [A], {"num": 3, "axis": 1}, expect=[A[:, 0], A[:, 1], A[:, 2]]),
    OpCase("Unpack", [A[0]], {"num": 3}, expect=[A[0, i] for i in range(3)]),
    OpCase("Split", [np.int32(1), A], {"num_split": 3}, expect=np.split(A, 3, 1)),
    OpCase("SplitV", [A, ints(1, -1), np.int32(1)], {"num_split": 2}, expect=[A[:, :1], A[:, 1:]]),
    OpCase(
        "SplitV", [A, np.int64([2, 1]), np.int32(-1)], {"num_split": 2}, expect=[A[:, :2], A[:, 2:]]
    ),
]


@pytest.mark.parametrize("case", JOINS, ids=str)
def test_joins(case):
    check(case)


@pytest.mark.parametrize(
    ("op", "inputs", "attrs", "message"),
    [
        (
            "ConcatV2",
            [[np.ones(2), np.ones(1)], np.int32(1)],
            {},
            r"in the range \[-1, 1\), but got 1",
        ),
        (
            "ConcatV2",
            [[np.ones((2, 3)), np.ones((3, 2))], np.int32(0)],
            {},
            "Dimension 1 in both shapes must be equal",
        ),
        (
            "ConcatV2",
            [[np.ones((2, 3)), np.ones(2)], np.int32(0)],
            {},
            "Ranks of all input tensors should match",
        ),
        (
            "ConcatV2",
            [[np.float32(1), np.float32(1)], np.int32(0)],
            {},
            "Can't concatenate scalars",
        ),
        ("Pack", [[np.ones(2), np.ones(1)]], {}, "Shapes of all inputs must match"),
        ("Pack", [[np.ones(2), np.ones(2)]], {"axis": 3}, r"axis = 3 not in \[-2, 2\)"),
        ("Unpack", [np.ones(2)], {"num": 3}, "must equal 3"),
        ("Split", [np.int32(0), np.ones(3)], {"num_split": 2}, "evenly divide the split dimension"),
        ("Split", [np.int32(1), np.ones(3)], {"num_split": 3}, "split_dim < input rank"),
        ("SplitV", [np.ones(3), ints(1, 1), np.int32(0)], {"num_split": 2}, "Determined shape"),
        ("SplitV", [np.ones(3), ints(-1, -1), np.int32(0)], {"num_split": 2}, "only be one -1"),
    ],
)
def test_bad_joins(op, inputs, attrs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(*inputs, **attrs)


# -- gathers and scatters --------------------------------------------------------------------------

P = values(4, 3, 5)
I = np.array([[0, 3], [1, 1]], np.int32)
V = np.array([[0, 2], [3, 1], [0, 2]], np.int32)
BATCH = np.array([[0, 2], [1, 1], [2, 0], [0, 0]], np.int32)


def batched(axis):
    return np.stack([np.take(P[b], BATCH[b], axis - 1) for b in range(4)])


def scattered(out, how):
    out = out.copy()
    for v, u in zip(V, UPDATES, strict=True):
        out[tuple(v)] = how(out[tuple(v)], u)
    return out


UPDATES = values(3, 5, seed=4)
GATHERS = [
    OpCase("Gather", [P, I], expect=P[I]),
    OpCase("GatherV2", [P, I, np.int32(0)], expect=P[I]),
    OpCase("GatherV2", [P, np.arange(1, 3), np.int32(0)], expect=P[1:3]),
    OpCase("GatherV2", [P, I % 3, np.int32(-2)], expect=np.take(P, I % 3, 1)),
    OpCase("GatherV2", [P, np.int64(2), np.int32(2)], expect=P[:, :, 2]),
    OpCase("GatherV2", [P, BATCH, np.int32(1)], {"batch_dims": 1}, expect=batched(1)),
    OpCase("GatherV2", [P, BATCH, np.int32(2)], {"batch_dims": 1}, expect=batched(2)),
    OpCase("GatherV2", [P, BATCH, np.int32(2)], {"batch_dims": -1}, expect=batched(2)),
    OpCase("GatherNd", [P, V], expect=P[tuple(V.T)]),
    OpCase("GatherNd", [P, I[..., None]], expect=P[I]),
    OpCase("GatherNd", [P, V[:, :1]], expect=P[V[:, 0]]),
    OpCase("GatherNd", [P[0, 0], np.zeros((2, 0), np.int32)], expect=np.stack([P[0, 0]] * 2)),
    OpCase(
        "GatherNd",
        [P[0, 0], np.int32([[9], [1]])],
        {"bad_indices_policy": "IGNORE"},
        expect=np.array([0, P[0, 0, 1]]),
        gradient=False,
    ),
    OpCase("ScatterNd", [V, UPDATES, ints(4, 3, 5)], expect=scattered(np.zeros((4, 3, 5)), np.add)),
    OpCase("TensorScatterAdd", [P, V, UPDATES], expect=scattered(P, np.add)),
    OpCase("TensorScatterSub", [P, V, UPDATES], expect=scattered(P, np.subtract)),
    OpCase("TensorScatterMax", [P, V, UPDATES], expect=scattered(P, np.maximum)),
    OpCase("TensorScatterMin", [P, V, UPDATES], expect=scattered(P, np.minimum)),
    OpCase("ScatterNdNonAliasingAdd", [P, V, UPDATES], expect=scattered(P, np.add)),
]


@pytest.mark.parametrize("case", GATHERS, ids=str)
def test_gathers_and_scatters(case):
    check(case)


def test_scatter_update():
    out = P.copy()
    out[0, 2], out[3, 1] = UPDATES[:2]
    check(OpCase("TensorScatterUpdate", [P, V[:2], UPDATES[:2]], expect=out))
    assert raw.TensorScatterUpdate(["a", "b"], np.int32([[0]]), ["z"]).numpy().tolist() == [
        b"z",
        b"b",
    ]
    assert raw.TensorScatterUpdate(
        np.float32([1, 2]), np.int32([[0], [0]]), np.float32([7, 8])
    ).numpy().tolist() == [8, 2]


def test_rows_in_place_leave_the_input_alone():
    x = values(3, 2)
    for op, expected in (("InplaceUpdate", 7), ("InplaceAdd", x[1] + 7), ("InplaceSub", x[1] - 7)):
        out = getattr(raw, op)(x, ints(1), np.full((1, 2), 7.0)).numpy()
        np.testing.assert_allclose(out[1], expected)
        np.testing.assert_allclose(out[[0, 2]], x[[0, 2]])


@pytest.mark.parametrize(
    ("op", "inputs", "attrs", "message"),
    [
        (
            "GatherV2",
            [np.ones(3), ints(3), np.int32(0)],
            {},
            r"indices\[0\] = 3 is not in \[0, 3\)",
        ),
        ("GatherV2", [np.ones(3), ints(-1), np.int32(0)], {}, "is not in"),
        ("GatherV2", [np.ones(3), ints(1), np.int32(1)], {}, "Shape must be at least rank 2"),
        (
            "GatherV2",
            [np.ones(3), ints(1), np.int32(0)],
            {"batch_dims": 1},
            "must be less than rank",
        ),
        ("GatherV2", [np.float32(1), ints(1), np.int32(0)], {}, "at least 1 dimensional"),
        (
            "GatherNd",
            [np.ones(3), np.int32([[3]])],
            {},
            r"indices\[0\] = \[3\] does not index into param shape \[3\]",
        ),
        ("GatherNd", [np.ones(3), np.int32([[1, 1]])], {}, "must be <= params rank"),
        (
            "ScatterNd",
            [np.int32([[5]]), np.ones(1), ints(3)],
            {},
            r"indices\[0\] = \[5\] does not index into shape \[3\]",
        ),
        ("ScatterNd", [np.int32([[1], [1]]), np.ones(3), ints(3)], {}, "must match dimensions"),
        (
            "TensorScatterAdd",
            [np.ones(3), np.int32([[0], [0]]), np.ones(3)],
            {},
            "Outer dimensions of indices and update must match",
        ),
    ],
)
def test_bad_indices(op, inputs, attrs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(*inputs, **attrs)


def test_the_gradient_of_rows_is_sparse():
    table = convert_to_tensor(values(4, 2))
    with GradientTape() as tape:
        tape.watch(table)
        rows = raw.GatherV2(table, ints(1, 1, 3), np.int32(0))
    gradient = tape.gradient(rows, table)
    assert isinstance(gradient, IndexedSlices)
    assert gradient.indices.numpy().tolist() == [1, 1, 3]
    assert gradient.dense_shape.numpy().tolist() == [4, 2]


def test_integers_are_gathered():
    check(OpCase("GatherV2", [whole(5), ints(4, 0), np.int32(0)], expect=whole(5)[[4, 0]]))


@pytest.mark.parametrize(
    ("count", "cut"), [(0, slice(0, 0, -2)), (3, slice(5, 5, -2)), (3, slice(0, 2, -1))]
)
def test_slices_backwards_that_hold_nothing(count, cut):
    x = np.arange(count, dtype="f")
    taken = tf.function(lambda v: v[cut], autograph=False)(x)
    np.testing.assert_array_equal(taken, x[cut])


def test_a_computed_string_is_assigned_to_a_row_as_bytes():
    variable = tf.Variable(["a", "b"])
    variable[0].assign(tf.strings.join(["z", "!"]))
    assert variable.numpy().tolist() == [b"z!", b"b"]


@pytest.mark.parametrize("axis", [-3, -2, -1, 0, 1, 2])
def test_unpacked_parts_are_contiguous(axis):
    value = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    parts = raw.Unpack(value=value, num=value.shape[axis], axis=axis)
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(part, value.take(i, axis))
        assert part._numpy().flags.c_contiguous
