"""Schedules of convolutions: single images, taps outside the image, pairs of bfloat16."""

import pytest

from penstock._src.core import dtypes
from penstock._src.native import host
from penstock._src.util.flags import override
from tests.compiler.codegen.contraction.harness import check, dim, kernel_of
from tests.compiler.codegen.contraction.images.test_conv import (
    PLAIN,
    SAME3,
    dy_size,
    filter_gradient,
    forward,
    input_gradient,
)
from tests.harness.targets import WITHOUT_MATRICES

needs_pairs = pytest.mark.skipif(not host().multiplies_pairs, reason="needs bfloat16 dot products")


needs_wide_vectors = pytest.mark.skipif(
    host().lanes("float") < 16, reason="the schedules of other processors differ"
)


@needs_wide_vectors
def test_a_single_image_is_work_for_all_threads():
    shapes = [(1, 32, 32, 16), (3, 3, 16, 24)]
    facts = kernel_of(forward(**SAME3), shapes)[3].facts
    assert facts["rows"][0] <= 16
    check(forward(**SAME3), *shapes, form="convolution")
    check(forward(**SAME3), (3, 32, 32, 16), (3, 3, 16, 24), form="convolution")


GEOMETRIES = [  # size, taps, geometry
    ((16, 16), (3, 3), SAME3),
    ((16, 16), (5, 3), PLAIN | dict(low=(2, 1), high=(2, 1))),
    ((15, 16), (3, 3), SAME3 | dict(s=(2, 1))),
    ((17, 16), (3, 3), PLAIN | dict(d=(4, 2), low=(4, 2), high=(4, 2))),
    ((2, 16), (3, 3), PLAIN | dict(d=(3, 1), low=(3, 1), high=(3, 1))),
    ((12, 16), (3, 3), PLAIN | dict(low=(4, 1), high=(5, 1))),
    ((11, 16), (4, 4), PLAIN),
]


@pytest.mark.parametrize("batch", [2, dim(3)], ids=repr)
@pytest.mark.parametrize(("size", "taps", "geometry"), GEOMETRIES)
def test_taps_outside_the_image_count_nothing(size, taps, geometry, batch):
    image, weights = (batch, *size, 16), (*taps, 16, 32)
    dy = (batch, *dy_size(size, taps, geometry), 32)
    for at_end in (True, False):
        check(forward(**geometry), image, weights, at_end=at_end)
        check(filter_gradient(taps, **geometry), image, dy, at_end=at_end)
        check(input_gradient(size, **geometry), dy, weights, at_end=at_end)


@needs_pairs
@pytest.mark.parametrize(("size", "taps", "geometry"), GEOMETRIES)
@pytest.mark.parametrize(("channels", "outputs"), [(16, 32), (6, 10)])
def test_bfloat16_is_multiplied_in_pairs(size, taps, geometry, channels, outputs):
    image, weights = (2, *size, channels), (*taps, channels, outputs)
    dy = (2, *dy_size(size, taps, geometry), outputs)
    bfloat16 = dtypes.bfloat16
    how = dict(dtype=bfloat16, target=WITHOUT_MATRICES)
    with override(disable="winograd"):
        assert kernel_of(forward(**geometry), [image, weights], **how)[3].facts["pairs"]
        for at_end in (True, False):
            check(forward(**geometry), image, weights, at_end=at_end, **how)
            check(input_gradient(size, **geometry), dy, weights, at_end=at_end, **how)


@needs_pairs
def test_odd_channels_are_no_pairs():
    shapes = [(2, 9, 9, 3), (3, 3, 3, 8)]
    assert not kernel_of(forward(**SAME3), shapes, dtypes.bfloat16)[3].facts["pairs"]
    check(forward(**SAME3), *shapes, dtype=dtypes.bfloat16)
