"""Movements, reductions, contractions and indexed reads, folded into loop nests, against the interpreter."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock._src.core import dtypes

SLOW = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
extent = st.sampled_from([0, 1, 2, 3, 5, 16, 17, 33])
shape = st.lists(extent, min_size=1, max_size=4).map(tuple)


@SLOW
@given(shape=shape, data=st.data())
def test_reductions(native, values, shape, data):
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, len(shape) - 1)))))
    op = data.draw(st.sampled_from(["sum", "max", "min", "prod"]))
    dtype = data.draw(
        st.sampled_from(["float32", "float64", "int32", "bfloat16", "int8", "uint64"])
    )
    x = values(dtype, shape, 1, 0.7, 1.4)
    native(lambda p, x: getattr(p, f"reduce_{op}")(x, axes), x, tolerance=40)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("shape", [(70, 9, 40), (3, 1000, 5), (1, 2, 5000)], ids=str)
def test_large_reductions(native, values, shape, axes):
    native(
        lambda p, x: [p.reduce_sum(x * x, axes), p.reduce_max(x, axes)],
        values("float32", shape),
        tolerance=80,
    )


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)], ids=str)
def test_any_and_all(native, values, axes):
    x = values("bool", (9, 37))
    native(lambda p, x: [p.reduce_any(x, axes), p.reduce_all(x, axes)], x)


def test_nan_wins_a_maximum(native, values):
    x = values("float32", (9, 70))
    x[3, 40] = np.nan
    native(
        lambda p, x: [p.reduce_max(x, (1,)), p.reduce_min(x, (0,)), p.arg_max(x, 1, dtypes.int64)],
        x,
    )


@SLOW
@given(shape=shape.filter(lambda s: 0 not in s), data=st.data())
def test_arg_reductions(native, values, shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    dtype = data.draw(st.sampled_from(["float32", "int32", "float64", "uint8"]))
    x = values(dtype, shape)
    x = np.round(x).astype(x.dtype)  # so that there are ties

    native(lambda p, x: [p.arg_max(x, axis, dtypes.int64), p.arg_min(x, axis, dtypes.int32)], x)


@SLOW
@given(shape=shape, data=st.data())
def test_transposes(native, values, shape, data):
    perm = data.draw(st.permutations(range(len(shape))))
    dtype = data.draw(st.sampled_from(["float32", "int8", "float64", "bool", "float16"]))
    native(lambda p, x: p.transpose(x, perm), values(dtype, shape))


@SLOW
@given(shape=shape, data=st.data())
def test_slices_and_pads(native, values, shape, data):
    starts, limits, strides, low, high, interior = [], [], [], [], [], []
    for n in shape:
        start = data.draw(st.integers(0, n))
        starts.append(start)
        limits.append(data.draw(st.integers(start, n)))
        strides.append(data.draw(st.integers(1, 3)))
        low.append(data.draw(st.integers(0, 3)))
        high.append(data.draw(st.integers(0, 3)))
        interior.append(data.draw(st.integers(0, 2)))
    axes = [i for i in range(len(shape)) if data.draw(st.booleans())]
    x = values("float32", shape)
    native(lambda p, x: p.slice(x, starts, limits, strides) * 2.0, x)
    native(lambda p, x: p.pad(x, low, high, 1.5), x)
    native(lambda p, x: p.pad(x, low, high, 1.5, interior), x)
    native(lambda p, x: p.reverse(x, axes), x)


def test_negative_pads_cut(native, values):
    native(lambda p, x: p.pad(x, [-1, 2], [1, -3], 0.0), values("float32", (5, 20)))
    native(lambda p, x: p.pad(x, [-1, -2], [-1, -3], 0.0, [1, 2]), values("float32", (5, 20)))


@SLOW
@given(shape=shape, data=st.data())
def test_reshapes(native, values, shape, data):
    size = int(np.prod(shape))
    factors, rest = [], size
    while rest > 1 and len(factors) < 3:
        divisors = [d for d in range(1, rest + 1) if rest % d == 0]
        factors.append(data.draw(st.sampled_from(divisors)))
        rest //= factors[-1]
    target = (*factors, rest) if size else (0, 3)
    perm = data.draw(st.permutations(range(len(shape))))
    x = values("float32", shape)
    native(lambda p, x: p.reshape(p.exp(x), target), x)
    native(lambda p, x: p.reshape(p.transpose(x, perm), target) + 1.0, x)


@SLOW
@given(shape=shape, data=st.data())
def test_concatenation(native, values, shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    pieces = []
    for i in range(data.draw(st.integers(1, 4))):
        own = list(shape)
        own[axis] = data.draw(st.integers(0, 5))
        pieces.append(values("float32", own, i))
    native(lambda p, *xs: p.concat(list(xs), axis) * 2.0, *pieces)


@pytest.mark.parametrize("strides,dilations,base,low,high", [
    (1, 1, 1, 0, 0), (2, 1, 1, 1, 1), (1, 2, 1, 2, 0), (1, 1, 2, 1, 2), (3, 2, 2, 2, 3),
])  # fmt: skip
def test_windows(native, values, strides, dilations, base, low, high):
    def make(p, x):
        w = p.windows(
            x,
            (1, 2),
            (3, 2),
            (strides,) * 2,
            (dilations,) * 2,
            (low,) * 2,
            (high,) * 2,
            (base,) * 2,
            0.5,
        )
        return [p.reduce_max(w, (4, 5)), w * 1.0]

    native(make, values("float32", (2, 9, 8, 3)))


@pytest.mark.parametrize("spec,a,b", [
    ("mk,kn->mn", (5, 7), (7, 9)), ("mk,nk->mn", (33, 40), (17, 40)), ("km,kn->mn", (40, 33), (40, 18)),
    ("bmk,bkn->bmn", (3, 5, 7), (3, 7, 4)), ("mk,kn->mn", (0, 7), (7, 9)), ("mk,kn->mn", (4, 0), (0, 9)),
    ("k,k->", (50,), (50,)), ("m,n->mn", (5,), (70,)), ("abc,cd->abd", (2, 3, 20), (20, 5)), ("ij,ij->i", (4, 9), (4, 9)),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bfloat16"])
def test_contractions(native, values, spec, a, b, dtype):
    native(
        lambda p, x, y: p.contract(spec, x, y), values(dtype, a), values(dtype, b, 1), tolerance=60
    )


def test_convolution_by_windows(native, values):
    def make(p, x, w):
        patches = p.windows(x, (1, 2), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1), 0.0)
        return p.contract("nhwcij,ijco->nhwo", patches, w)

    native(make, values("float32", (2, 7, 6, 5)), values("float32", (3, 3, 5, 8)), tolerance=60)


@SLOW
@given(data=st.data())
def test_gathers_clamp_or_zero_indices_out_of_range(native, values, data):
    x_shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    axis = data.draw(st.integers(0, len(x_shape) - 1))
    batch = data.draw(st.integers(0, axis))
    own = data.draw(st.lists(st.integers(0, 5), min_size=0, max_size=2))
    mode = data.draw(st.sampled_from(["clamp", "zero"]))
    indices = np.random.default_rng(0).integers(-3, 9, (*x_shape[:batch], *own)).astype(np.int32)
    native(lambda p, x, i: p.gather(x, i, axis, batch, mode), values("float32", x_shape), indices)


def test_dynamic_slices(native, values):
    x, start = values("float32", (9, 30)), np.array([4, -2], np.int32)

    def make(p, x, s):
        i, j = (p.reshape(p.slice(s, [k], [k + 1]), ()) for k in range(2))
        return [
            p.dynamic_slice(x, [i, j], [3, 7]),
            p.dynamic_update_slice(x, p.dynamic_slice(x, [j, i], [2, 4]) * 3.0, [i, j]),
        ]

    native(make, x, start)
    native(make, x, np.array([100, 26], np.int32))


def test_iota_and_constants(native, values):
    table = np.arange(20, dtype=np.float32).reshape(4, 5)
    native(
        lambda p, x: [x + p.cast(p.iota((4, 5), 1, dtypes.int32), dtypes.float32), x * p.constant(table),
                      p.iota((4, 5), 0, dtypes.int64)],
        values("float32", (4, 5)),
    )  # fmt: skip


@SLOW
@given(rows=st.sampled_from([1, 3, 64]), columns=st.sampled_from([1, 2, 10, 16, 33, 64, 100, 700]))
def test_softmax_and_layer_normalization(native, values, rows, columns):
    def softmax(p, x):
        e = p.exp(x - p.reduce_max(x, (1,), keepdims=True))
        return e / p.reduce_sum(e, (1,), keepdims=True)

    def normalize(p, x):
        d = x - p.reduce_mean(x, (1,), keepdims=True)
        return d * p.rsqrt(p.reduce_mean(d * d, (1,), keepdims=True) + 1e-3)

    x = values("float32", (rows, columns))
    native(softmax, x)
    native(normalize, x, tolerance=60)


@pytest.mark.parametrize("shape", [(2, 3, 4), (3, 2, 8), (2, 5, 16)])
def test_softmax_along_another_axis_than_the_last(native, values, shape):
    def softmax(p, x):
        x = p.transpose(x, (0, 2, 1))
        e = p.exp(x - p.reduce_max(x, (2,), keepdims=True))
        return p.transpose(e / p.reduce_sum(e, (2,), keepdims=True), (0, 2, 1))

    native(softmax, values("float32", shape))


def test_many_pieces_are_written_apart(native, values):
    pieces = [values("float32", (3, i % 4, 5), i) for i in range(9)]
    program, _ = native(lambda p, *xs: p.concat([x * 2.0 for x in xs], 1), *pieces)
    assert len(program.plan.launches) == 6  # three of the pieces are empty
    native(lambda p, *xs: p.reduce_sum(p.concat(list(xs), 1), (0,)), *pieces, tolerance=20)
