"""Every primitive: its meaning against plain NumPy, and its shape rule against its meaning."""

import warnings

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.ir import interpreter
from penstock._src.ir.builder import Builder
from penstock._src.ir.errors import MalformedFunction
from penstock._src.ir.extents import dims
from penstock._src.ir.function import Function, reachable
from penstock._src.ir.meaning import scalars
from penstock._src.ir.primitives import BINARY, COMPARE, PRIMITIVES, UNARY
from penstock._src.ir.verify import verify
from tests.extents import symbol
from tests.ops.quantized.recorded import RECORDED


def evaluate(build, *arrays, rules=True):
    """What `build(p, *parameters)` gives for the arrays, through a verified function."""
    p = Builder(rules=rules, fold=rules)
    nodes = [
        p.parameter(i, a.shape, dtypes.as_dtype(a.dtype))
        for i, a in enumerate(map(np.asarray, arrays))
    ]
    made = build(p, *nodes)
    results = list(made) if isinstance(made, (list, tuple)) else [made]
    function = Function("test", tuple(nodes), tuple(results))
    verify(function)
    values, _ = interpreter.run(function, [np.asarray(a) for a in arrays])
    for node, value in zip(results, values, strict=True):
        assert value.shape == node.shape and value.dtype == node.dtype.np
    return values if isinstance(made, (list, tuple)) else values[0]


