"""Convolutions by Winograd's algorithm against float64 NumPy: borders, odd sizes, input gradients, rounding errors."""

from dataclasses import replace

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.codegen.contraction.images.window import Axis
from penstock._src.compiler.codegen.contraction.images.winograd import tiles
from penstock._src.core import dtypes
from penstock._src.native.language.types import F32
from penstock._src.util.flags import override
from tests.compiler.codegen.contraction.harness import check, dim, evaluate, kernel_of, values
from tests.compiler.codegen.contraction.images.test_conv import (
    PLAIN,
    SAME3,
    dy_size,
    filter_gradient,
    forward,
    input_gradient,
)
from tests.compiler.codegen.contraction.products.test_products import BiasReluSum
from tests.compiler.codegen.contraction.test_choices import AVX2, FLOATS
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.harness.targets import LESSER, WITHOUT_MATRICES

UNEVEN = PLAIN | dict(low=(2, 0), high=(1, 1))


GEOMETRIES = pytest.mark.parametrize(
    "geometry", [SAME3, PLAIN, UNEVEN], ids=["same", "valid", "uneven"]
)
SHAPES = pytest.mark.parametrize(
    ("batch", "size", "channels", "outputs"),
    [(8, (8, 12), 16, 48), (9, (10, 14), 32, 16), (dim(5), (13, 9), 16, 32), (1, (22, 17), 48, 16)],
)
AT_END = pytest.mark.parametrize("at_end", [True, False])


def is_winograd(kernel):
    return kernel.label.startswith("winograd")


@AT_END
@GEOMETRIES
@SHAPES
def test_forward_and_input_gradient(batch, size, channels, outputs, geometry, at_end):
    image, weights = (batch, *size, channels), (3, 3, channels, outputs)
    dy = (batch, *dy_size(size, (3, 3), geometry), outputs)
    assert is_winograd(kernel_of(forward(**geometry), [image, weights])[3])
    check(forward(**geometry), image, weights, at_end=at_end)
    check(input_gradient(size, **geometry), dy, weights, at_end=at_end)


@AT_END
@GEOMETRIES
@SHAPES
def test_filter_gradient(batch, size, channels, outputs, geometry, at_end):
    image = (batch, *size, channels)
    dy = (batch, *dy_size(size, (3, 3), geometry), outputs)
    make = filter_gradient((3, 3), **geometry)
    assert is_winograd(kernel_of(make, [image, dy])[3])
    check(make, image, dy, at_end=at_end)


def test_a_filter_gradient_of_no_images_is_zero_and_runs_are_equal_to_the_bit():
    make, weights = filter_gradient((3, 3), **SAME3), np.full((3, 3, 16, 32), np.nan, np.float32)
    results = []
    for batch in (0, 7, 7):
        shapes = [(dim(batch), 9, 8, 16), (dim(batch), 9, 8, 32)]
        _, _, found, kernel = kernel_of(make, shapes)
        results.append(run_kernel(kernel, *values(shapes, dtypes.float32), weights, found.sizes)[0])
    assert not results[0].any()
    assert np.array_equal(results[1], results[2])


def test_float64_convolutions_use_winograd():
    shapes = [(4, 9, 10, 16), (3, 3, 16, 24)]
    assert is_winograd(kernel_of(forward(**SAME3), shapes, dtypes.float64)[3])
    check(forward(**SAME3), *shapes, dtype=dtypes.float64)


@pytest.mark.parametrize("target", LESSER)
def test_narrower_vectors(target):
    shapes = [(4, 9, 10, 16), (3, 3, 16, 24)]
    assert is_winograd(kernel_of(forward(**SAME3), shapes, target=target)[3])
    check(forward(**SAME3), *shapes, target=target)


