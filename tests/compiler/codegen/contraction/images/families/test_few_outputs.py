"""Convolutions with one to four outputs against float64 NumPy: vectors go along the channels."""

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.native import host
from tests.compiler.codegen.contraction.harness import check, dim, kernel_of, values
from tests.compiler.codegen.contraction.images.test_conv import (
    PLAIN,
    SAME3,
    dy_size,
    forward,
    input_gradient,
)
from tests.compiler.codegen.contraction.products.test_products import BiasReluSum
from tests.compiler.codegen.kernel_harness import run_kernel

# The schedules of other processors differ.
IS_WIDE = host().lanes("float") == 16


def is_by_channels(kernel):
    return kernel.label.startswith("few outputs")


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("batch", "size", "taps", "channels", "geometry"),
    [
        (2, (9, 11), (3, 3), 32, SAME3),
        (dim(3), (8, 16), (3, 3), 16, SAME3),
        (1, (9, 7), (5, 3), 48, PLAIN | dict(s=(2, 1), low=(2, 0), high=(1, 1))),
        (2, (11, 12), (3, 3), 16, PLAIN | dict(d=(2, 3))),
        (3, (6, 5), (1, 1), 64, PLAIN | dict(s=(2, 2))),
    ],
)
def test_forward_and_input_gradient(batch, size, taps, channels, geometry, outputs, at_end):
    image, weights = (batch, *size, channels), (*taps, channels, outputs)
    if IS_WIDE:
        assert is_by_channels(kernel_of(forward(**geometry), [image, weights])[3])
    check(forward(**geometry), image, weights, at_end=at_end)
    turned = (*taps, outputs, channels)
    dy = (batch, *dy_size(size, taps, geometry), channels)
    check(input_gradient(size, **geometry), dy, turned, at_end=at_end)


def test_long_filters_and_doubles():
    check(forward(**PLAIN), (1, 9, 9, 800), (7, 7, 800, 2))
    check(forward(**SAME3), (2, 6, 7, 32), (3, 3, 32, 1), dtype=dtypes.float64)


def test_epilogue_and_statistics():
    shapes = [(dim(3), 9, 10, 32), (3, 3, 32, 3)]
    node, _, found, kernel = kernel_of(forward(**SAME3), shapes, epilogue=BiasReluSum(3))
    x, w = values(shapes, dtypes.float32)
    zero = np.zeros([int(d) for d in node.shape], np.float32)
    bias, residual = values([(3,), zero.shape], dtypes.float32, seed=1)
    plain, _ = run_kernel(kernel_of(forward(**SAME3), shapes)[3], x, w, zero, found.sizes)
    got, partials = run_kernel(kernel, x, w, zero, found.sizes, [bias, residual])
    want = np.maximum(plain + bias + residual, 0)
    np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_allclose(partials.view(np.float32).sum(0), want.sum((0, 1, 2)), rtol=1e-4)
