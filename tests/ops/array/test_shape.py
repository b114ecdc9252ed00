"""Shapes, fills, identities and casts of bits, at every stage."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import OpCase, check, ints, values, whole

X = values(2, 3, 1)

CASES = [
    OpCase("Shape", [X], expect=ints(2, 3, 1)),
    OpCase("Shape", [np.float32(1)], {"out_type": "int64"}, expect=np.zeros(0, np.int64)),
    OpCase("ShapeN", [[X, X[0]]], expect=[ints(2, 3, 1), ints(3, 1)]),
    OpCase("Size", [X], expect=np.int32(6)),
    OpCase("Rank", [X], expect=np.int32(3)),
    OpCase("Reshape", [X, ints(3, 2)], expect=X.reshape(3, 2)),
    OpCase("Reshape", [X, ints(-1, 3)], expect=X.reshape(2, 3)),
    OpCase("Reshape", [X[:0], ints(-1, 3)], expect=np.zeros((0, 3))),
    OpCase("Reshape", [X[:0], ints(-1, 0)], expect=np.zeros((3, 0)), shape_known=False),
    OpCase("Reshape", [X[0, 0], np.zeros(0, np.int32)], expect=X[0, 0].reshape(())),
    OpCase("Squeeze", [X], expect=X[..., 0]),
    OpCase("Squeeze", [X], {"squeeze_dims": [-1]}, expect=X[..., 0]),
    OpCase("ExpandDims", [X, np.int32(1)], expect=X[:, None]),
    OpCase("ExpandDims", [X, np.int32(-1)], expect=X[..., None]),
    OpCase("ExpandDims", [X, ints(0)], expect=X[None]),
    OpCase("EnsureShape", [X], {"shape": [None, 3, 1]}, expect=X),
    OpCase("BroadcastArgs", [ints(2, 1), ints(3)], expect=ints(2, 3)),
    OpCase(
        "BroadcastGradientArgs", [ints(2, 1), ints(3)], expect=[ints(1), ints(0)], shape_known=False
    ),
    OpCase(
        "BroadcastGradientArgs",
        [ints(1, 2), ints(1, 2)],
        expect=[ints(), ints()],
        shape_known=False,
    ),
    OpCase(
        "BroadcastGradientArgs",
        [ints(2, 1, 3), ints(1, 3)],
        expect=[ints(1), ints(0, 1)],
        shape_known=False,
    ),
    OpCase("UnravelIndex", [ints(22, 41), ints(7, 6)], expect=np.int32([[3, 6], [4, 5]])),
    OpCase("UnravelIndex", [np.int32(3), ints(7, 6)], expect=ints(0, 3)),
    OpCase(
        "UnravelIndex",
        [ints(-1, -7, -100), ints(2, 3, 2)],
        expect=np.int32([[0, -1, 0], [0, 0, -2], [-1, -1, 0]]),
    ),
    OpCase(
        "Bitcast", [np.float32([1, 2])], {"type": "int32"}, expect=np.float32([1, 2]).view(np.int32)
    ),
    OpCase(
        "Bitcast",
        [np.float32([1, 2])],
        {"type": "int8"},
        expect=np.float32([[1], [2]]).view(np.int8),
    ),
    OpCase(
        "Bitcast",
        [np.float32([[1, 2]])],
        {"type": "float64"},
        expect=np.float32([1, 2]).view(np.float64),
    ),
    OpCase("Fill", [ints(2, 3), np.float64(7)], expect=np.full((2, 3), 7.0)),
    OpCase("Fill", [ints(), np.float64(7)], expect=np.float64(7)),
    OpCase("ZerosLike", [X], expect=np.zeros_like(X)),
    OpCase("OnesLike", [whole(3)], expect=np.ones(3)),
    OpCase("Empty", [ints(2)], {"dtype": "float32", "init": True}, expect=np.zeros(2, np.float32)),
    OpCase("Identity", [X], expect=X),
    OpCase("IdentityN", [[X, whole(2)]], expect=[X, whole(2)]),
    OpCase("Snapshot", [X], expect=X),
    OpCase("StopGradient", [X], expect=X, gradient=False),
    OpCase("CheckNumerics", [X], {"message": "x"}, expect=X),
    OpCase("DeepCopy", [X], expect=X),
    OpCase("PlaceholderWithDefault", [X], {"shape": [2, 3, 1]}, expect=X),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case):
    check(case)


def test_strings():
    assert raw.ZerosLike(["a", "b"]).numpy().tolist() == [b"", b""]
    assert raw.Fill(ints(2), "a").numpy().tolist() == [b"a", b"a"]
    assert raw.Reshape([["a", "b"]], ints(2)).numpy().tolist() == [b"a", b"b"]


@pytest.mark.parametrize(
    ("op", "inputs", "attrs", "message"),
    [
        (
            "Reshape",
            [np.ones(3), ints(2, 2)],
            {},
            "tensor with 3 values, but the requested shape has 4",
        ),
        (
            "Reshape",
            [np.ones(3), ints(-1, -1)],
            {},
            "Only one input size may be -1, not both 0 and 1",
        ),
        ("Reshape", [np.ones(3), ints(-1, 2)], {}, "requires a multiple of 2"),
        ("Reshape", [np.ones(3), ints(-2, 2)], {}, "Size 0 must be non-negative, not -2"),
        ("Reshape", [np.ones(3), np.int32([[3]])], {}, "sizes input must be 1-D"),
        (
            "Squeeze",
            [np.ones((1, 2))],
            {"axis": [1]},
            r"Can not squeeze dim\[1\], expected a dimension of 1, got 2",
        ),
        ("Squeeze", [np.ones((1, 2))], {"axis": [2]}, "Tried to squeeze dim index 2"),
        ("ExpandDims", [np.ones(2), np.int32(3)], {}, "Tried to expand dim index 3"),
        (
            "EnsureShape",
            [np.ones(2)],
            {"shape": [3]},
            r"\[2\] is not compatible with expected shape \[3\]",
        ),
        ("BroadcastArgs", [ints(2, 2), ints(3)], {}, "Incompatible shapes"),
        ("Fill", [ints(-1), np.float32(1)], {}, "Dimension -1 must be >= 0"),
        ("UnravelIndex", [ints(42), ints(7, 6)], {}, "out of bound"),
        ("Bitcast", [np.int8([1, 2, 3])], {"type": "float32"}, "Cannot bitcast"),
        (
            "CheckNumerics",
            [np.float32([1, np.nan])],
            {"message": "hi"},
            "hi : Tensor had NaN values",
        ),
        (
            "CheckNumerics",
            [np.float32([np.inf, np.nan])],
            {"message": "hi"},
            "hi : Tensor had Inf and NaN values",
        ),
        (
            "CheckNumericsV2",
            [np.float32([-np.inf, np.inf])],
            {"message": "hi"},
            "hi : Tensor had -Inf and .Inf values",
        ),
        ("Placeholder", [], {"dtype": "float32"}, "You must feed a value"),
    ],
)
def test_bad_arguments(op, inputs, attrs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(*inputs, **attrs)


@pytest.mark.parametrize(
    ("given", "wanted", "found"),
    [
        ([0, 2, 3], [0, -1, 3], [0, 2, 3]),
        ([0, 4, 3], [2, -1, 0], [2, 6, 0]),
        ([0, 6], [4, -1, 0], [4, 1, 0]),
        ([0, 5], [5, -1], [5, 0]),
    ],
)
def test_the_rest_of_a_reshape_of_nothing(given, wanted, found):
    """Extents of 0 are left out on both sides."""
    x = tf.zeros(given)
    assert tf.reshape(x, wanted).shape == found
    unknown = [tf.TensorSpec([None] * len(given))]
    assert tf.function(lambda x: tf.reshape(x, wanted), unknown)(x).shape == found
