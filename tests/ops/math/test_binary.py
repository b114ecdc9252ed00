"""Functions of two arguments against NumPy, at every stage."""

import numpy as np
import pytest

from penstock._src.core.errors import InternalError, InvalidArgumentError
from penstock._src.core.registry import raw
from tests.harness.op_case import HALF, OpCase, check, values, whole

FLOAT_OPS = {
    "AddV2": np.add,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Div": np.divide,
    "DivNoNan": np.divide,
    "MulNoNan": np.multiply,
    "SquaredDifference": lambda x, y: (x - y) ** 2,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Atan2": np.arctan2,
    "FloorMod": np.mod,
    "TruncateMod": np.fmod,
    "Pow": np.power,
    "Xlogy": lambda x, y: x * np.log(y),
    "Xlog1py": lambda x, y: x * np.log1p(y),
    "Xdivy": np.divide,
}
SHAPES = [((2, 3), (2, 3)), ((2, 3), (3,)), ((), (3,)), ((2, 1), (1, 3)), ((3, 1, 2), (4, 1))]


@pytest.mark.parametrize("op", FLOAT_OPS)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_broadcasting_and_gradients(op, shapes):
    x, y = values(*shapes[0], low=0.5, high=3), values(*shapes[1], low=0.6, high=2.5, seed=3)
    check(
        OpCase(
            op, [x, y], expect=FLOAT_OPS[op], tolerance=(1e-9, 1e-10), compiles=shapes[0] == (2, 3)
        )
    )


@pytest.mark.parametrize("op", FLOAT_OPS)
def test_single_and_half_precision(op):
    x, y = values(5, low=0.5, high=3), values(5, low=0.6, high=2.5, seed=3)
    function = FLOAT_OPS[op]
    single = [a.astype(np.float32) for a in (x, y)]
    check(OpCase(op, single, expect=function, tolerance=(1e-5, 1e-5), gradient=False))
    half = [a.astype(np.float16) for a in (x, y)]
    wide = function(*[a.astype(np.float64) for a in half])
    check(OpCase(op, half, expect=wide, tolerance=HALF, gradient=False, compiles=False))
    empty = [single[0][:0], single[1][:0]]
    check(OpCase(op, empty, expect=np.zeros(0), gradient=False, compiles=False))


@pytest.mark.parametrize(
    "op",
    [
        "AddV2",
        "Sub",
        "Mul",
        "RealDiv",
        "DivNoNan",
        "SquaredDifference",
        "Pow",
        "Xlogy",
        "Xdivy",
        "Xlog1py",
        "MulNoNan",
    ],
)
def test_complex(op):
    x, y = values(3, dtype=np.complex128), values(3, dtype=np.complex128, seed=5)
    # TensorFlow's slopes of these are those of real numbers.
    exact = op not in ("SquaredDifference", "MulNoNan", "Xlogy", "Xdivy", "Xlog1py")
    check(OpCase(op, [x, y], gradient=exact, compiles=False, tolerance=(1e-9, 1e-10)))


@pytest.mark.parametrize(
    ("op", "x", "y", "expected"),
    [
        ("FloorDiv", [-7, 7, 7], [2, -2, 2], [-4, -4, 3]),
        ("FloorMod", [-7, 7, 7], [2, -2, 2], [1, -1, 1]),
        ("TruncateDiv", [-7, 7, 7], [2, -2, 2], [-3, -3, 3]),
        ("TruncateMod", [-7, 7, 7], [2, -2, 2], [-1, 1, 1]),
        ("Div", [-7, 7, 7], [2, -2, 2], [-3, -3, 3]),
        ("Mod", [-7, 7, 7], [2, -2, 2], [-1, 1, 1]),
        ("Pow", [2, 3, -2], [31, 40, 3], [-2147483648, 689956897, -8]),
        ("AddV2", [2147483647, 1, 1], [1, 2, 3], [-2147483648, 3, 4]),
        ("BitwiseAnd", [5, 6, -1], [3, 3, 7], [1, 2, 7]),
        ("BitwiseOr", [5, 6, -1], [3, 3, 7], [7, 7, -1]),
        ("BitwiseXor", [5, 6, -1], [3, 3, 7], [6, 5, -8]),
        ("LeftShift", [1, 1, 1], [33, -1, 31], [-2147483648, 1, -2147483648]),
        ("RightShift", [-8, 8, 8], [1, -1, 40], [-4, 8, 0]),
    ],
)
def test_integers(op, x, y, expected):
    arrays = [np.array(v, np.int32) for v in (x, y)]
    check(OpCase(op, arrays, expect=np.array(expected, np.int32)))


def test_right_shift_of_unsigned_numbers_keeps_no_sign():
    check(
        OpCase(
            "RightShift",
            [np.array([200], np.uint8), np.array([3], np.uint8)],
            expect=np.array([25]),
        )
    )


@pytest.mark.parametrize(
    ("op", "x", "y", "expected"),
    [
        ("FloorMod", [-7, 7, 5.5], [2, -2, 0], [1, -1, np.nan]),
        ("FloorDiv", [-7, 7, 5.5], [2, -2, 0], [-4, -4, np.inf]),
        ("TruncateMod", [-7, 7, 5.5], [2, -2, 0], [-1, 1, np.nan]),
        ("TruncateDiv", [-7, 7, 5.5], [2, -2, 0], [-3, -3, np.inf]),
        ("DivNoNan", [1, 0, 4], [0, 0, 2], [0, 0, 2]),
        ("MulNoNan", [np.nan, np.inf, 2], [0, 0, 2], [0, 0, 4]),
        ("Maximum", [np.nan, 1, 2], [1, np.nan, 1], [np.nan, np.nan, 2]),
        ("Minimum", [np.nan, 1, 2], [1, np.nan, 1], [np.nan, np.nan, 1]),
        ("Xlogy", [0, 1, 2], [0, 2, 1], [0, np.log(2), 0]),
        ("Xdivy", [0, 1, 2], [0, 2, 1], [0, 0.5, 2]),
        (
            "NextAfter",
            [1, 2, 0],
            [2, 1, 0],
            [
                np.nextafter(np.float32(1), np.float32(2)),
                np.nextafter(np.float32(2), np.float32(1)),
                0,
            ],
        ),
    ],
)
def test_special_floats(op, x, y, expected):
    arrays = [np.array(v, np.float32) for v in (x, y)]
    check(OpCase(op, arrays, expect=np.array(expected, np.float32), gradient=False))


