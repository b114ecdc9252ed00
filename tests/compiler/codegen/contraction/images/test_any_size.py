"""Convolutions of images of unknown height and width against float64 NumPy; ends of arrays are guarded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.compiler.codegen.contraction.emit import emit_contraction
from penstock._src.core import dtypes
from penstock._src.native import host
from tests.compiler.codegen.contraction.harness import check, dim, kernel_of, values
from tests.compiler.codegen.contraction.images.test_conv import (
    CASES,
    IDS,
    PLAIN,
    SAME3,
    check_or_nest,
    dy_size,
    filter_gradient,
    forward,
    input_gradient,
)
from tests.compiler.codegen.contraction.products.test_products import BiasReluSum
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.harness.targets import LESSER

DEPTHWISE = dict(spec="nxycij,ijc->nxyc")
DEPTHWISE_INPUT = dict(spec="nxyoij,ijo->nxyo")
DEPTHWISE_FILTER = dict(spec="nxycij,nxyc->ijc")
SIZES = [(1, 1), (7, 40), (33, 5), (19, 70)]


def unknown(size):
    return dim(size[0], "height"), dim(size[1], "width")


def shapes_of(size, taps, channels, outputs, g, batch=2):
    """The shapes of an image, of weights, and of the outputs' gradient."""
    size = unknown(size)
    image, weights = (batch, *size, channels), (*taps, channels, outputs)
    return image, weights, (batch, *dy_size(size, taps, g), outputs)


@pytest.mark.parametrize("batch", [2, dim(3)], ids=repr)
@pytest.mark.parametrize(("size", "taps", "channels", "outputs", "g"), CASES, ids=IDS)
def test_forward_and_gradients(size, taps, channels, outputs, g, batch):
    x, w, dy = shapes_of(size, taps, channels, outputs, g, batch)
    check(forward(**g), x, w)
    check(input_gradient(x[1:3], **g), dy, w)
    check(filter_gradient(taps, **g), x, dy)


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("channels", [1, 5, 24, 136])
@pytest.mark.parametrize("size", SIZES, ids=repr)
@pytest.mark.parametrize(
    "g", [SAME3, SAME3 | dict(s=(2, 2)), SAME3 | dict(d=(2, 2), low=(2, 2), high=(2, 2))]
)
def test_depthwise_and_gradients(g, size, channels, at_end):
    x, _, dy = shapes_of(size, (3, 3), channels, channels, g)
    w = (3, 3, channels)
    form = "depthwise convolution of any size" if channels > 1 else None
    check(forward(**g, **DEPTHWISE), x, w, form=form, at_end=at_end)
    check(input_gradient(x[1:3], **g, **DEPTHWISE_INPUT), dy, w, at_end=at_end)
    check_or_nest(filter_gradient((3, 3), **g, **DEPTHWISE_FILTER), x, dy, at_end=at_end)


@pytest.mark.parametrize(
    ("make", "shapes", "form"),
    [
        (forward(**SAME3), [(2, *unknown((9, 9)), 16), (3, 3, 16, 16)], "convolution of any size"),
        (forward(**SAME3), [(2, 9, *unknown((9, 9))[1:], 16), (3, 3, 16, 16)], "convolution of any size"),
        (forward(**SAME3), [(dim(2), 9, 9, 16), (3, 3, 16, 16)], "convolution"),
        (forward(**PLAIN), [(2, *unknown((9, 9)), 16), (1, 1, 16, 16)], "product"),
        (forward(**SAME3), [(2, *unknown((9, 9)), 512), (3, 3, 512, 512)], "product"),
        (
            filter_gradient((3, 3), **SAME3),
            [(2, *unknown((9, 9)), 16), (2, *unknown((9, 9)), 16)],
            "filter gradient of any size",
        ),
    ],
)  # fmt: skip
def test_geometries_choose_their_form(make, shapes, form):
    assert kernel_of(make, shapes)[2].description.form == form


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_drawn_geometries(data):
    draw = data.draw

    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    taps = pair(1, 5)
    g = {"s": pair(1, 3), "d": pair(1, 3), "low": pair(0, 4), "high": pair(0, 4)}
    size = tuple(draw(st.integers((taps[i] - 1) * g["d"][i] + 1, 70)) for i in (0, 1))
    channels, outputs = draw(st.sampled_from([1, 3, 16, 17])), draw(st.sampled_from([1, 2, 16, 20]))
    x, w, dy = shapes_of(size, taps, channels, outputs, g, draw(st.sampled_from([1, dim(2), 3])))
    makes = [
        (forward(**g), (x, w)),
        (input_gradient(x[1:3], **g), (dy, w)),
        (filter_gradient(taps, **g), (x, dy)),
        (forward(**g, **DEPTHWISE), (x, (*taps, channels))),
        (input_gradient(x[1:3], **g, **DEPTHWISE_INPUT), (dy, (*taps, outputs))),
        (filter_gradient(taps, **g, **DEPTHWISE_FILTER), (x, (*dy[:3], channels))),
    ]
    make, shapes = draw(st.sampled_from(makes))
    check_or_nest(make, *shapes, at_end=draw(st.booleans()))