def test_epilogue_and_statistics():
    shapes = [(dim(6), 10, 9, 16), (3, 3, 16, 32)]
    node, _, found, kernel = kernel_of(forward(**SAME3), shapes, epilogue=BiasReluSum(32))
    assert is_winograd(kernel)
    x, w = values(shapes, dtypes.float32)
    zero = np.zeros([int(d) for d in node.shape], np.float32)
    bias, residual = values([(32,), zero.shape], dtypes.float32, seed=1)
    plain, _ = run_kernel(kernel_of(forward(**SAME3), shapes)[3], x, w, zero, found.sizes)
    got, partials = run_kernel(kernel, x, w, zero, found.sizes, [bias, residual])
    want = np.maximum(plain + bias + residual, 0)
    np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_allclose(partials.view(np.float32).sum(0), want.sum((0, 1, 2)), rtol=5e-6)


@pytest.mark.parametrize(
    ("make", "shapes"),
    [
        (forward(**SAME3), [(4, 12, 12, 64), (3, 3, 64, 32)]),
        (filter_gradient((3, 3), **SAME3), [(4, 12, 12, 32), (4, 12, 12, 32)]),
    ],
    ids=["forward", "filter gradient"],
)
def test_rounding_errors_are_at_most_three_times_those_of_the_plain_sum(make, shapes):
    errors = []
    for disabled in ("winograd", ""):
        with override(disable=disabled):
            node, parameters, found, kernel = kernel_of(make, shapes)
        assert is_winograd(kernel) == (not disabled)
        x, w = values(shapes, dtypes.float32)
        known = dict(
            zip([p.id for p in parameters], [x.astype(float), w.astype(float)], strict=True)
        )
        want = evaluate(node, known)
        got, _ = run_kernel(kernel, x, w, np.zeros(want.shape, np.float32), found.sizes)
        errors.append(np.sqrt(np.mean((got - want) ** 2)))
    assert errors[1] < 3 * errors[0]


@pytest.mark.parametrize(
    ("image", "outputs", "geometry"),
    [
        ((8, 8, 8, 16), 18, SAME3),  # outputs that are no whole vectors
        ((8, 8, 8, 16), 32, SAME3 | dict(s=(2, 2))),
        ((8, 8, 8, 16), 32, SAME3 | dict(d=(2, 2), low=(2, 2), high=(2, 2))),
        ((1, 8, 8, 64), 64, SAME3),  # too few tiles to pay for transforming weights
        ((16, 7, 7, 512), 512, SAME3),  # transformed weights would not stay in a cache
    ],
)
def test_others_are_computed_directly(image, outputs, geometry):
    weights = (3, 3, image[-1], outputs)
    assert not is_winograd(kernel_of(forward(**geometry), [image, weights])[3])


NOT_FINITE = [(5, np.nan), (9000, np.inf), (-1, -np.inf), (-700, 3e38)]


def spoiled(array):
    """The array with a NaN, infinities and a number near the largest."""
    for index, value in NOT_FINITE:
        array.reshape(-1)[index % array.size] = value
    return array


@GEOMETRIES
def test_what_is_not_finite_in_an_image_reaches_the_outputs_that_read_it(geometry):
    weights, dy = (3, 3, 16, 48), (dim(6), *dy_size((9, 14), (3, 3), geometry), 48)
    for make, image in [
        (forward(**geometry), (dim(6), 9, 14, 16)),
        (input_gradient((9, 14), **geometry), dy),
    ]:
        x, w = values([image, weights], dtypes.float32)
        same_as_plain(make, [image, weights], [spoiled(x), w])


@GEOMETRIES
def test_what_is_not_finite_in_an_image_reaches_its_channels_filters(geometry):
    shapes = [(dim(6), 9, 14, 32), (dim(6), *dy_size((9, 14), (3, 3), geometry), 16)]
    x, dy = values(shapes, dtypes.float32)
    same_as_plain(filter_gradient((3, 3), **geometry), shapes, [spoiled(x), dy])


