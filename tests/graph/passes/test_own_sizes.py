"""Pictures that the host decodes are resized by the host; others by a program."""

import numpy as np
import pytest

import penstock as tf

pytest.importorskip("simplejpeg")
RNG = np.random.default_rng(0)
SIZES = [(40, 50), (33, 70), (64, 64), (90, 41)]
FILES = [
    tf.io.encode_jpeg(RNG.integers(0, 255, (*size, 3)).astype(np.uint8)).numpy() for size in SIZES
]


def resized(method):
    def load(data):
        image = tf.io.decode_jpeg(data, channels=3)
        return tf.image.resize(image, (32, 24), method)

    return load


def executed(function):
    """What was made for a function of a file, compared with eager calls."""
    compiled = tf.function(function, input_signature=[tf.TensorSpec([], tf.string)])
    for data in FILES:
        np.testing.assert_allclose(compiled(data), function(tf.constant(data)), rtol=1e-6)
    (trace,) = compiled._list_all_concrete_functions()
    return trace.graph_function.executable


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "area", "lanczos3"])
def test_decoding_and_resizing_need_no_program(method):
    load = resized(method)
    made = executed(lambda data: tf.cast(load(data), tf.float32) / 255.0)
    assert not made.programs() and len(list(made.specializations())) == 1
    assert "pictures of sizes of their own" in made.host_ops["resize/ExpandDims"]


def test_what_follows_is_one_program_for_its_one_size():
    load = resized("bilinear")
    made = executed(lambda data: tf.nn.softmax(load(data) @ tf.ones([3, 5])))
    assert len(made.programs()) == 1


def test_the_size_may_follow_from_that_of_the_picture():
    def halved(data):
        image = tf.io.decode_jpeg(data, channels=3)
        return tf.image.resize(image, tf.shape(image)[:2] // 2)

    assert not executed(halved).programs()


def test_the_size_may_depend_on_the_longer_side():
    def fitted(data):
        image = tf.io.decode_jpeg(data, channels=3)
        size = tf.cast(tf.shape(image)[:2], tf.float32)
        return tf.image.resize(image, tf.cast(size / tf.reduce_max(size) * 30.0, tf.int32))

    assert_only_sizes_are_computed(executed(fitted), 1)


def assert_only_sizes_are_computed(made, count):
    """Holds that programs compute sizes, so that there is one for each step from size to size, whatever the pictures."""
    programs = made.programs()
    assert len(programs) == count
    for program in programs:
        arguments = [node.shape for node in program.function.parameters]
        assert all(np.prod(shape, initial=1) <= 4 for shape in arguments), arguments


@pytest.mark.parametrize(
    "fit",
    [
        lambda image: tf.image.resize_with_pad(image, 32, 24),
        lambda image: tf.image.pad_to_bounding_box(
            tf.image.resize(image, (32, 32), preserve_aspect_ratio=True), 0, 0, 32, 32
        ),
    ],
    ids=["pad", "preserve"],
)
def test_shapes_of_new_pictures_and_of_what_is_made_of_them_need_no_new_program(fit):
    made = executed(lambda data: fit(tf.io.decode_jpeg(data, channels=3)))
    assert_only_sizes_are_computed(made, 2)
    assert len(list(made.specializations())) == 3


def test_a_check_of_sizes_says_what_is_wrong():
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def cropped(data):
        image = tf.io.decode_jpeg(data, channels=3)
        rows = tf.shape(image)[0]
        part = tf.image.crop_to_bounding_box(image, rows // 2, 0, rows - 10, 20)
        return tf.image.resize(part, (8, 8))

    with pytest.raises(tf.errors.InvalidArgumentError, match="height must be >= target"):
        cropped(FILES[0])


def test_pictures_that_a_program_makes_stay_there():
    @tf.function(input_signature=[tf.TensorSpec([None, None, 3])])
    def resize(image):
        return tf.image.resize(tf.sqrt(image), (32, 24))

    for size in SIZES:
        resize(RNG.random((*size, 3), np.float32))
    (trace,) = resize._list_all_concrete_functions()
    executable = trace.graph_function.executable
    assert not executable.host_ops and len(executable.block.programs) == 1


def test_elements_of_datasets_are_pictures_of_their_own():
    images = [RNG.random((*size, 3), np.float32) for size in SIZES]
    spec = tf.TensorSpec([None, None, 3])
    dataset = tf.data.Dataset.from_generator(lambda: iter(images), output_signature=spec)
    resize = lambda image: tf.image.resize(image, (32, 24))  # noqa: E731
    for found, image in zip(dataset.map(resize), images, strict=True):
        np.testing.assert_array_equal(found, resize(image))
