"""One program resizes images of any size, with the numbers of the programs of their own sizes."""

import numpy as np
import pytest

import penstock as tf

SIZES = [(2, 50, 61), (3, 40, 90), (2, 100, 37), (4, 33, 35), (2, 200, 180)]
GOAL = (32, 24)  # smaller than all
PLACES = np.float32([[0.1, 0.2, 0.7, 0.9], [0, 0, 1, 1], [0.9, 0.8, 0.1, -0.3]])
TRANSFORM = np.float32([[0.8, 0.1, 3, -0.1, 0.9, 2, 0.001, 0]])


def images(size):
    return np.random.default_rng(size[1]).normal(size=(*size, 3)).astype(np.float32)


def programs_of(function):
    (trace,) = function._list_all_concrete_functions()
    return [program.conditions for program in trace.graph_function.executable.block.programs]


def check(function, most=1, exact=True):
    """Compares one compiled function of any sizes with one for each size."""
    spec = tf.TensorSpec([None, None, None, 3])
    compiled = tf.function(function, input_signature=[spec], autograph=False)
    for size in SIZES:
        x = tf.constant(images(size))
        found, expected = compiled(x), tf.function(function, autograph=False)(x)
        assert found.shape == expected.shape
        if exact:
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert len(programs_of(compiled)) <= most


def resized(op, **attrs):
    return lambda x: getattr(tf.raw_ops, op)(images=x, size=GOAL, **attrs)


def gradient(function):
    """The gradient of a sum of resized pixels, each with a weight of its own."""

    def computed(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
            weights = tf.cos(tf.reshape(tf.range(tf.cast(tf.size(y[0]), tf.float32)), y.shape[1:]))
            total = tf.reduce_sum(y * weights)
        return tape.gradient(total, x)

    return computed


OPS = ["ResizeBilinear", "ResizeBicubic", "ResizeNearestNeighbor"]
ATTRS = [{}, {"align_corners": True}, {"half_pixel_centers": True}]


@pytest.mark.parametrize("attrs", ATTRS, ids=str)
@pytest.mark.parametrize("op", OPS)
def test_one_program_resizes_to_the_bits_of_tables(op, attrs):
    check(resized(op, **attrs))


@pytest.mark.parametrize("attrs", [{}, {"align_corners": True}], ids=str)
def test_one_program_averages_areas_of_any_length(attrs):
    check(resized("ResizeArea", **attrs))


@pytest.mark.parametrize("attrs", ATTRS, ids=str)
@pytest.mark.parametrize("op", OPS)
def test_one_program_has_the_gradients_of_all_sizes(op, attrs):
    check(gradient(resized(op, **attrs)), exact=False)


@pytest.mark.parametrize("method", ["lanczos3", "lanczos5", "gaussian", "mitchellcubic", "bilinear", "bicubic"])  # fmt: skip
def test_one_program_samples_with_a_kernel(method):
    def resize(x):
        return tf.image.resize(x, GOAL, method, antialias=True)

    check(resize, exact=False)
    check(gradient(resize), exact=False)


@pytest.mark.parametrize("method", ["nearest", "bilinear", "bicubic", "area", "lanczos3"])
def test_the_size_that_is_made_may_be_unknown_as_well(method):
    def larger(x):
        return tf.image.resize(x, 2 * tf.shape(x)[1:3] - 7, method)

    check(larger, exact=method != "lanczos3")


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
def test_one_program_crops_boxes(method):
    def crops(x):
        return tf.image.crop_and_resize(x, PLACES, [0, 1, 0], GOAL, method)

    check(crops)
    check(gradient(crops))


def test_images_that_keep_their_size_are_copied_by_the_program_of_all_sizes():
    compiled = tf.function(
        lambda x: tf.image.resize(x, GOAL), input_signature=[tf.TensorSpec([None, None, None, 3])]
    )
    for size in [(2, 50, 61), (2, *GOAL), (2, GOAL[0], 40), (2, 20, GOAL[1])]:
        x = images(size)
        x[0, 1, 2] = np.inf
        np.testing.assert_array_equal(compiled(x), tf.image.resize(x, GOAL))
    assert len(programs_of(compiled)) == 1


@pytest.mark.parametrize("mode", ["CONSTANT", "REFLECT", "WRAP", "NEAREST"])
def test_one_program_projects(mode):
    def projected(x):
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=x,
            transforms=TRANSFORM,
            output_shape=tf.shape(x)[1:3],
            fill_value=0.5,
            interpolation="BILINEAR",
            fill_mode=mode,
        )

    check(projected)


def test_one_program_crops_and_pads_to_a_size():
    check(lambda x: tf.image.resize_with_crop_or_pad(x, 60, 60))


def test_scales_may_be_known_to_the_program_alone():
    @tf.function(input_signature=[tf.TensorSpec([2]), tf.TensorSpec([2])])
    def moved(scale, translation):
        return tf.raw_ops.ScaleAndTranslate(
            images=IMAGE, size=GOAL, scale=scale, translation=translation, kernel_type="keyscubic"
        )

    for scale in ([0.4, 0.5], [2.0, 0.1], [1.0, 1.0]):
        given = np.float32(scale), np.float32([0.3, -2])
        expected = tf.raw_ops.ScaleAndTranslate(
            images=IMAGE, size=GOAL, scale=given[0], translation=given[1], kernel_type="keyscubic"
        )
        np.testing.assert_allclose(moved(*given), expected, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Scale must be greater than zero"):
        moved(np.float32([1, 0]), np.float32([0, 0]))


IMAGE = images((1, 60, 50))