# Without borders: whether a weight meets the zeros around an image is the kernels' affair.
def test_weights_and_gradients_that_are_not_finite_reach_what_reads_them():
    shapes = [(dim(6), 9, 14, 16), (3, 3, 16, 48)]
    x, w = values(shapes, dtypes.float32)
    w[0, 0, 0, 0], w[1, 2, 3, 4], w[2, 2, 15, 47] = np.nan, np.inf, 3e38
    same_as_plain(forward(**PLAIN), shapes, [x, w])
    shapes = [(dim(6), 9, 14, 32), (dim(6), 7, 12, 16)]
    x, dy = values(shapes, dtypes.float32)
    same_as_plain(filter_gradient((3, 3), **PLAIN), shapes, [x, spoiled(dy)])


@pytest.mark.parametrize("dtype", [dtypes.bfloat16, dtypes.float16], ids=lambda dtype: dtype.name)
@pytest.mark.parametrize("target", [pytest.param(WITHOUT_MATRICES, id="own"), *LESSER])
def test_narrow_numbers_are_transformed_in_float32(dtype, target):
    image, weights, dy = (dim(5), 13, 9, 16), (3, 3, 16, 32), (dim(5), 13, 9, 32)
    for make, shapes in [
        (forward(**SAME3), [image, weights]),
        (input_gradient((13, 9), **SAME3), [dy, weights]),
        (filter_gradient((3, 3), **SAME3), [image, dy]),
    ]:
        assert is_winograd(kernel_of(make, shapes, dtype, target)[3])
        check(make, *shapes, dtype=dtype, target=target)


def test_what_is_not_finite_in_narrow_numbers_reaches_what_reads_it():
    narrow = dict(dtype=dtypes.bfloat16, target=WITHOUT_MATRICES)
    shapes = [(dim(6), 9, 14, 16), (3, 3, 16, 48)]
    x, w = values(shapes, dtypes.bfloat16)
    same_as_plain(forward(**SAME3), shapes, [spoiled(x), w], **narrow)
    shapes = [(dim(6), 9, 14, 32), (dim(6), 9, 14, 16)]
    x, dy = values(shapes, dtypes.bfloat16)
    same_as_plain(filter_gradient((3, 3), **SAME3), shapes, [spoiled(x), dy], **narrow)


def same_as_plain(make, shapes, arrays, dtype=dtypes.float32, target=None):
    found = []
    for disabled in ("winograd", ""):
        with override(disable=disabled):
            node, _, matched, kernel = kernel_of(make, shapes, dtype, target, output=F32)
        assert is_winograd(kernel) == (not disabled)
        out = np.zeros([int(d) for d in node.shape], np.float32)
        found.append(run_kernel(kernel, *arrays, out, matched.sizes)[0])
    assert not np.isfinite(found[0]).all()
    assert np.isfinite(found[0]).any()
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "is_cached", "sum_threads", "suits"),
    [(13, True, 2, True), (10, True, 2, True), (13, False, 2, False), (13, True, 16, False), (6, True, 2, False)],
)  # fmt: skip
def test_few_tiles_pay_where_transformed_weights_are_cached(size, is_cached, sum_threads, suits):
    target = replace(AVX2, sum_threads=sum_threads)
    axes = (Axis(size, size - 2, 3), Axis(size, size - 2, 3))
    assert tiles.suits(axes, 1, 32, 64, FLOATS, target, is_cached) is suits


@pytest.mark.parametrize(("size", "padding"), [(13, "VALID"), (8, "SAME")])
def test_one_small_image_by_a_variable_is_close_to_the_plain_sum(size, padding):
    random = np.random.default_rng(4)
    w = tf.Variable(random.standard_normal((3, 3, 32, 64)).astype(np.float32))
    x = random.standard_normal((1, size, size, 32)).astype(np.float32)
    got = tf.function(lambda x: tf.nn.conv2d(x, w, 1, padding), autograph=False)(x)
    want = tf.nn.conv2d(tf.cast(x, tf.float64), tf.cast(w, tf.float64), 1, padding)
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=1e-4)
