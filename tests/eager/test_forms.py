"""Calls of ever new sizes share a program once a few sizes had programs of their own."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.eager import compiled, execute
from penstock._src.eager.forms import FEW, NARROW, Family, key_of

RANDOM = np.random.default_rng(0)
KERNEL = RANDOM.standard_normal((3, 3, 4, 8)).astype("float32")


@pytest.fixture(autouse=True)
def empty_caches(monkeypatch):
    """Full ones are emptied, whatever they know."""
    for name in ("_kept", "_families", "_calls"):
        monkeypatch.setattr(compiled, name, {})


def images(size):
    return RANDOM.standard_normal((4, size, size + 3, 4)).astype("float32")


CALLS = {
    "conv": lambda x: tf.nn.conv2d(x, KERNEL, 1, "SAME"),
    "pool": lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"),
    "tile": lambda x: tf.tile(x, [1, 2, 1, x.shape[1] % 3 + 1]),
    "pad": lambda x: tf.pad(x, [[0, 0], [1, x.shape[1] % 4], [2, 0], [0, 0]]),
    "reverse": lambda x: tf.reverse(x, [1]),
    "transpose": lambda x: tf.transpose(x, [0, 2, 1, 3] if x.shape[1] % 2 else [3, 1, 0, 2]),
    "roll": lambda x: tf.roll(x, x.shape[1] % 5, 2),
    "gather": lambda x: tf.gather(x, [2, 0, 1], axis=2),
    "sorted": lambda x: tf.sort(x, 1),
    "resized": lambda x: tf.image.resize(x, [20 + x.shape[1] % 7, 31]),
    "slope": lambda x: slope(x),
}


def slope(x):
    with tf.GradientTape() as tape:
        tape.watch(x := tf.constant(x))
        y = tf.nn.conv2d(x, KERNEL, 2, "SAME") ** 2
    return tape.gradient(y, x)


@pytest.mark.parametrize("name", CALLS)
def test_new_sizes_give_what_the_host_kernel_gives(name, monkeypatch):
    programs = compiled._kept
    sizes = [40, 41, 45, 52, 63, 70, 71, 40, 52]
    given = [images(size) for size in sizes]
    found = [CALLS[name](x) for x in given]
    assert len(programs) <= 30
    monkeypatch.setattr(execute, "run_compiled", lambda op, values: op.eager(*values))
    for x, result in zip(given, found, strict=True):
        np.testing.assert_allclose(result, CALLS[name](x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name, most", [("conv", FEW + 2), ("pool", FEW + 2), ("sorted", FEW + 2)])
def test_new_sizes_soon_compile_nothing(name, most):
    programs = compiled._kept
    for size in range(40, 52):
        CALLS[name](images(size))
    assert len(programs) <= most


def test_what_differed_is_open():
    family = Family()
    axes = np.array([0, 1])
    forms = [[(None, 3 + i, 7), axes, np.array(i % 2)] for i in range(FEW)]
    assert [family.chosen(form, key_of(form)) for form in forms] == forms
    shared = family.chosen([(None, 9, 7), axes, np.array(5)], ())
    assert shared == [(None, None, 7), axes, ()]
    assert family.chosen(forms[0], key_of(forms[0])) is forms[0]
    assert family.chosen([(None, 9, 8), axes[:1], np.array(5)], ()) == [
        (None, None, None),
        (None,),
        (),
    ]


@pytest.mark.parametrize("columns, programs", [(NARROW, FEW + 1), (NARROW + 7 * FEW, 1)])
def test_programs_of_reductions_know_how_narrow_rows_are(columns, programs):
    kept = compiled._kept
    for less in range(FEW + 3):
        x = RANDOM.standard_normal((4000, columns - less)).astype("float32")
        np.testing.assert_allclose(tf.reduce_mean(x, 0), x.mean(0, np.float64), atol=1e-6)
    assert len(kept) == programs


def test_transposes_of_colours_know_their_extents():
    families = compiled._families
    image, tokens = np.zeros((1, 200, 200, 3)), np.zeros((2, 32, 8, 256))
    for x in (image, tokens):
        tf.transpose(x, [0, 2, 1, 3])
    (family,) = families.values()
    assert {key[0] for key in family.own} == {image.shape, (None,) * 4}


@pytest.mark.parametrize("convolve", [tf.nn.conv2d, tf.nn.depthwise_conv2d])
def test_filters_are_never_open(convolve):
    families = compiled._families
    x = tf.constant(images(40))
    for size in range(1, FEW + 4):  # the batch has 4 images, as one filter has rows
        filters = tf.constant(RANDOM.standard_normal((size, size, 4, 2)).astype("float32"))
        with tf.GradientTape() as tape:
            tape.watch([x, filters])
            y = convolve(x, filters, [1, 1, 1, 1], "SAME") ** 2
        tape.gradient(y, [x, filters])
    of_convolutions = [family for family in families if len(family) > 3]
    assert len(of_convolutions) == 3 * (FEW + 3)
    forms = [entry for key in of_convolutions for entry in families[key].shared]
    shapes = [tuple(entry) if type(entry) is np.ndarray else entry for entry in forms]
    assert all(None not in shape[1:] and shape[0] in (None, 4, shape[1]) for shape in shapes)


def test_each_permutation_has_a_family():
    families = compiled._families
    for order in ([0, 2, 1], [2, 1, 0]):
        tf.transpose(np.zeros((40, 50, 60)), order)
    assert len(families) == 2


def test_pads_of_ever_new_sizes_run_on_the_host():
    programs = compiled._kept
    around = [[0, 0], [1, 2], [3, 0], [0, 0]]
    for size in range(70, 78):
        x = images(size)
        np.testing.assert_array_equal(tf.pad(x, around), np.pad(x, around))
    assert len(programs) == FEW


@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True)])
def test_products_of_16_bit_floats_know_their_depth(flips):
    programs = compiled._kept
    right = RANDOM.standard_normal((96, 96)).astype("float32")
    for rows in (96, 32, 64, 31, 96):
        left = RANDOM.standard_normal((96, rows) if flips[0] else (rows, 96)).astype("float32")
        x, y = tf.cast(left, tf.bfloat16), tf.cast(right, tf.bfloat16)
        product = tf.matmul(x, y, transpose_a=flips[0], transpose_b=flips[1])
        wide = [v.T if flip else v for v, flip in zip((x.numpy(), y.numpy()), flips, strict=True)]
        exact = wide[0].astype("float64") @ wide[1].astype("float64")
        np.testing.assert_allclose(product.numpy().astype("float64"), exact, rtol=0.01, atol=0.05)
    # The number of rows of the first matrix is open.
    assert sum("MatMul" in str(op) for op, _ in programs.values()) == (4 if flips[0] else 1)
