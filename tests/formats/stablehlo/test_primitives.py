"""Exported functions, run by XLA, give what the interpreter gives."""

import ml_dtypes
import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import UnimplementedError
from penstock._src.formats.stablehlo.export import stablehlo_text
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.function import Function
from penstock._src.ir.primitives import BINARY, COMPARE, PRIMITIVES, UNARY
from tests.formats.stablehlo import xla
from tests.ir.test_primitives import CASES, X

FLOAT_ONLY = {"is_finite", "is_nan", "is_inf", "complex", "atan2", "div"}
INTEGER_ONLY = {"shift_left", "shift_right", "shift_right_logical", "and", "or", "xor", "not"}
INTEGER_UNARY = {"neg", "abs", "sign", "not", "popcount", "square", "reciprocal"}
COMPLEX_ONLY = {"real", "imag", "conj"}
DOMAINS = {"log1p": 0.5, "asin": 0.3, "acos": 0.3, "atanh": 0.3}
POSITIVE = {"log", "sqrt", "rsqrt", "acosh", "lgamma", "cbrt"}


def compared(build, *arrays, rtol=2e-5, atol=2e-6):
    """Exports what `build(p, *parameters)` makes and runs it on XLA and in the interpreter."""
    p = Builder(rules=False, fold=False)
    arrays = [np.asarray(a) for a in arrays]
    nodes = [p.parameter(i, a.shape, dtypes.as_dtype(a.dtype)) for i, a in enumerate(arrays)]
    made = build(p, *nodes)
    results = tuple(made) if isinstance(made, (list, tuple)) else (made,)
    function = Function("f", tuple(nodes), results)
    expected, _ = interpreter.run(function, arrays)
    results = xla.run(stablehlo_text(function), arrays)
    for result, wanted in zip(results, expected, strict=True):
        assert result.dtype == wanted.dtype and result.shape == wanted.shape
        if wanted.dtype.kind == "V":
            result, wanted = result.astype(np.float32), wanted.astype(np.float32)
        if wanted.dtype.kind in "biu":
            np.testing.assert_array_equal(result, wanted)
        else:
            np.testing.assert_allclose(result, wanted, rtol, atol)


@pytest.mark.parametrize("name", CASES)
def test_exported_primitives_run_by_xla_equal_the_interpreter(name):
    build, arrays, _ = CASES[name]
    compared(build, *arrays)


@pytest.mark.parametrize("op", sorted(UNARY - COMPLEX_ONLY - INTEGER_ONLY - {"popcount"}))
def test_functions_of_floats(op):
    x = X * DOMAINS.get(op, 1)
    if op in POSITIVE:
        x = np.abs(x) + 1.1
    compared(lambda p, x: p.make("unary", [x], op=op), x)


@pytest.mark.parametrize("op", sorted(INTEGER_UNARY))
def test_functions_of_integers(op):
    compared(lambda p, x: p.make("unary", [x], op=op), np.array([-7, -1, 0, 1, 6], np.int32))


@pytest.mark.parametrize("op", sorted(COMPLEX_ONLY | {"neg", "abs", "exp", "square", "tanh"}))
def test_functions_of_complex_numbers(op):
    x = (X + 1j * X[::-1]).astype(np.complex64)
    compared(lambda p, x: p.make("unary", [x], op=op), x)


@pytest.mark.parametrize("op", sorted(BINARY - INTEGER_ONLY))
def test_functions_of_two_floats(op):
    x = np.abs(X) if op == "pow" else X
    compared(lambda p, x, y: p.make("binary", [x, y], op=op), x, X[:, ::-1] * 3)


@pytest.mark.parametrize("op", sorted(BINARY - FLOAT_ONLY))
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_functions_of_two_integers(op, dtype):
    x = np.array([-7, 7, -7, 7, 5, 0, 1, -8], np.int64).astype(dtype)
    y = np.array([2, -2, -2, 2, 0, 3, 40, 2], np.int64)
    y = np.abs(y) if op == "pow" else y
    compared(lambda p, x, y: p.make("binary", [x, y], op=op), x, y.astype(dtype))


