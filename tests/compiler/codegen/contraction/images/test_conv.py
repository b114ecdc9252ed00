"""Convolutions, their gradients and depthwise ones against float64 NumPy; ends of arrays are guarded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock._src.core import dtypes
from penstock._src.native import Target, assembly
from penstock._src.native.llvm import initialize as initialize_llvm
from tests.compiler.codegen.contraction.harness import check, dim, kernel_of, values
from tests.compiler.codegen.contraction.products.test_products import BiasReluSum
from tests.compiler.codegen.kernel_harness import run_kernel
from tests.harness.targets import LESSER

PLAIN = dict(s=(1, 1), d=(1, 1), low=(0, 0), high=(0, 0))
SAME3 = PLAIN | dict(low=(1, 1), high=(1, 1))


def out_size(n, k, s, d, low, high):
    return (n + low + high - (k - 1) * d - 1) // s + 1


def forward(s, d, low, high, spec="nxycij,ijco->nxyo"):
    def make(p, x, w):
        return p.contract(spec, p.windows(x, [1, 2], w.shape[:2], s, d, low, high, (1, 1)), w)

    return make


def input_gradient(size, s, d, low, high, spec="nxyoij,ijco->nxyc"):
    """Of an image of `size`; dy's windows move over dy dilated by the strides."""

    def make(p, dy, w):
        taps = [int(k) for k in w.shape[:2]]
        before = [d[i] * (taps[i] - 1) - low[i] for i in (0, 1)]
        after = [size[i] + low[i] - 1 - (int(dy.shape[1 + i]) - 1) * s[i] for i in (0, 1)]
        return p.contract(
            spec, p.windows(dy, [1, 2], taps, (1, 1), d, before, after, s), p.reverse(w, [0, 1])
        )

    return make


def filter_gradient(taps, s, d, low, high, spec="nxycij,nxyo->ijco"):
    def make(p, x, dy):
        return p.contract(spec, p.windows(x, [1, 2], taps, s, d, low, high, (1, 1)), dy)

    return make


CASES = [  # image size, taps, channels, outputs, geometry
    ((9, 11), (3, 3), 5, 7, SAME3),
    ((9, 11), (3, 3), 5, 7, SAME3 | dict(s=(2, 2))),
    ((8, 8), (3, 3), 16, 32, SAME3 | dict(s=(2, 2), low=(0, 0))),
    ((13, 13), (5, 5), 20, 40, PLAIN | dict(low=(2, 2), high=(2, 2))),
    ((10, 12), (7, 7), 3, 8, PLAIN | dict(s=(2, 2), low=(3, 3), high=(3, 3))),
    ((12, 12), (3, 3), 4, 6, PLAIN | dict(d=(2, 2), low=(2, 2), high=(2, 2))),
    ((12, 12), (3, 2), 4, 6, PLAIN | dict(s=(2, 1), d=(2, 3))),
    ((12, 12), (3, 3), 4, 6, SAME3 | dict(s=(2, 2), d=(2, 2))),
    ((14, 14), (1, 1), 32, 64, PLAIN | dict(s=(2, 2))),
    ((8, 8), (3, 3), 8, 16, PLAIN | dict(s=(3, 3))),
    ((6, 6), (3, 3), 1, 1, PLAIN),
    ((7, 7), (3, 3), 16, 48, PLAIN),
    ((4, 5), (4, 5), 6, 9, PLAIN),
    ((1, 17), (1, 4), 5, 9, PLAIN | dict(low=(0, 1), high=(0, 2))),
    # A border wider than all that is read.
    ((4, 1), (1, 1), 16, 32, PLAIN | dict(s=(1, 600), low=(0, 500))),
    ((8, 4), (3, 3), 8, 16, SAME3 | dict(s=(1, 99), low=(1, 97), high=(1, 0))),  # no tap meets it
]
IDS = [
    f"{h}x{w} {k[0]}x{k[1]} {c}-{o}{'/2' if g['s'] != (1, 1) else ''}"
    for (h, w), k, c, o, g in CASES
]


def dy_size(size, taps, g):
    return [
        out_size(size[i], taps[i], *(g[x][i] for x in ("s", "d", "low", "high"))) for i in (0, 1)
    ]


