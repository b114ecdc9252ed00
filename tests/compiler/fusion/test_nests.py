"""Loop nests of whole gradients that once did not compile."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.fusion.schedule import share
from penstock._src.compiler.kernels.kernel import map_nest
from penstock._src.compiler.lower.context import LoweringContext
from penstock._src.util import flags


def test_a_load_inside_a_reduction_is_not_turned_beforehand():
    """Its place depends on the reduction's own variable, which has no value yet where blocks are loaded."""
    random = np.random.default_rng(0)
    x = tf.constant(random.standard_normal((6, 5, 5, 8)).astype(np.float32))
    w = tf.constant(random.standard_normal((3, 3, 8, 1)).astype(np.float32))

    def gradient(x, w):
        with tf.GradientTape() as tape:
            tape.watch((x, w))
            y = tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME")
            y = tf.nn.max_pool2d(y, 2, 2, "VALID")
            loss = tf.reduce_sum(y * y)
        return tape.gradient(loss, (x, w))

    for got, want in zip(tf.function(gradient)(x, w), gradient(x, w), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_quotients_of_indices_that_run_backwards_are_rounded_down():
    """A reversed pad with holes divides indices that fall below zero before they are shifted back."""
    x = tf.constant(np.random.default_rng(0).standard_normal((13, 6)).astype(np.float32))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.concat([x, x[..., ::-1]], 0)[:, ::2]
            places = tf.reshape(tf.range(tf.size(y), dtype=tf.float32), tf.shape(y))
            loss = tf.reduce_sum(y * tf.sin(places))
        return tape.gradient(loss, x)

    np.testing.assert_allclose(tf.function(gradient)(x), gradient(x), atol=1e-6)


def test_products_of_resized_images_for_several_batch_axes():
    """The rows of one operand are read through a resize, and two axes of the batch are one to the product."""
    y = tf.constant(np.random.default_rng(0).random((8, 5, 6, 3), np.float32))

    def gradient(y):
        with tf.GradientTape() as tape:
            tape.watch(y)
            z = tf.image.resize(y, [10, 7], "bilinear")[:, :, 1:4]
            loss = tf.reduce_sum(tf.matmul(z, tf.cos(z), transpose_b=True) ** 2)
        return tape.gradient(loss, y)

    np.testing.assert_allclose(tf.function(gradient)(y), gradient(y), rtol=2e-6, atol=2e-6)


def test_windows_of_reversed_images_are_zero_outside():
    random = np.random.default_rng(0)
    x = tf.constant(random.standard_normal((2, 3, 17, 9)).astype(np.float32))
    w = tf.constant(random.standard_normal((3, 3, 9, 2)).astype(np.float32))
    for axis in (1, 2):

        def convolve(x, w, axis=axis):
            return tf.nn.conv2d(tf.reverse(x, [axis]), w, 1, "SAME")

        np.testing.assert_allclose(tf.function(convolve)(x, w), convolve(x, w), atol=1e-4)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_list_that_a_branch_makes_has_memory_of_its_own(rows):
    """A scan over rows of an unknown shape in a branch, in a loop too: its first row is written before its loop."""

    def scanned(x, y):
        return tf.cond(y > 0, lambda: y, lambda: tf.reduce_sum(tf.scan(lambda a, b: a + b, x)) + y)

    def often(x, y):
        return tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y - scanned(x, y)), [0, y])[1]

    x, y = tf.reshape(tf.range(2.0 * rows), [rows, 2]), tf.constant(-1.0)
    for function in (scanned, often):
        specs = [tf.TensorSpec([None, None]), tf.TensorSpec([])]
        compiled = tf.function(function, input_signature=specs, autograph=False)
        with flags.override(verify=1):
            np.testing.assert_allclose(compiled(x, y), function(x, y))


def test_rows_reduced_by_scalars_before_their_elements_are_used():
    @tf.function
    def normalized(x):
        return tf.nn.log_softmax(tf.matmul(x, x, transpose_a=True), axis=1)

    x = np.random.default_rng(0).normal(size=(2, 3, 3, 1)).astype(np.float32)
    product = (x * x).sum(2, keepdims=True)
    expected = product - np.log(np.exp(product).sum(1, keepdims=True))
    np.testing.assert_allclose(normalized(x), expected, rtol=1e-5, atol=1e-6)


def test_places_of_maxima_with_shares_of_their_rows():
    @tf.function
    def predicted(x):
        found = tf.argmax(x, 2)
        return found, tf.reduce_mean(tf.cast(found == 0, tf.float32), 1)

    x = np.random.default_rng(0).normal(size=(5, 64, 10)).astype(np.float32)
    found, share = predicted(x)
    np.testing.assert_array_equal(found, x.argmax(2))
    np.testing.assert_allclose(share, (x.argmax(2) == 0).mean(1))


def test_a_sum_of_nothing_is_zero_whatever_its_factor():
    def scaled(x):
        factor = tf.reduce_mean(x, keepdims=True)  # of nothing: NaN
        return tf.reduce_sum(x * factor), tf.reduce_sum(x / factor)

    for extent in (0, None):
        compiled = tf.function(scaled, [tf.TensorSpec([extent])])
        assert [float(t) for t in compiled(tf.zeros([0]))] == [0.0, 0.0]


def test_equal_nests_share_their_loops_and_keep_their_arrays():
    """A deep model has few kernels that differ: the others refer to the loops of the first that has them."""
    p, f32 = LoweringContext(), tf.float32
    x, y = p.parameter(0, (5, 7), f32), p.parameter(1, (5, 7), f32)
    nodes = [p.tanh(p.mul(x, 2.0)), p.tanh(p.mul(y, 2.0)), p.tanh(p.mul(y, 3.0))]
    nests = [map_nest([node], lambda n: n.kind == "parameter").nest for node in nodes]
    shared = {}
    for nest in nests:
        share(nest, shared)
    first, equal, other = nests
    assert equal.scope is first.scope and equal.stores is first.stores
    assert equal.space is first.space and equal.values() == first.values()
    assert other.scope is not first.scope
    assert [nest.leaves for nest in nests] == [[x], [y], [y]]
    assert [nest.outputs for nest in nests] == [[node] for node in nodes]
