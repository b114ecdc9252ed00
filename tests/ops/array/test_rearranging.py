"""Selections, transpositions, padding, tiles and diagonals, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check, ints, values, whole

X, Y = values(2, 3), values(2, 3, seed=1)
C = np.array([[True, False, True], [False, False, True]])
SELECTIONS = [
    OpCase("SelectV2", [C, X, Y], expect=np.where(C, X, Y)),
    OpCase("SelectV2", [C[0], X, Y[:, :1]], expect=np.where(C[0], X, Y[:, :1])),
    OpCase("SelectV2", [np.array(True), X, np.float64(0)], expect=X),
    OpCase("Select", [C, X, Y], expect=np.where(C, X, Y)),
    OpCase("Select", [np.array([True, False]), X, Y], expect=np.stack([X[0], Y[1]])),
    OpCase("Select", [np.array(False), X, Y], expect=Y),
    OpCase("Where", [C], expect=np.argwhere(C), shape_known=False, compiles=False),
    OpCase(
        "Where",
        [np.float32([0, 1, np.nan])],
        expect=np.array([[1], [2]]),
        shape_known=False,
        compiles=False,
    ),
    OpCase(
        "OneHot",
        [ints(0, 2, -1, 5), np.int32(3), np.float32(1), np.float32(0)],
        expect=np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]),
    ),
    OpCase(
        "OneHot",
        [ints(0, 2), np.int32(3), np.float32(5), np.float32(-1)],
        {"axis": 0},
        expect=np.array([[5, -1], [-1, -1], [-1, 5]]),
    ),
    OpCase(
        "OneHot",
        [np.array([[1], [0]], np.uint8), np.int32(2), np.int32(1), np.int32(0)],
        {"axis": 1},
        expect=np.array([[[0], [1]], [[1], [0]]]),
    ),
]

V = values(2, 3, 4)
ORDERS = [
    OpCase("Transpose", [V, ints(2, 0, 1)], expect=V.transpose(2, 0, 1)),
    OpCase("Transpose", [V, ints(-1, 0, 1)], expect=V.transpose(2, 0, 1)),
    OpCase("Transpose", [X[0, 0], ints()], expect=X[0, 0]),
    OpCase(
        "ConjugateTranspose",
        [values(2, 3, dtype=np.complex128), ints(1, 0)],
        expect=values(2, 3, dtype=np.complex128).conj().T,
        compiles=False,
    ),
    OpCase("InvertPermutation", [ints(2, 0, 1)], expect=ints(1, 2, 0)),
    OpCase("ReverseV2", [V, ints(0, -1)], expect=V[::-1, :, ::-1]),
    OpCase("ReverseV2", [V, ints()], expect=V),
    OpCase("Reverse", [X, np.array([False, True])], expect=X[:, ::-1]),
    OpCase(
        "ReverseSequence",
        [X, np.int64([2, 3])],
        {"seq_dim": 1, "batch_dim": 0},
        expect=np.stack([X[0, [1, 0, 2]], X[1, ::-1]]),
    ),
    OpCase(
        "ReverseSequence",
        [V, ints(1, 2, 0)],
        {"seq_dim": 0, "batch_dim": 1},
        expect=np.stack([V[:, 0], V[::-1, 1], V[:, 2]], 1),
    ),
    OpCase("Roll", [V, ints(1, -2), ints(0, 2)], expect=np.roll(V, (1, -2), (0, 2))),
    OpCase("Roll", [V, np.int32(5), np.int32(-1)], expect=np.roll(V, 5, -1)),
]

PADDING = np.int32([[1, 0], [0, 2]])
PADS = [
    OpCase("Pad", [X, PADDING], expect=np.pad(X, PADDING)),
    OpCase(
        "PadV2",
        [X, PADDING, np.float64(7)],
        expect=np.pad(X, PADDING, constant_values=7),
        gradient=False,
    ),
    OpCase("MirrorPad", [X, PADDING], {"mode": "REFLECT"}, expect=np.pad(X, PADDING, "reflect")),
    OpCase(
        "MirrorPad", [X, PADDING], {"mode": "SYMMETRIC"}, expect=np.pad(X, PADDING, "symmetric")
    ),
    OpCase(
        "MirrorPadGrad",
        [np.float64([1, 2, 3, 4]), np.int32([[1, 1]])],
        {"mode": "REFLECT"},
        expect=np.float64([6, 4]),
    ),
    OpCase("MirrorPadGrad", [values(3, 5), PADDING], {"mode": "SYMMETRIC"}),
    OpCase(  # borders that leave elements without an image
        "MirrorPadGrad",
        [np.arange(1, 10), np.int32([[2, 1]])],
        {"mode": "REFLECT"},
        expect=[3, 6, 6, 6, 16, 8],
        gradient=False,
    ),
    OpCase(
        "MirrorPadGrad",
        [np.arange(1, 10), np.int32([[2, 1]])],
        {"mode": "SYMMETRIC"},
        expect=[5, 5, 5, 6, 7, 17],
        gradient=False,
    ),
    OpCase(  # nothing
        "MirrorPadGrad",
        [np.zeros((0, 3)), np.int32([[0, 0], [0, 1]])],
        {"mode": "SYMMETRIC"},
        expect=np.zeros((0, 2)),
        gradient=False,
    ),
    OpCase("Tile", [X, ints(2, 3)], expect=np.tile(X, (2, 3))),
    OpCase("Tile", [X, ints(0, 1)], expect=np.zeros((0, 3)), gradient=False),
    OpCase("BroadcastTo", [X[:, :1], ints(4, 2, 3)], expect=np.broadcast_to(X[:, :1], (4, 2, 3))),
    OpCase("TileGrad", [np.tile(X, (2, 1)), ints(2, 1)], expect=2 * X),
]

M = values(2, 3, 4)
DIAGONALS = [
    OpCase("MatrixDiagPart", [M], expect=np.diagonal(M, axis1=1, axis2=2)),
    OpCase(
        "MatrixDiagPartV2",
        [np.arange(12.0).reshape(3, 4), ints(-1, 2), np.float64(9)],
        expect=np.array([[2, 7, 9], [1, 6, 11], [0, 5, 10], [4, 9, 9.0]]),
        gradient=False,
    ),
    OpCase(
        "MatrixDiagPartV3",
        [np.arange(12.0).reshape(3, 4), ints(-1, 2), np.float64(9)],
        {"align": "LEFT_RIGHT"},
        expect=np.array([[2, 7, 9], [1, 6, 11], [0, 5, 10], [9, 4, 9.0]]),
        gradient=False,
    ),
    OpCase(
        "MatrixDiagPartV3",
        [np.arange(12.0).reshape(3, 4), ints(-1, 2), np.float64(9)],
        {"align": "RIGHT_RIGHT"},
        expect=np.array([[9, 2, 7], [1, 6, 11], [0, 5, 10], [9, 4, 9.0]]),
        gradient=False,
    ),
    OpCase("MatrixDiagPartV3", [M, np.int32(1), np.float64(0)]),
    OpCase("MatrixDiagPartV3", [M, ints(-1, 1), np.float64(0)], gradient=(0,)),
    OpCase("MatrixDiag", [values(2, 3)]),
    OpCase(
        "MatrixDiagV2",
        [np.array([1.0, 2]), np.int32(0), np.int32(-1), np.int32(-1), np.float64(9)],
        expect=np.array([[1.0, 9], [9, 2]]),
        gradient=False,
    ),
    OpCase(
        "MatrixDiagV3",
        [np.array([1.0, 2]), ints(1), np.int32(2), np.int32(-1), np.float64(0)],
        expect=np.array([[0, 1.0, 0], [0, 0, 2]]),
        gradient=(0,),
    ),
    OpCase(
        "MatrixDiagV3",
        [values(2, 2, 3), ints(0, 1), np.int32(-1), np.int32(-1), np.float64(0)],
        gradient=(0,),
    ),
    OpCase("MatrixSetDiag", [M, values(2, 3)]),
    OpCase("MatrixSetDiagV2", [M, values(2, 2, 3), ints(0, 1)]),
    OpCase("MatrixSetDiagV3", [M, values(2, 2, 3), ints(-1, 0)]),
    OpCase("MatrixBandPart", [M, np.int32(1), np.int32(0)], expect=np.triu(np.tril(M), -1)),
    OpCase("MatrixBandPart", [M, np.int64(-1), np.int64(1)], expect=np.tril(M, 1)),
    OpCase("Diag", [X], expect=np.diag(X.ravel()).reshape(2, 3, 2, 3)),
    OpCase("DiagPart", [values(3, 3)], expect=np.diag(values(3, 3))),
]

LISTS = [
    OpCase(
        "Unique",
        [ints(3, 1, 3)],
        expect=[ints(3, 1), ints(0, 1, 0)],
        shape_known=False,
        compiles=False,
    ),
    OpCase(
        "UniqueWithCounts",
        [ints(3, 1, 3)],
        expect=[ints(3, 1), ints(0, 1, 0), ints(2, 1)],
        shape_known=False,
        compiles=False,
    ),
    OpCase(
        "UniqueV2",
        [np.int32([[3, 1], [2, 2], [3, 1]]), ints(0)],
        expect=[np.int32([[3, 1], [2, 2]]), ints(0, 1, 0)],
        shape_known=False,
        compiles=False,
    ),
    OpCase(
        "UniqueWithCountsV2",
        [np.int32([[3, 3], [3, 3]]), ints(1)],
        expect=[np.int32([[3], [3]]), ints(0, 0), ints(2)],
        shape_known=False,
        compiles=False,
    ),
    OpCase(
        "UniqueV2",
        [ints(3, 1, 3), ints()],
        expect=[ints(3, 1), ints(0, 1, 0)],
        shape_known=False,
        compiles=False,
    ),
    OpCase(
        "ListDiff",
        [ints(1, 2, 3, 1), ints(2)],
        expect=[ints(1, 3, 1), ints(0, 2, 3)],
        shape_known=False,
        compiles=False,
    ),
    OpCase(
        "LowerBound",
        [np.float32([[1, 2, 2, 3]]), np.float32([[2, 0, 4]])],
        expect=np.array([[1, 0, 4]]),
    ),
    OpCase(
        "UpperBound",
        [np.float32([[1, 2, 2, 3]]), np.float32([[2, 0, 4]])],
        expect=np.array([[3, 0, 4]]),
    ),
]


@pytest.mark.parametrize("case", [*SELECTIONS, *ORDERS, *PADS, *DIAGONALS, *LISTS], ids=str)
def test_case(case):
    check(case)


def test_strings():
    assert raw.SelectV2(np.array([True, False]), ["a", "b"], ["c", "d"]).numpy().tolist() == [
        b"a",
        b"d",
    ]
    assert raw.Pad(["a"], np.int32([[1, 1]])).numpy().tolist() == [b"", b"a", b""]
    assert raw.Unique(["x", "y", "x"])[0].numpy().tolist() == [b"x", b"y"]
    assert raw.Tile(["a"], ints(2)).numpy().tolist() == [b"a", b"a"]
    assert raw.OneHot(ints(1), np.int32(2), "on", "off").numpy().tolist() == [[b"off", b"on"]]


def test_edit_distance():
    inputs = [
        np.int64([[0, 0]]),
        ["a"],
        np.int64([1, 1]),
        np.int64([[0, 0], [0, 1]]),
        ["a", "b"],
        np.int64([1, 2]),
    ]
    assert raw.EditDistance(*inputs).numpy().tolist() == [0.5]


@pytest.mark.parametrize(
    ("op", "inputs", "attrs", "message"),
    [
        (
            "SelectV2",
            [np.array([True, False]), np.ones(3), np.ones(3)],
            {},
            "must be broadcastable",
        ),
        ("Transpose", [X, ints(0, 0)], {}, "1 is missing from {0,0}"),
        ("Transpose", [X, ints(0)], {}, "transpose expects a vector of size 2"),
        ("Transpose", [X, ints(0, 2)], {}, r"2 is out of range \[0 .. 2\)"),
        ("InvertPermutation", [ints(0, 0)], {}, "0 is duplicated"),
        ("InvertPermutation", [ints(0, 2)], {}, "2 is not between 0 and 2"),
        ("Pad", [np.ones(2), np.int32([[1, -1]])], {}, "Paddings must be non-negative: 1 -1"),
        ("Pad", [np.ones(2), ints(1, 1)], {}, "matrix with 2 columns"),
        (
            "MirrorPad",
            [np.ones(2), np.int32([[2, 0]])],
            {"mode": "REFLECT"},
            "paddings must be less than the dimension size",
        ),
        (
            "MirrorPad",
            [np.ones(2), np.int32([[3, 0]])],
            {"mode": "SYMMETRIC"},
            "paddings must be no greater than",
        ),
        ("Tile", [np.ones(2), ints(1, 2)], {}, "vector of length 1 but got length 2"),
        ("Tile", [np.ones(2), ints(-1)], {}, r"Expected multiples\[0\] >= 0, but got -1"),
        ("BroadcastTo", [np.ones(2), ints(3)], {}, "Incompatible shapes"),
        ("BroadcastTo", [np.ones(2), ints()], {}, "Rank of input"),
        ("ReverseV2", [np.ones(2), ints(1)], {}, "out of valid range"),
        ("ReverseV2", [np.ones(2), ints(0, -1)], {}, "axis 0 specified more than once"),
        ("ReverseSequence", [X, ints(2, 4)], {"seq_dim": 1}, r"seq_lens\(1\) > input.dims\(1\)"),
        ("Roll", [np.ones(3), ints(1), ints(1)], {}, "axis 1 is out of range"),
        ("Roll", [np.ones(3), ints(1, 1), ints(0)], {}, "same size"),
        ("Unique", [X], {}, "unique expects a 1D vector"),
        ("UniqueV2", [X, ints(2)], {}, r"axis has to be between \[0, 2\)"),
        (
            "OneHot",
            [ints(0), np.int32(-1), np.float32(1), np.float32(0)],
            {},
            "depth must be non-negative",
        ),
        (
            "OneHot",
            [ints(0), np.int32(3), np.float32(1), np.float32(0)],
            {"axis": 3},
            "Expected axis to be -1 or between",
        ),
        (
            "SpaceToDepth",
            [np.ones((1, 3, 3, 1))],
            {"block_size": 2},
            "should be divisible by block_size: 2",
        ),
        ("DepthToSpace", [np.ones((1, 3, 3, 3))], {"block_size": 2}, "Input depth dimension 3"),
        (
            "SpaceToBatchND",
            [np.ones((1, 3, 3, 1)), ints(2, 2), np.zeros((2, 2), np.int32)],
            {},
            "is not divisible by",
        ),
        (
            "BatchToSpaceND",
            [np.ones((3, 3, 3, 1)), ints(2, 2), np.zeros((2, 2), np.int32)],
            {},
            "not divisible by product of block sizes",
        ),
        (
            "MatrixDiagPartV3",
            [np.ones((3, 3)), ints(3), np.float64(0)],
            {},
            "lower_diag_index is out of bound: 3",
        ),
        (
            "MatrixDiagPartV3",
            [np.ones((3, 3)), ints(1, 0), np.float64(0)],
            {},
            "must not be larger than",
        ),
        (
            "MatrixDiagV3",
            [np.ones(2), ints(1), np.int32(5), np.int32(5), np.float64(0)],
            {},
            "not consistent",
        ),
        (
            "MatrixDiagV3",
            [np.ones(2), ints(0), np.int32(-2), np.int32(-1), np.float64(0)],
            {},
            "number of rows is too small",
        ),
        (
            "MatrixDiagV3",
            [np.ones(2), ints(1), np.int32(2), np.int32(2), np.float64(0)],
            {},
            "number of columns is too small",
        ),
        ("MatrixSetDiag", [np.ones((2, 2)), np.ones(3)], {}, "Expected diagonal shape"),
        (
            "MatrixBandPart",
            [np.ones((3, 3)), np.int32(5), np.int32(0)],
            {},
            "num_lower must be negative or less or equal",
        ),
        ("DiagPart", [np.ones((2, 3))], {}, "dimensions 0 and 1 do not match"),
        ("LowerBound", [np.ones(3), np.ones((1, 1))], {}, "Shape must be rank 2 but is rank 1"),
    ],
)
def test_bad_arguments(op, inputs, attrs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(*inputs, **attrs)


def test_integers_are_rearranged():
    check(OpCase("Transpose", [whole(2, 3), ints(1, 0)], expect=whole(2, 3).T))
    check(OpCase("Pad", [whole(2), np.int32([[1, 1]])], expect=np.pad(whole(2), 1)))


def test_shifts_and_axes_that_differ_in_number_are_refused_while_the_graph_is_built():
    with pytest.raises(ValueError, match="both shapes must be equal"):
        tf.function(lambda: tf.roll([[1, 2]], [1], [0, 1])).get_concrete_function()
    with pytest.raises(tf.errors.InvalidArgumentError, match="same size"):
        tf.roll([[1, 2]], [1], [0, 1])


def test_why_a_tensor_does_not_broadcast():
    for shape, target, reason in (
        ([3, 0, 5], [3, 0, 3], "Incompatible shapes"),
        ([2], [2, 1], "Unable to broadcast"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=reason):
            tf.broadcast_to(tf.zeros(shape), target)
    with pytest.raises(ValueError, match="Dimensions must be equal, but are 2 and 3"):
        tf.function(lambda: tf.broadcast_to(tf.zeros([2]), [3])).get_concrete_function()


def test_diagonals_of_booleans():
    found = tf.linalg.diag(tf.constant([True]), k=1)
    assert found.numpy().tolist() == [[False, True], [False, False]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="diagonal must be at least 1-dim"):
        tf.linalg.set_diag([[1.0]], tf.constant(2.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tf.concat([], 0), "'values' to 'ConcatV2' Op with length 0 shorter than minimum"),
        (lambda: tf.raw_ops.AddN(inputs=[]), "'inputs' to 'AddN' Op with length 0 shorter"),
        (
            lambda: tf.raw_ops.ConcatOffset(concat_dim=0, shape=[[1]]),
            "shorter than minimum length 2",
        ),
    ],
)
def test_lists_of_tensors_that_are_too_short(make, message):
    # as in TensorFlow 2.21
    with tf.Graph().as_default(), pytest.raises(ValueError, match=message):
        make()


def test_one_sparse_tensor_is_its_concatenation():
    one = tf.sparse.from_dense([[0, 1]])
    assert tf.sparse.to_dense(tf.sparse.concat(0, [one])).numpy().tolist() == [[0, 1]]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_long_permutations_are_inverted(dtype):
    random = np.random.default_rng(0)
    for count in (255, 256, 1000):
        order = random.permutation(count).astype(dtype)
        inverse = tf.math.invert_permutation(tf.constant(order))
        np.testing.assert_array_equal(inverse, np.argsort(order), strict=False)
        assert inverse.dtype == dtype
    for wrong, message in ((-1, "-1 is not"), (1000, "1000 is not"), (order[3], "duplicated")):
        changed = np.concatenate([order[:-1], [wrong]]).astype(dtype)
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            tf.math.invert_permutation(tf.constant(changed))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "uint64", "bool"])
@pytest.mark.parametrize("width", [2, 40])
def test_rows_of_any_dtype_are_numbered_in_order_of_appearance(dtype, width):
    """Rows of many numbers too; a zero equals its negative."""
    x = np.random.default_rng(2).integers(-1, 2, (200, 2)).repeat(width // 2, 1)
    values = tf.cast(x, dtype)
    if values.dtype.is_floating:
        values = values * tf.cast(np.where(np.arange(200) % 2, 1, -1)[:, None], dtype)
        x = x * np.where(np.arange(200) % 2, 1, -1)[:, None]
    elif dtype == "bool":
        x = x != 0
    rows, numbers = raw.UniqueV2(x=values, axis=[0])
    known: dict = {}
    wanted = [known.setdefault(tuple(row), len(known)) for row in x.tolist()]
    assert numbers.numpy().tolist() == wanted
    np.testing.assert_array_equal(tf.gather(rows, numbers) == values, True)


def test_reversing_a_scalar_along_axes_is_refused_while_a_graph_is_traced():
    reverse = tf.function(lambda x, axes: tf.reverse(x, axes), autograph=False)
    for axes in ([0], [1], [-1, 1]):
        with pytest.raises(ValueError, match=rf"'axis'\[0\] = {axes[0]} is out of valid range"):
            reverse(tf.constant(1.0), axes)
    # Eagerly TensorFlow does not look at the axes of a scalar.
    assert tf.reverse(tf.constant(1.0), [1]).numpy() == 1.0
    assert tf.reverse(tf.constant(1.0), 0).numpy() == 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.bool_, tf.bfloat16.as_numpy_dtype])
@pytest.mark.parametrize("shape", [(70000,), (300, 200), (30, 7, 400)])
def test_indices_of_many_elements_are_found_in_parts(dtype, shape):
    x = np.random.default_rng(2).integers(0, 3, shape).astype(dtype)
    np.testing.assert_array_equal(raw.Where(x), np.argwhere(x))