def random(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


X = random(3, 4, 5)
DEFINITE = np.float32([[[4, 1, 2], [1, 5, 0], [2, 0, 6]], [[1, 0.5, 0], [0.5, 2, 0], [0, 0, 3]]])


def doublings(x):
    """How often each element is doubled, half of it added, until it reaches 10, and what it is then."""
    n, y = np.zeros(x.shape, np.int32), x.copy()
    while (active := (np.abs(y) < 10) & (n < 50)).any():
        n, y = np.where(active, n + 1, n), np.where(active, y * 2 + x * np.float32(0.5), y)
    return n, y


CASES = {
    "reshape": (lambda p, x: p.reshape(x, [5, -1]), [X], X.reshape(5, 12)),
    "transpose": (lambda p, x: p.transpose(x, [2, 0, 1]), [X], X.transpose(2, 0, 1)),
    "broadcast": (
        lambda p, x: p.broadcast_to(x, [2, 3, 4, 5]),
        [X[:, :1]],
        np.broadcast_to(X[:, :1], (2, 3, 4, 5)),
    ),
    "broadcast axes": (
        lambda p, x: p.broadcast(x, [3, 4, 2], [0, 1]),
        [X[:, :, 0]],
        X[:, :, :1].repeat(2, 2),
    ),
    "slice": (lambda p, x: p.slice(x, [1, 0, 1], [3, 4, 5], [1, 2, 3]), [X], X[1:3, 0:4:2, 1:5:3]),
    "take": (lambda p, x: p.take(x, (slice(None, None, -1), None, -1)), [X], X[::-1, None, -1]),
    "reverse": (lambda p, x: p.reverse(x, [0, 2]), [X], X[::-1, :, ::-1]),
    "optimization_barrier": (lambda p, x, y: p.optimization_barrier(x, [y]), [X, X[0]], X),
    "iterate": (
        lambda p, x: p.iterate(
            lambda n, y: p.and_(p.lt(p.abs(y), 10.0), p.lt(n, 50)),
            lambda n, y: [n + 1, y * 2.0 + x * 0.5],
            [p.full(x.shape, 0, dtypes.int32), x],
        ),
        [X],
        doublings(X),
    ),
    "by_element": (
        lambda p, x: p.by_element(lambda x: [p.exp(x) * x, x], [x]),
        [X],
        (np.exp(X) * X, X),
    ),
    "where_any": (
        lambda p, x: p.where_any(p.gt(x, 0.5), lambda x: p.log(x), [x], p.neg(x)),
        [X],
        np.where(X > 0.5, np.log(np.maximum(X, 0.1)), -X),
    ),
    "concat": (
        lambda p, x, y: p.concat([x, y], 1),
        [X, X[:, :2]],
        np.concatenate([X, X[:, :2]], 1),
    ),
    "stack": (lambda p, x, y: p.stack([x, y], 1), [X, -X], np.stack([X, -X], 1)),
    "tile": (lambda p, x: p.tile(x, [2, 1, 3]), [X], np.tile(X, (2, 1, 3))),
    "pad": (
        lambda p, x: p.pad(x, [1, 0, -1], [0, 2, 0], 7),
        [X],
        np.pad(X[:, :, 1:], [(1, 0), (0, 2), (0, 0)], constant_values=7),
    ),
    "fft": (
        lambda p, x: p.fourier_transform(x, 1, False),
        [X * (1 + 1j)],
        np.fft.fft(X * (1 + 1j), axis=1).astype(np.complex64),
    ),
    "argwhere": (
        lambda p, x: p.argwhere(p.gt(x, 0.5)),
        [np.float32([[1, 0, 2], [0, 0, 3]])],
        (np.int64([[0, 0], [0, 2], [1, 2], [0, 0], [0, 0], [0, 0]]), np.int32(3)),
    ),
    "cholesky": (
        lambda p, x: p.cholesky(x),
        [DEFINITE],
        np.linalg.cholesky(DEFINITE),
    ),
    "lu": (
        lambda p, x: p.lu(x),
        [np.float32([[[0, 2, 4], [2, 8, 0], [1, 5, 0.5]]])],
        (
            np.float32([[[2, 8, 0], [0, 2, 4], [0.5, 0.5, -1.5]]]),
            np.int32([[1, 0, 2]]),
            np.int32([1]),
        ),
    ),
    "qr": (
        lambda p, x: p.qr(x, 2),
        [DEFINITE[:, :, :2]],
        (
            np.linalg.qr(DEFINITE[:, :, :2])[0],
            np.linalg.qr(DEFINITE[:, :, :2], "complete")[1],
        ),
    ),
    "triangular_solve": (
        lambda p, a, b: p.triangular_solve(a, b, False),
        [DEFINITE, DEFINITE[:, :, :2]],
        np.linalg.solve(np.triu(DEFINITE), DEFINITE[:, :, :2]),
    ),
    "triangular_solve unit": (
        lambda p, a, b: p.triangular_solve(a, b, True, True),
        [DEFINITE, DEFINITE[:, :, :2]],
        np.linalg.solve(np.tril(DEFINITE, -1) + np.eye(3, dtype=np.float32), DEFINITE[:, :, :2]),
    ),
    **{
        f"unpack {name}": (
            lambda p, x, name=name: p.unpack(x, name),
            [packed],
            numbers,
        )
        for name, (packed, numbers) in RECORDED.items()
    },
    "round_groups": (
        lambda p, x: p.round_groups(x, 2),
        [np.float32([[127, 1.4, 0, 0, -254, 3], [1e-44, 0, 2, 2, np.inf, 1]])],
        np.float32([[127, 1, 0, 0, -254, 4], [1e-44, 0, 2, 2, np.nan, np.nan]]),
    ),
    "sum": (lambda p, x: p.reduce_sum(x, [0, 2]), [X], X.sum((0, 2))),
    "sum keepdims": (lambda p, x: p.reduce_sum(x, -1, True), [X], X.sum(-1, keepdims=True)),
    "mean": (lambda p, x: p.reduce_mean(x), [X], X.mean()),
    "max": (lambda p, x: p.reduce_max(x, 1), [X], X.max(1)),
    "min": (lambda p, x: p.reduce_min(x, 1), [X], X.min(1)),
    "prod": (lambda p, x: p.reduce_prod(x, 1), [X], X.prod(1)),
    "any": (lambda p, x: p.reduce_any(p.gt(x, 1), 1), [X], (X > 1).any(1)),
    "all": (lambda p, x: p.reduce_all(p.gt(x, -1), 1), [X], (X > -1).all(1)),
    "max of nothing": (
        lambda p, x: p.reduce_max(x, 1),
        [X[:, :0]],
        np.full((3, 5), -np.inf, np.float32),
    ),
    "arg_max": (lambda p, x: p.arg_max(x, 1), [X], X.argmax(1)),
    "arg_min": (lambda p, x: p.arg_min(x, 1, dtypes.int32), [X], X.argmin(1).astype(np.int32)),
    "cumsum": (lambda p, x: p.cumulative(x, "sum", 1), [X], X.cumsum(1)),
    "cumprod reverse": (
        lambda p, x: p.cumulative(x, "prod", 1, reverse=True),
        [X],
        X[:, ::-1].cumprod(1)[:, ::-1],
    ),
    "cumsum exclusive": (lambda p, x: p.cumulative(x, "sum", 1, True), [X], X.cumsum(1) - X),
    "sort": (lambda p, x: p.sort([x], 1)[0], [X], np.sort(X, 1)),
    "sort descending": (lambda p, x: p.sort([x], 1, True)[0], [X], np.sort(X, 1)[:, ::-1]),
    "top_k": (lambda p, x: p.top_k(x, 2)[0], [X], np.sort(X, -1)[..., ::-1][..., :2]),
    "contract": (
        lambda p, x, y: p.contract("abc,dc->dab", x, y),
        [X, X[0]],
        np.einsum("abc,dc->dab", X, X[0]),
    ),
    "matmul": (lambda p, x, y: p.matmul(x, y), [X, X[0].T], X @ X[0].T),
    "matmul batch 1": (
        lambda p, x, y: p.matmul(x, y),
        [X[:1], X.swapaxes(1, 2)],
        X[:1] @ X.swapaxes(1, 2),
    ),
    "gather": (
        lambda p, x, i: p.gather(x, i, 1),
        [X, np.array([[3, 0], [1, 1]])],
        X[:, [[3, 0], [1, 1]]],
    ),
    "gather clamp": (lambda p, x, i: p.gather(x, i, 0), [X, np.array([-3, 9])], X[[0, 2]]),
    "gather zero": (
        lambda p, x, i: p.gather(x, i, 0, mode="zero"),
        [X, np.array([1, 9])],
        np.stack([X[1], 0 * X[1]]),
    ),
    "gather batch": (
        lambda p, x, i: p.gather(x, i, 1, batch_dims=1),
        [X, np.array([[1], [0], [3]])],
        np.take_along_axis(X, np.array([[1], [0], [3]])[..., None], 1),
    ),
    "gather batch, later axis": (
        lambda p, x, i: p.gather(x, i, 2, batch_dims=1),
        [X, np.array([[1, 1], [0, 2], [3, 4]])],
        np.take_along_axis(X, np.array([[1, 1], [0, 2], [3, 4]])[:, None], 2),
    ),
    "dynamic_slice": (
        lambda p, x, i: p.dynamic_slice(x, [i, 0, 9], [2, 4, 2]),
        [X, np.int32(1)],
        X[1:3, :, 3:],
    ),
    "dynamic_index": (lambda p, x, i: p.dynamic_index(x, i, 1), [X, np.int32(2)], X[:, 2]),
    "one_hot": (
        lambda p, i: p.one_hot(i, 4, dtypes.float32),
        [np.array([1, 3, 7])],
        np.eye(8, dtype="f")[[1, 3, 7], :4],
    ),
    "iota": (lambda p: p.iota([2, 3], 1, dtypes.int32), [], np.array([[0, 1, 2]] * 2, np.int32)),
    "full": (lambda p: p.full([2, 3], 1.5, dtypes.float16), [], np.full((2, 3), 1.5, np.float16)),
    "select": (lambda p, x: p.select(p.gt(x, 0), x, 0), [X], np.maximum(X, 0)),
    "cast to int": (lambda p, x: p.cast(x * 3, dtypes.int8), [X], (X * 3).astype(np.int8)),
    "cast to bool": (
        lambda p, x: p.cast(x, dtypes.bool_),
        [np.array([0.0, 0.5, np.nan])],
        np.array([False, True, True]),
    ),
    "bitcast": (lambda p, x: p.bitcast(x, dtypes.int32), [X], X.view(np.int32)),
    "bitcast narrower": (
        lambda p, x: p.bitcast(x, dtypes.uint8),
        [X],
        X.view(np.uint8).reshape(3, 4, 5, 4),
    ),
}


@pytest.mark.parametrize("rules", [True, False], ids=["rules", "plain"])
@pytest.mark.parametrize("name", CASES)
def test_meaning(name, rules):
    build, arrays, expected = CASES[name]
    made = evaluate(build, *arrays, rules=rules)
    if not isinstance(expected, tuple):
        made, expected = [made], [expected]
    for found, wanted in zip(made, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_windows_are_all_windows():
    x = np.arange(7, dtype=np.float32)
    made = evaluate(lambda p, x: p.windows(x, [0], [3], [2], [1], [1], [0]), x)
    np.testing.assert_array_equal(made, [[0, 0, 1], [1, 2, 3], [3, 4, 5]])


def test_windows_with_dilations():
    x = np.arange(1, 4, dtype=np.float32)
    made = evaluate(
        lambda p, x: p.windows(x, [0], [2], dilations=[2], base_dilations=[2], value=-1.0), x
    )
    np.testing.assert_array_equal(made, [[1, 2], [-1, -1], [2, 3]])


def test_windows_over_far_more_padding_than_elements():
    x = np.arange(1, 5, dtype=np.float32).reshape(2, 2)
    far = dict(dilations=[1000, 1], low=[1000, 1], high=[1000, 0], base_dilations=[1, 2])
    made = evaluate(lambda p, x: p.windows(x, [0, 1], [3, 2], [1, 2], value=-1.0, **far), x)
    assert made.shape == (2, 2, 3, 2)
    np.testing.assert_array_equal(made[:, :, [0, 2]], np.full((2, 2, 2, 2), -1))
    np.testing.assert_array_equal(made[:, :, 1], [[[-1, 1], [-1, 2]], [[-1, 3], [-1, 4]]])


def test_windows_of_two_axes_contract_to_a_convolution():
    x, w = random(2, 5, 6, 3), random(3, 2, 3, 4, seed=1)
    made = evaluate(
        lambda p, x, w: p.contract("nhwcij,ijco->nhwo", p.windows(x, [1, 2], [3, 2]), w), x, w
    )
    expected = np.zeros((2, 3, 5, 4))
    for i in range(3):
        for j in range(2):
            expected += np.einsum("nhwc,co->nhwo", x[:, i : i + 3, j : j + 5], w[i, j])
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("op", ["add", "set", "max", "min", "mul"])
def test_scatter(op):
    x, updates = random(4, 3), random(3, 3, seed=1)
    indices = np.array([[2], [0], [2]])
    expected = x.copy()
    for (row,), update in zip(indices, updates, strict=True):
        combine = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}
        expected[row] = update if op == "set" else combine[op](expected[row], update)
    made = evaluate(lambda p, x, i, u: p.scatter(x, i, u, op), x, indices, updates)
    np.testing.assert_allclose(made, expected, rtol=1e-6)


def test_scatter_drops_indices_outside():
    x = np.zeros(3, np.float32)
    made = evaluate(lambda p, x, i, u: p.scatter(x, i, u), x, np.array([[1], [7], [-1]]), x + 1)
    np.testing.assert_array_equal(made, [0, 1, 0])


def test_gather_reports_an_index_outside():
    with pytest.raises(InvalidArgumentError, match=r"indices\[1\] = 9 is not in \[0, 3\)"):
        evaluate(lambda p, x, i: p.gather(x, i, 0, mode="error"), X, np.array([1, 9]))


def test_sort_is_stable_and_sorts_together():
    keys, rows = np.array([2, 1, 2, 1, 0]), np.arange(5)
    made = evaluate(lambda p, k, r: p.sort([k, r]), keys, rows)
    np.testing.assert_array_equal(made[1], [4, 1, 3, 0, 2])
    made = evaluate(lambda p, k, r: p.sort([k, r], descending=True), keys, rows)
    np.testing.assert_array_equal(made[1], [0, 2, 1, 3, 4])


def test_nan_sorts_last():
    made = evaluate(lambda p, x: p.sort([x])[0], np.array([np.nan, 1, -1], np.float32))
    np.testing.assert_array_equal(made, np.array([-1, 1, np.nan], np.float32))


def test_while_counts():
    def build(p, x):
        return p.while_(lambda i, y: p.lt(i, 4), lambda i, y: [i + 1, y * 2], [p.constant(0), x])

    i, y = evaluate(build, X)
    assert i == 4
    np.testing.assert_allclose(y, X * 16)


def test_while_takes_what_does_not_change_out_of_the_loop():
    p = Builder()
    x, w = (p.parameter(i, (4, 4), dtypes.float32) for i in range(2))
    results = p.while_(
        lambda i, y, w: p.lt(i, 3),
        lambda i, y, w: [i + 1, p.matmul(y, p.exp(w)), w],
        [p.constant(0), x, w],
    )
    assert results[2] is w
    node = results[1].args[0]
    assert node.attrs["carried"] == 2
    assert [a.kind for a in node.args] == ["constant", "parameter", "unary"]
    body = node.attrs["body"]
    assert "unary" not in {n.kind for n in body.nodes()}


def test_case_runs_one_branch_and_clamps_to_the_last():
    def build(p, i, x):
        return p.case(i, [lambda x: x + 1, lambda x: x * 2], [x])[0]

    for index, expected in ((0, X + 1), (1, X * 2), (5, X * 2), (-1, X * 2)):
        np.testing.assert_allclose(evaluate(build, np.int32(index), X), expected)


def test_philox_gives_tensorflows_numbers():
    # tf.raw_ops.StatelessRandomUniformFullIntV2(shape=[6], key=[7], counter=[1, 2], alg=1, dtype=tf.uint32) of TF 2.21
    def build(p):
        key, counter = p.constant(np.array([7], np.uint64)), p.constant(np.array([1, 2], np.uint64))
        return p.random_bits(key, counter, 6)

    expected = [3993829521, 955157873, 3973482437, 2687253789, 2669553013, 3144359755]
    np.testing.assert_array_equal(evaluate(build), np.array(expected, np.uint32))


@pytest.mark.parametrize("op", sorted(UNARY | BINARY | COMPARE))
def test_every_scalar_function_has_a_meaning(op):
    tables = (scalars.UNARY, scalars.BINARY, scalars.COMPARE)
    assert any(op in table for table in tables)


def test_arguments_are_counted_as_the_grammar_names_them():
    arities = [PRIMITIVES[kind].arity for kind in ("iota", "unary", "pad", "scatter", "sort")]
    assert arities == [0, 1, 2, 3, None]


def test_sizes_are_no_constants():
    p = Builder()
    batch = symbol("b", 8)
    x = p.parameter(0, (batch, 3), dtypes.float32)
    mean = p.reduce_mean(x, 0)
    assert {n.kind for n in reachable([mean])} >= {"size"}
    shape = p.concat([p.shape_value(x.shape), p.constant([2])], 0) * 2
    assert [dims.shown(d) for d in p.dims(shape)] == ["2*b=16", "6", "4"]
    assert p.value(shape).tolist() == [16, 6, 4]


def test_equal_nodes_are_one():
    p = Builder()
    x = p.parameter(0, (3,), dtypes.float32)
    assert p.exp(x) + 1 is p.exp(x) + 1
    assert p.constant(0.0) is not p.constant(-0.0)


def test_what_a_kind_does_not_allow_is_malformed():
    p = Builder()
    x = p.parameter(0, (3,), dtypes.float32)
    with pytest.raises(MalformedFunction, match="binary: the dtypes of add must be equal"):
        p.add(x, p.cast(x, dtypes.float64))


def test_overflow_is_infinite_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        half = np.array([60000, 60000], np.float16)
        total = evaluate(lambda p, x: p.reduce_sum(x), half)
        product = evaluate(lambda p, x: p.mul(x, x), half)
    assert np.isinf(total) and np.isinf(product).all()
