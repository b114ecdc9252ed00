"""Random bits, running results, sorting, scatter, bounds checks: native against the interpreter."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock._src.compiler.codegen.specials.sorts.short_keys import SHARED
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core import dtypes, errors
from penstock._src.devices.cpu.device import generator_for
from penstock._src.native import host

SLOW = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
shapes = st.lists(st.sampled_from([1, 2, 3, 17, 40]), min_size=1, max_size=3).map(tuple)


@pytest.mark.parametrize("count", [0, 1, 4, 63, 64, 65, 5000])
@pytest.mark.parametrize("algorithm", ["philox", "threefry"])
def test_random_bits(native, count, algorithm):
    key = np.array([0x123456789ABCDEF0], np.uint64)
    counter = np.array([2**64 - 7, 3][: 2 if algorithm == "philox" else 1], np.uint64)
    native(lambda p, k, c: p.random_bits(k, c, count, algorithm), key, counter)


@SLOW
@given(shape=shapes, data=st.data())
def test_scans_along_any_axis_equal_the_interpreter(native, values, shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    op = data.draw(st.sampled_from(["sum", "prod", "max", "min"]))
    dtype = data.draw(st.sampled_from(["float32", "float64", "int32", "bfloat16", "uint8"]))
    exclusive, reverse = data.draw(st.booleans()), data.draw(st.booleans())
    x = values(dtype, shape, 1, 0.8, 1.25)
    native(lambda p, x: p.cumulative(x, op, axis, exclusive, reverse), x, tolerance=60)


@SLOW
@given(shape=shapes, data=st.data())
def test_sorts_are_stable_and_carry_values(native, values, shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    dtype = data.draw(
        st.sampled_from(["float32", "float64", "int32", "int8", "uint64", "bfloat16", "bool"])
    )
    descending = data.draw(st.booleans())
    x = np.round(values(dtype, shape)).astype(values(dtype, ()).dtype)
    number = np.arange(x.size, dtype=np.int32).reshape(shape)
    native(lambda p, x, n: p.sort([x, n], axis, descending), x, number)
    native(lambda p, x, n: p.sort([n % 3, x, n], axis, descending, num_keys=2), x, number)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("n", [7, 16, 17, 100, 255, 257, 511, 512, 513, 1030])
def test_sorts_of_lines_of_each_length(native, n, descending):
    random = np.random.default_rng(n)
    x = random.integers(-9, 9, (3, n)).astype("float32")  # most elements have equals
    x[1, ::5], x[2, ::7] = np.nan, -np.inf
    number = np.tile(np.arange(n, dtype=np.int32), (3, 1))
    native(lambda p, x, n: p.sort([x, n], 1, descending), x, number)
    native(lambda p, x: p.top_k(x, 5), x)
    native(lambda p, x, n: p.sort([x, n], 1, descending), x.astype("float64") * 1e-300, number)


@SLOW
@given(
    n=st.sampled_from([1, 2, 3, 5, 8, 16, 24, 29, 49, 128, 130]),
    beside=st.sampled_from([(1, 1), (40, 1), (3, 5), (2, 16), (1, 33)]),
    dtype=st.sampled_from(["complex64", "complex128"]),
    inverse=st.booleans(),
)
def test_fourier_transforms(native, values, n, beside, dtype, inverse):
    part = "float32" if dtype == "complex64" else "float64"
    x = np.empty((beside[0], n, beside[1]), dtype)
    x.real, x.imag = values(part, x.shape), values(part, x.shape)
    native(lambda p, x: p.fourier_transform(x, 1, inverse), x, tolerance=60)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint64", "int8", "bfloat16"])
@pytest.mark.parametrize("descending", [False, True])
def test_long_lines_are_sorted_stably(native, values, dtype, descending):
    x = np.round(values(dtype, (2, 3000)) * 9).astype(values(dtype, ()).dtype)
    number = np.arange(x.size, dtype=np.int32).reshape(x.shape)
    native(lambda p, x, n: p.sort([x, n], 1, descending), x, number)


@pytest.mark.parametrize("n", [2 * SHARED - 1, 2 * SHARED, 3 * SHARED + 1, 9 * SHARED + 5])
@pytest.mark.parametrize("draw", ["equal", "ascending", "descending", "mixed"])
def test_lines_that_threads_share_are_sorted_stably(native, n, draw):
    """Pieces are sorted by a task each, then merged."""
    x = np.arange(n, dtype=np.float32)
    if draw == "mixed":
        x = np.random.default_rng(n).integers(-500, 500, n).astype(np.float32)
        x[::1000], x[7::999] = np.nan, -0.0
    x = {"equal": x * 0, "descending": x[::-1].copy()}.get(draw, x)
    number = np.arange(n, dtype=np.int32)
    for descending in (False, True):
        native(lambda p, x, n, d=descending: p.sort([x, n], 0, d), x, number)
        native(
            lambda p, x, n, d=descending: p.sort([x, n], 0, d, count=n.shape[0] // 2 + 9), x, number
        )


@pytest.mark.parametrize(("dtype", "bytes_of_element"), [("float32", 16), ("float64", 32)])
@pytest.mark.parametrize("threads", [1, 2, 64])
def test_a_line_needs_the_same_memory_for_any_number_of_threads(threads, dtype, bytes_of_element):
    p, n = LoweringContext(), 1_000_000
    x = p.parameter(0, (n,), dtypes.as_dtype(dtype))
    function = p.function("sort", [x], list(p.sort([x], 0, False)))
    plan = plan_function(function, generator_for(host()), threads)
    assert plan.arena_bytes <= 1.01 * bytes_of_element * n


def test_nan_is_sorted_last(native):
    x = np.array([3, np.nan, -np.inf, 1, np.inf, np.nan, -0.0, 0.0], np.float32)
    for descending in (False, True):
        native(lambda p, x, d=descending: p.sort([x], 0, d), x)


@pytest.mark.parametrize("k", [1, 3, 40])
def test_top_k_equals_the_interpreter(native, values, k):
    native(lambda p, x: list(p.top_k(x, k)), values("float32", (5, 40)))


@SLOW
@given(data=st.data())
def test_scatters(native, values, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3)))
    depth = data.draw(st.integers(1, len(shape)))
    lead = data.draw(st.lists(st.integers(0, 6), min_size=0, max_size=2))
    op = data.draw(st.sampled_from(["add", "set", "max", "min", "mul"]))
    dtype = data.draw(st.sampled_from(["float32", "int32", "float64"]))
    r = np.random.default_rng(0)
    indices = r.integers(-1, 1 + max(shape), (*lead, depth)).astype(np.int32)
    updates = values(dtype, (*lead, *shape[depth:]), 2)
    native(lambda p, x, i, u: p.scatter(x, i, u, op), values(dtype, shape), indices, updates)


def test_indices_outside_raise(native, values):
    x, indices = values("float32", (5, 3)), np.array([[0, 4], [2, 1]], np.int32)
    native(lambda p, x, i: p.gather(x, i, 0, 0, "error"), x, indices)
    bad = np.array([[0, 4], [7, 1]], np.int32)
    from penstock._src.compiler.lower.context import LoweringContext
    from penstock._src.core import dtypes
    from penstock._src.devices.cpu.device import build_program

    p = LoweringContext()
    a, i = p.parameter(0, x.shape, dtypes.float32), p.parameter(1, bad.shape, dtypes.int32)
    program = build_program(p.function("f", [a, i], [p.gather(a, i, 0, 0, "error")]))
    with pytest.raises(
        errors.InvalidArgumentError, match=r"indices\[1, 0\] = 7 is not in \[0, 5\)"
    ):
        program(x, bad)
    np.testing.assert_array_equal(program(x, indices)[0], x[indices])


def test_checks_raise(native, values):
    from penstock._src.compiler.lower.context import LoweringContext
    from penstock._src.core import dtypes
    from penstock._src.devices.cpu.device import build_program

    p = LoweringContext()
    x = p.parameter(0, (4,), dtypes.float32)
    p.check(p.reduce_all(p.gt(x, 0.0)), "x must be positive")
    program = build_program(p.function("f", [x], [x * 2.0]))
    program(np.ones(4, np.float32))
    with pytest.raises(errors.InvalidArgumentError, match="x must be positive"):
        program(np.zeros(4, np.float32))


def test_wrong_arguments_never_reach_native_code(values):
    from penstock._src.compiler.lower.context import LoweringContext
    from penstock._src.core import dtypes
    from penstock._src.core.shapes import as_shape
    from penstock._src.core.values.resources import VariableHandle
    from penstock._src.devices.cpu.device import build_program

    p = LoweringContext()
    x = p.parameter(0, (4,), dtypes.float32)
    v = p.parameter(1, (), dtypes.resource, variable=((4,), dtypes.float32))
    condition = p.reduce_all(p.gt(x, 0.0))
    p.check(condition, "x must be positive")
    program = build_program(p.function("f", [x, v], [x + p.read_variable(v), condition]))

    handle = VariableHandle(as_shape((4,)), dtypes.float32, "v")
    with pytest.raises(errors.FailedPreconditionError):
        program(np.ones(4, np.float32), handle)
    handle.value = np.ones(3, np.float32)
    with pytest.raises(errors.InvalidArgumentError, match="argument 1"):
        program(np.ones(4, np.float32), handle)
    handle.value = np.ones(4, np.float32)
    with pytest.raises(errors.InvalidArgumentError, match="argument 0"):
        program(np.ones(4), handle)
    with pytest.raises(errors.InvalidArgumentError, match="x must be positive"):
        program(np.zeros(4, np.float32), handle)
    np.testing.assert_array_equal(
        program(np.ones(8, np.float32)[::2], handle)[0], np.full(4, 2.0, np.float32)
    )


@SLOW
@given(data=st.data())
def test_the_first_of_sorted_lines(native, values, data):
    shapes = st.lists(st.sampled_from([1, 3, 90, 1000]), min_size=1, max_size=3)
    # A thousand lines of a thousand numbers, and a million of them, say nothing that ninety do not.
    shape = tuple(data.draw(shapes.filter(lambda shape: math.prod(shape) <= 100_000)))
    axis = max(range(len(shape)), key=shape.__getitem__)
    dtype = data.draw(
        st.sampled_from("float32 float64 float16 bfloat16 int32 int8 uint8 uint64 bool".split())
    )
    count = data.draw(st.integers(0, min(shape[axis], 70)))
    descending = data.draw(st.booleans())
    x = np.round(values(dtype, shape) * data.draw(st.sampled_from([1, 20])))
    x = x.astype(values(dtype, ()).dtype)
    if dtype[0] in "bf" and dtype != "bool":
        missing = np.random.default_rng(0).random(shape) < data.draw(st.sampled_from([0, 0.1, 1]))
        x = np.where(missing, np.array(np.nan, x.dtype), x)
    number = np.arange(x.size, dtype=np.int32).reshape(shape)
    native(lambda p, x, n: p.sort([x, n], axis, descending, count=count), x, number)


@pytest.mark.parametrize("order", [np.arange, lambda n: -np.arange(n), np.zeros])
def test_the_first_of_ordered_lines(native, order):
    x = np.asarray(order(5000), np.float32)
    native(lambda p, x: list(p.top_k(x, 7)), x)