@pytest.mark.parametrize("op", sorted(COMPARE))
def test_comparisons(op):
    x = np.array([1, np.nan, np.inf, -0.0], np.float32)
    compared(lambda p, x, y: p.make("compare", [x, y], op=op), x, np.roll(x, 1))
    compared(lambda p, x, y: p.make("compare", [x, y], op=op), x, x)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_narrow_floats_are_summed_in_float32(dtype):
    x = np.ones((3, 5000), dtype)
    compared(lambda p, x: p.reduce_sum(x, 1), x)
    compared(lambda p, x: p.contract("ab,cb->ac", x, x), x)


@pytest.mark.parametrize("op", sorted(PRIMITIVES["scatter"].ops))
def test_scatters(op):
    at = np.array([[2], [7], [0], [2]], np.int32)
    compared(
        lambda p, x, i, u: p.make("scatter", [x, i, u], op=op, mode="drop"),
        X[:, 0], at, np.arange(20, dtype=np.float32).reshape(4, 5),
    )  # fmt: skip


def test_a_checked_module_tells_whether_indices_are_inside():
    p = Builder(rules=False, fold=False)
    x, i = p.parameter(0, (4,), dtypes.float32), p.parameter(1, (2, 1), dtypes.int32)
    gathered = p.gather(x, p.reshape(i, [2]), 0, mode="error")
    scattered = p.make("scatter", [x, i, gathered], op="add", mode="error")
    function = Function("f", (x, i), (scattered,))
    values, text = np.arange(4, dtype=np.float32), stablehlo_text(function, is_checked=True)
    for indices, inside in (([0, 3], True), ([1, 4], False), ([-1, 2], False)):
        _, holds = xla.run(text, [values, np.array(indices, np.int32)[:, None]])
        assert bool(holds) == inside
    assert len(xla.run(stablehlo_text(function), [values, np.array([[0], [9]], np.int32)])) == 1


def test_indices_of_a_narrow_type_into_a_long_axis():
    compared(
        lambda p, x, i: p.gather(x, i, 0, mode="zero"),
        np.arange(300, dtype=np.float32), np.array([0, 100, 255], np.uint8),
    )  # fmt: skip


def test_windows_with_strides_and_dilations():
    def build(p, x):
        return p.windows(
            x, [1, 2], [2, 2], strides=[2, 1], dilations=[1, 2], low=[1, 0], high=[0, 1]
        )

    compared(build, X)


def test_keys_that_are_equal_or_missing():
    x = np.array([[1, np.nan, 1, 0, np.nan, -1]], np.float32)
    y = np.array([[3, 1, 2, 0, 0, 9]], np.int32)
    for descending in (False, True):
        compared(lambda p, x, y, d=descending: p.sort([x, y], 1, d), x, y)
        compared(lambda p, x, y, d=descending: p.sort([x, y, y], 1, d, num_keys=2), x, y)
    compared(lambda p, x: [p.arg_max(x, 1), p.arg_min(x, 1)], x)


@pytest.mark.parametrize("algorithm", ["philox", "threefry"])
def test_random_bits_are_the_same_numbers(algorithm):
    key = np.array([0x123456789ABCDEF0], np.uint64)
    for counter in ([5, 6], [2**64 - 1, 7]):
        compared(
            lambda p, k, c: p.make("random_bits", [k, c], count=11, algorithm=algorithm),
            key, np.array(counter, np.uint64),
        )  # fmt: skip


def test_loops_and_branches():
    def loop(p, x, n):
        return p.while_(
            lambda i, y: p.lt(i, n),
            lambda i, y: [i + 1, p.tanh(y + x)],
            [p.constant(np.int32(0)), x],
        )

    compared(loop, X, np.int32(4))

    def branch(p, i, x):
        return p.case(i, [lambda x: x + 1, lambda x: p.exp(x)], [x])[0]

    for index in (0, 1, 5, -1):
        compared(branch, np.int32(index), X)


def test_types_that_stablehlo_lacks_are_named():
    p = Builder(rules=False, fold=False)
    x = p.parameter(0, (2,), dtypes.float8_e4m3b11fnuz)
    with pytest.raises(UnimplementedError, match="no element type for float8_e4m3b11fnuz"):
        stablehlo_text(Function("f", (x,), (x,)))