@pytest.mark.parametrize(
    "op", ["Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"]
)
def test_comparisons(op):
    function = {
        "Equal": np.equal,
        "NotEqual": np.not_equal,
        "Less": np.less,
        "LessEqual": np.less_equal,
        "Greater": np.greater,
        "GreaterEqual": np.greater_equal,
    }[op]
    x, y = np.array([1, 2, np.nan], np.float32), np.array([[1], [2]], np.float32)
    check(OpCase(op, [x, y], expect=function))
    check(OpCase(op, [whole(4), whole(4, seed=1)], expect=function))


def test_comparison_of_strings():
    assert raw.Equal(["a", "b"], ["a", "c"]).numpy().tolist() == [True, False]


def test_comparison_of_shapes_that_do_not_broadcast_may_be_one_answer():
    x, y = np.ones(2, np.float32), np.ones(3, np.float32)
    assert not raw.Equal(x, y, incompatible_shape_error=False).numpy()
    assert raw.NotEqual(x, y, incompatible_shape_error=False).numpy()
    with pytest.raises(InvalidArgumentError, match=r"Incompatible shapes: \[2\] vs. \[3\]"):
        raw.Equal(x, y)


@pytest.mark.parametrize("op", ["LogicalAnd", "LogicalOr"])
def test_logic(op):
    x, y = np.array([True, True, False, False]), np.array([True, False, True, False])
    check(OpCase(op, [x, y], expect=np.logical_and if op == "LogicalAnd" else np.logical_or))


def test_approximate_equality():
    check(
        OpCase(
            "ApproximateEqual",
            [np.float32([1, 2]), np.float32([1.000001, 2.1])],
            expect=np.array([True, False]),
        )
    )


def test_strings_are_joined():
    assert raw.Add(["a"], ["b", "c"]).numpy().tolist() == [b"ab", b"ac"]


@pytest.mark.parametrize(
    ("op", "x", "y", "message"),
    [
        ("AddV2", np.ones(2), np.ones(3), r"Incompatible shapes: \[2\] vs. \[3\]"),
        ("FloorDiv", np.int32([1]), np.int32([0]), "Integer division by zero"),
        ("FloorMod", np.int32([1]), np.int32([0]), "Integer division by zero"),
        ("Pow", np.int32([2]), np.int32([-1]), "Integers to negative integer powers"),
        ("LogicalAnd", np.int32([2]), np.int32([1]), "expected to be a bool tensor"),
        ("AddV2", np.float32([2]), np.int32([1]), "expected to be a float tensor but is a int32"),
        (
            "Sub",
            np.array([True]),
            np.array([True]),
            "Value for attr 'T' of bool is not in the list",
        ),
    ],
)
def test_bad_arguments(op, x, y, message):
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(raw, op)(raw.Identity(x), raw.Identity(y))


def test_a_truncated_quotient_by_zero():
    with pytest.raises(InternalError, match="Integer division by zero"):
        raw.TruncateDiv(np.int32([1]), np.int32([0]))


def test_gradient_of_a_power_of_zero():
    check(
        OpCase("Pow", [np.array([0.0, 2.0]), np.array([2.0, 3.0])], gradient=True, compiles=False)
    )


# -- sums of many and clipping ---------------------------------------------------------------------


def test_squared_difference_of_complex_numbers_is_real():
    x = (values(67) + 1j * values(67, seed=1)).astype("complex64")
    found = raw.SquaredDifference(x, x[::-1].copy()).numpy()
    assert not found.imag.any()
    assert np.allclose(found.real, np.abs(x - x[::-1]) ** 2)


def test_add_n():
    terms = [values(2, 3, seed=i) for i in range(3)]
    check(OpCase("AddN", [terms], expect=sum(terms)))
    check(OpCase("AddN", [[whole(3), whole(3, seed=1)]], expect=whole(3) + whole(3, seed=1)))
    check(OpCase("AccumulateNV2", [terms], {"shape": [2, 3]}, expect=sum(terms)))
    with pytest.raises(InvalidArgumentError, match="must have the same size and shape"):
        raw.AddN([np.ones(2), np.ones(3)])


def test_clip_by_value():
    t = np.array([1.0, 5.0, -3.0])
    check(OpCase("ClipByValue", [t, np.float64(0), np.float64(2)], expect=np.array([1.0, 2, 0])))
    check(
        OpCase(
            "ClipByValue", [t, np.array([2.0, 0, 0]), np.float64(4)], expect=np.array([2.0, 4, 0])
        )
    )
    with pytest.raises(
        InvalidArgumentError, match="either of the same shape as input, or a scalar"
    ):
        raw.ClipByValue(t, np.array([2.0, 0]), np.float64(4))


def test_cross():
    a, b = values(2, 3), values(2, 3, seed=1)
    check(OpCase("Cross", [a, b], expect=np.cross))
    with pytest.raises(InvalidArgumentError, match="same shape"):
        raw.Cross(np.ones(3), np.ones(2))