@pytest.mark.parametrize("dtype", [dtypes.float64, dtypes.bfloat16, dtypes.float16], ids=repr)
def test_other_types(dtype):
    x, w, dy = shapes_of((13, 30), (3, 3), 24, 20, SAME3)
    check(forward(**SAME3), x, w, dtype=dtype)
    check(filter_gradient((3, 3), **SAME3), x, dy, dtype=dtype)
    check(forward(**SAME3, **DEPTHWISE), x, w[:3], dtype=dtype)


@pytest.mark.parametrize("target", LESSER)
def test_narrower_vectors(target):
    x, w, dy = shapes_of((9, 31), (3, 3), 16, 7, SAME3)
    check(forward(**SAME3), x, w, target=target)
    check(input_gradient(x[1:3], **SAME3), dy, w, target=target)
    check(filter_gradient((3, 3), **SAME3), x, dy, target=target)
    check(forward(**SAME3, **DEPTHWISE), x, w[:3], target=target)
    check(filter_gradient((3, 3), **SAME3, **DEPTHWISE_FILTER), x, (*dy[:3], 16), target=target)


def test_grouped_convolutions_of_any_size():
    spec = "nxygcij,ijcgo->nxygo"
    x = (2, *unknown((9, 31)), 3, 8)
    check(forward(**SAME3, spec=spec), x, (3, 3, 8, 3, 16), form="convolution of any size")
    gradient = filter_gradient((3, 3), **SAME3, spec="nxygcij,nxygo->ijcgo")
    check(gradient, x, (*x[:4], 16), form="filter gradient of any size")


@pytest.mark.parametrize("spec", ["nxycij,ijco->nxyo", "nxycij,ijc->nxyc"])
def test_epilogue_and_statistics(spec):
    channels = 20
    w = (3, 3, 8, channels) if spec.endswith("o") else (3, 3, channels)
    shapes = [(dim(3), *unknown((9, 37)), w[2]), w]
    make = forward(**SAME3, spec=spec)
    node, _, found, kernel = kernel_of(make, shapes, epilogue=BiasReluSum(channels))
    x, weights = values(shapes, dtypes.float32)
    zero = np.zeros([int(d) for d in node.shape], np.float32)
    bias, residual = values([(channels,), zero.shape], dtypes.float32, seed=1)
    plain, _ = run_kernel(kernel_of(make, shapes)[3], x, weights, zero, found.sizes)
    got, partials = run_kernel(kernel, x, weights, zero, found.sizes, [bias, residual])
    want = np.maximum(plain + bias + residual, 0)
    np.testing.assert_allclose(got, want, atol=1e-5)
    sums = partials.view(np.float32).reshape(-1, channels).sum(0)
    np.testing.assert_allclose(sums, want.sum((0, 1, 2)), rtol=1e-4)


def test_one_kernel_serves_all_sizes():
    keys = set()
    for size in SIZES:
        x, w, _ = shapes_of(size, (3, 3), 16, 32, SAME3)
        found = kernel_of(forward(**SAME3), [x, w])[2]
        keys.add(emit_contraction(found.description, host(), 2).code.key)
    assert len(keys) == 1