@pytest.mark.parametrize("batch", [2, dim(3)], ids=repr)
@pytest.mark.parametrize(("size", "taps", "channels", "outputs", "g"), CASES, ids=IDS)
def test_forward_and_gradients(size, taps, channels, outputs, g, batch):
    x, w = (batch, *size, channels), (*taps, channels, outputs)
    dy = (batch, *dy_size(size, taps, g), outputs)
    check(forward(**g), x, w)
    check(input_gradient(size, **g), dy, w)
    check(filter_gradient(taps, **g), x, dy)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_drawn_geometries(data):
    draw = data.draw
    taps = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    g = {
        "s": draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        "d": draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        "low": draw(st.tuples(st.integers(0, 3), st.integers(0, 3))),
        "high": draw(st.tuples(st.integers(0, 3), st.integers(0, 3))),
    }
    size = tuple(draw(st.integers((taps[i] - 1) * g["d"][i] + 1, 12)) for i in (0, 1))
    channels, outputs = draw(st.sampled_from([1, 3, 16, 17])), draw(st.sampled_from([1, 2, 16, 20]))
    batch = draw(st.sampled_from([1, dim(2), 3]))
    x, w = (batch, *size, channels), (*taps, channels, outputs)
    dy = (batch, *dy_size(size, taps, g), outputs)
    make, shapes = draw(
        st.sampled_from(
            [
                (forward(**g), (x, w)),
                (input_gradient(size, **g), (dy, w)),
                (filter_gradient(taps, **g), (x, dy)),
            ]
        )
    )
    check_or_nest(make, *shapes, at_end=draw(st.booleans()))


def check_or_nest(make, *shapes, **kw):
    """Checks it, unless it is a sum without columns: that is a loop nest's work."""
    try:
        check(make, *shapes, **kw)
    except AssertionError as error:
        if "matches nothing" not in str(error):
            raise


@pytest.mark.parametrize(
    ("make", "shapes", "form"),
    [
        (forward(**SAME3), [(dim(2), 8, 8, 16), (3, 3, 16, 16)], "convolution"),
        (forward(**PLAIN), [(dim(2), 8, 8, 16), (1, 1, 16, 16)], "product"),
        (input_gradient((8, 8), **SAME3), [(dim(2), 8, 8, 16), (3, 3, 16, 16)], "convolution"),
        (
            filter_gradient((3, 3), **SAME3),
            [(dim(2), 8, 8, 16), (dim(2), 8, 8, 16)],
            "filter gradient",
        ),
        (
            filter_gradient((1, 1), **PLAIN),
            [(dim(2), 8, 8, 16), (dim(2), 8, 8, 16)],
            "filter gradient",
        ),
        (
            forward(**SAME3, spec="nxycij,ijcm->nxycm"),
            [(dim(2), 8, 8, 16), (3, 3, 16, 1)],
            "depthwise convolution",
        ),
        (
            forward(**SAME3, spec="nxygcij,ijcgo->nxygo"),
            [(dim(2), 8, 8, 2, 5), (3, 3, 5, 2, 6)],
            "convolution",
        ),
    ],
)
def test_forms_are_recognized(make, shapes, form):
    check(make, *shapes, form=form)


@pytest.mark.parametrize(
    "g", [SAME3, SAME3 | dict(s=(2, 2)), PLAIN], ids=["same", "stride 2", "valid"]
)
def test_grouped(g):
    x, w = (dim(2), 9, 11, 2, 5), (3, 3, 5, 2, 7)
    dy = (dim(2), *dy_size((9, 11), (3, 3), g), 2, 7)
    check(forward(**g, spec="nxygcij,ijcgo->nxygo"), x, w, form="convolution")
    check(input_gradient((9, 11), **g, spec="nxygoij,ijcgo->nxygc"), dy, w, form="convolution")
    check(
        filter_gradient((3, 3), **g, spec="nxycgij,nxygo->ijcgo".replace("cg", "gc", 1)),
        x,
        dy,
        form="filter gradient",
    )


@pytest.mark.parametrize(
    "g", [SAME3, SAME3 | dict(s=(2, 2)), PLAIN | dict(d=(2, 2))], ids=["same", "stride", "dilated"]
)
@pytest.mark.parametrize("channels", [1 + 2, 16, 40])
def test_depthwise(g, channels):
    x, w = (dim(2), 19, 11, channels), (3, 3, channels)
    dy = (dim(2), *dy_size((19, 11), (3, 3), g), channels)
    check(forward(**g, spec="nxycij,ijc->nxyc"), x, w, form="depthwise convolution")
    check(
        input_gradient((19, 11), **g, spec="nxycij,ijc->nxyc"), dy, w, form="depthwise convolution"
    )
    taps = filter_gradient((3, 3), **g, spec="nxycij,nxyc->ijc")
    check(taps, x, dy, form="depthwise filter gradient")


@pytest.mark.parametrize("g", [SAME3, SAME3 | dict(s=(2, 2))], ids=["same", "stride"])
def test_depthwise_with_a_part_of_a_filter(g):
    def part(p, x, w):
        filter_ = p.reshape(p.slice(w, [0, 0, 0, 2], [3, 3, 16, 3]), [3, 3, 16])
        return forward(**g, spec="nxycij,ijc->nxyc")(p, x, filter_)

    check(part, (dim(2), 19, 11, 16), (3, 3, 16, 5), form="depthwise convolution")


