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

    assert not executed(fitted).programs()


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