def test_depthwise_with_a_multiplier():
    check(forward(**SAME3, spec="nxycij,ijcm->nxycm"), (dim(2), 9, 11, 6), (3, 3, 6, 2))


def test_one_and_three_dimensions():
    def line(p, x, w):
        return p.contract(
            "nxci,ico->nxo", p.windows(x, [1], w.shape[:1], (2,), (1,), (1,), (1,), (1,)), w
        )

    def volume(p, x, w):
        view = p.windows(
            x, [1, 2, 3], w.shape[:3], (1, 2, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1), (1, 1, 1)
        )
        return p.contract("nxyzcijk,ijkco->nxyzo", view, w)

    def volume_filter_gradient(p, x, dy):
        return p.contract("nxyzcijk,nxyzo->ijkco", p.windows(x, [1, 2, 3], (2, 2, 2)), dy)

    check(line, (dim(2), 19, 5), (3, 5, 7), form="convolution")
    check(volume, (dim(2), 4, 5, 6, 3), (3, 3, 3, 3, 7))
    check(volume_filter_gradient, (dim(2), 4, 5, 6, 3), (dim(2), 3, 4, 5, 8))


def test_channels_first():
    def through_a_transpose(p, x, w):
        return forward(**SAME3)(p, p.transpose(x, [0, 2, 3, 1]), w)

    def directly(p, x, w):
        view = p.windows(x, [2, 3], w.shape[:2], (1, 1), (1, 1), (1, 1), (1, 1), (1, 1))
        return p.contract("ncxyij,ijco->noxy", view, w)

    check(through_a_transpose, (dim(2), 5, 9, 11), (3, 3, 5, 7), form="convolution")
    check(directly, (dim(2), 5, 9, 11), (3, 3, 5, 7))


def test_images_of_run_time_size():
    check(forward(**SAME3), (dim(2), dim(7, "h"), dim(9, "w"), 5), (3, 3, 5, 7))


def test_filters_larger_than_the_cache():
    x, w, dy = (dim(3), 4, 4, 128), (3, 3, 128, 150), (dim(3), 4, 4, 150)
    check(forward(**SAME3), x, w)
    check(input_gradient((4, 4), **SAME3), dy, w)
    check(filter_gradient((3, 3), **SAME3), x, dy)
    check(filter_gradient((3, 3), **SAME3), (0, *x[1:]), (0, *dy[1:]))


def test_empty_batches():
    for batch in (0, dim(0)):
        check(forward(**SAME3), (batch, 5, 5, 3), (3, 3, 3, 4))
        check(filter_gradient((3, 3), **SAME3), (batch, 5, 5, 3), (batch, 5, 5, 4))


@pytest.mark.parametrize(
    "dtype", [dtypes.float64, dtypes.bfloat16, dtypes.float16, dtypes.int32], ids=str
)
def test_every_dtype_in_all_directions(dtype):
    x, w, dy = (2, 9, 11, 16), (3, 3, 16, 7), (2, 9, 11, 7)
    check(forward(**SAME3), x, w, dtype=dtype)
    check(input_gradient((9, 11), **SAME3), dy, w, dtype=dtype)
    check(filter_gradient((3, 3), **SAME3), x, dy, dtype=dtype)
    check(forward(**SAME3, spec="nxycij,ijc->nxyc"), x, w[:3], dtype=dtype)


@pytest.mark.parametrize("target", LESSER)
def test_narrower_vectors(target):
    x, w, dy = (2, 9, 11, 16), (3, 3, 16, 7), (2, 9, 11, 7)
    check(forward(**SAME3), x, w, target=target)
    check(input_gradient((9, 11), **SAME3), dy, w, target=target)
    check(filter_gradient((3, 3), **SAME3), x, dy, target=target)


def test_a_new_batch_needs_no_new_kernel():
    found = [check(forward(**SAME3), (dim(b), 8, 8, 16), (3, 3, 16, 16)) for b in (1, 5)]
    assert found[0].description == found[1].description


@pytest.mark.parametrize("s", [(1, 1), (2, 2)])
def test_epilogue_and_statistics(s):
    g = SAME3 | dict(s=s)
    shapes = [(dim(3), 9, 10, 5), (3, 3, 5, 20)]
    node, parameters, found, kernel = kernel_of(forward(**g), shapes, epilogue=BiasReluSum(20))
    x, w = values(shapes, dtypes.float32)
    rng = np.random.default_rng(1)
    shape = tuple(int(d) for d in node.shape)
    bias, residual = (
        rng.standard_normal(20).astype(np.float32),
        rng.standard_normal(shape).astype(np.float32),
    )
    zero = np.zeros(shape, np.float32)
    plain, _ = run_kernel(kernel_of(forward(**g), shapes)[3], x, w, zero, found.sizes)
    got, partials = run_kernel(kernel, x, w, zero, found.sizes, [bias, residual])
    want = np.maximum(plain + bias + residual, 0)
    np.testing.assert_allclose(got, want, atol=1e-5)
    np.testing.assert_allclose(partials.view(np.float32).sum(0), want.sum((0, 1, 2)), rtol=1e-4)


def test_statistics_of_phases_with_blocks_of_different_sizes():
    # Only the phase of four taps has weights so heavy that a block takes several images.
    g = SAME3 | dict(s=(2, 2), low=(0, 0))
    make, shapes = input_gradient((14, 14), **g), [(dim(26), 7, 7, 512), (3, 3, 256, 512)]
    node, parameters, found, kernel = kernel_of(make, shapes, epilogue=BiasReluSum(256))
    assert len(set(kernel.facts["images"])) > 1
    dy, w = values(shapes, dtypes.float32)
    w = np.ascontiguousarray(w[::-1, ::-1])  # as `input_gradient` reverses the taps
    shape = tuple(int(d) for d in node.shape)
    zero, bias = np.zeros(shape, np.float32), np.zeros(256, np.float32)
    got, partials = run_kernel(kernel, dy, w, zero, found.sizes, [bias, zero])
    np.testing.assert_allclose(
        partials.view(np.float32).sum(0), got.sum((0, 1, 2), dtype=np.float64), rtol=1e-4
    )


def test_runs_agree_to_the_bit():
    shapes = [(dim(7), 12, 12, 16), (dim(7), 12, 12, 32)]
    node, parameters, found, kernel = kernel_of(filter_gradient((3, 3), **SAME3), shapes)
    arrays = values(shapes, dtypes.float32)
    runs = [
        run_kernel(kernel, *arrays, np.zeros(node.shape, np.float32), found.sizes)[0]
        for _ in range(4)
    ]
    assert all(np.array_equal(runs[0], r) for r in runs)


def test_large_filters_of_large_images():
    x, dy = (dim(2), 34, 32, 256), (dim(2), 34, 32, 80)
    check(filter_gradient((3, 3), **SAME3), x, dy, form="filter gradient")


def test_other_processors_compile():
    neon = Target("aarch64-unknown-linux-gnu", "cortex-a72", "+neon", 16, 32)
    initialize_llvm()
    for make, shapes in (
        (lambda p, a, b: p.contract("mk,nk->mn", a, b), [(40, 50), (30, 50)]),
        (forward(**SAME3), [(dim(2), 8, 8, 16), (3, 3, 16, 16)]),
        (filter_gradient((3, 3), **SAME3), [(dim(2), 8, 8, 16), (dim(2), 8, 8, 16)]),
        (forward(**SAME3, spec="nxycij,ijc->nxyc"), [(dim(2), 8, 8, 16), (3, 3, 16)]),
    ):
        kernel = kernel_of(make, shapes, target=neon)[3]
        assert "fmla" in assembly(kernel.code)


def test_volumes_with_channels_in_runs():
    def volume(p, x, w, dilated=(1, 1, 1)):
        ones = (1, 1, 1)
        view = p.windows(
            x, [1, 2, 3], [int(k) for k in w.shape[:3]], ones, ones, ones, ones, dilated
        )
        return p.contract("nxyzcijk,ijkco->nxyzo", view, w)

    check(volume, (dim(2), 4, 5, 6, 16), (3, 3, 3, 16, 17))
    check(
        lambda p, x, w: volume(p, x, p.reverse(w, [0, 1, 2]), (2, 1, 2)),
        (dim(2), 2, 5, 3, 16),
        (3, 3, 3, 16, 17),
    )


@pytest.mark.parametrize(("groups", "inputs", "outputs"), [(2, 16, 16), (5, 3, 7), (16, 8, 4)])
def test_channels_cut_into_groups(groups, inputs, outputs):
    same = dict(s=(1, 1), d=(1, 1), low=(1, 1), high=(1, 1))
    images, filters = (2, 9, 9, groups * inputs), (3, 3, inputs, groups * outputs)
    results = (2, 9, 9, groups * outputs)

    def cut(p, x):
        return p.reshape(x, (*x.shape[:-1], groups, x.shape[-1] // groups))

    def of_groups(make):
        return lambda p, x, y: make(p, cut(p, x), cut(p, y))

    make = of_groups(forward(**same, spec="nxygcij,ijcgo->nxygo"))
    check(make, images, filters, form="convolution")
    make = of_groups(input_gradient((9, 9), (1, 1), (1, 1), (1, 1), (1, 1), "nxygoij,ijcgo->nxygc"))
    check(make, results, filters, form="convolution")
    make = of_groups(filter_gradient((3, 3), **same, spec="nxygcij,nxygo->ijcgo"))
    check(make, images, results, form="filter gradient")
