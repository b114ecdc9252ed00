"""Images and sizes that functions of images refuse, as TensorFlow does."""

import pytest

import penstock as tf
from penstock._src.api.config.determinism import disable_op_determinism


@pytest.mark.parametrize("shape", [(1, 10, 20, 1), (1, 20, 10, 1)])
def test_images_smaller_than_the_filter_of_ssim(shape):
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.image.ssim(tf.ones(shape), tf.ones(shape), 1.0)
    assert float(tf.image.ssim(tf.ones([11, 11, 1]), tf.ones([11, 11, 1]), 1.0)) == 1


@pytest.mark.parametrize("known", [None, [None] * 4, [1, 20, None, 1]])
def test_pairs_of_images_whose_extents_come_later(known):
    def measure(function, *arguments):
        traced = tf.function(lambda a, b: function(a, b, 1.0, *arguments))
        return traced.get_concrete_function(tf.TensorSpec(known), tf.TensorSpec(known))

    large, small, column = tf.ones([1, 20, 12, 1]), tf.ones([1, 20, 10, 1]), tf.ones([1, 20, 1, 1])
    similarity = measure(tf.image.ssim)
    assert similarity(large, large).numpy().tolist() == [1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        similarity(small, small)
    for function in (similarity, measure(tf.image.psnr), measure(tf.image.ssim_multiscale, [1.0])):
        with pytest.raises(tf.errors.InvalidArgumentError):
            function(large, column)


@pytest.mark.parametrize(
    ("size", "says"), [((0, 2), "target_height must be > 0"), ((2, 0), "target_width must be > 0")]
)
def test_targets_without_pixels(size, says):
    with pytest.raises(ValueError, match=says):
        tf.image.resize_with_crop_or_pad(tf.ones([3, 3, 1]), *size)
    assert tf.image.resize_with_crop_or_pad(tf.ones([3, 3, 1]), 1, 1).shape == [1, 1, 1]


EMPTY = tf.ones([4, 0, 3])


@pytest.mark.parametrize(
    "change",
    [
        tf.image.flip_left_right,
        tf.image.random_flip_up_down,
        tf.image.transpose,
        tf.image.rot90,
        tf.image.per_image_standardization,
        lambda image: tf.image.central_crop(image, 0.5),
        lambda image: tf.image.crop_to_bounding_box(image, 0, 0, 1, 1),
        lambda image: tf.image.pad_to_bounding_box(image, 0, 0, 5, 5),
        lambda image: tf.image.resize_with_crop_or_pad(image, 2, 2),
    ],
)
def test_images_without_pixels(change):
    with pytest.raises(ValueError, match="inner 3 dims of 'image.shape' must be > 0"):
        change(EMPTY)
    later = tf.function(change, input_signature=[tf.TensorSpec([None] * 3)])
    assert later(tf.ones([5, 5, 3])).shape[-1] == 3
    with pytest.raises(tf.errors.InvalidArgumentError):
        later(EMPTY)


def test_matrices_that_come_for_images_of_unknown_rank():
    flipped = tf.function(tf.image.flip_left_right, input_signature=[tf.TensorSpec(None)])
    assert flipped([[[1.0], [2.0]]]).numpy().ravel().tolist() == [2, 1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be at least three-dimensional"):
        flipped([[1.0, 2.0]])


def test_no_boxes_are_cut_out_of_images_without_pixels():
    boxes = {"boxes": [[0.0, 0, 1, 1]], "box_ind": [0]}
    grads, empty = tf.ones([1, 2, 2, 1]), tf.ones([1, 3, 0, 1])

    def refused(function):
        for run in (function, tf.function(function)):
            with pytest.raises(tf.errors.InvalidArgumentError, match="must be positive"):
                run()

    refused(lambda: tf.raw_ops.CropAndResize(image=empty, crop_size=[2, 2], **boxes))
    refused(lambda: tf.raw_ops.CropAndResizeGradBoxes(grads=grads, image=empty, **boxes))
    size = {"image_size": [1, 3, 0, 1], "T": tf.float32}
    refused(lambda: tf.raw_ops.CropAndResizeGradImage(grads=grads, **size, **boxes))


def test_images_without_pixels_that_come_later():
    crop = tf.function(lambda image: tf.image.crop_to_bounding_box(image, 0, 0, 1, 1))
    concrete = crop.get_concrete_function(tf.TensorSpec([None, None, 3]))
    assert concrete(tf.ones([4, 2, 3])).shape == [1, 1, 3]
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be > 0"):
        concrete(EMPTY)


def test_random_windows_without_a_seed_where_operations_are_deterministic():
    tf.config.experimental.enable_op_determinism()
    try:
        with pytest.raises(ValueError, match="requires a non-zero seed"):
            tf.image.sample_distorted_bounding_box([8, 8, 1], [[[0.0, 0.0, 1.0, 1.0]]])
        draw = tf.compat.v1.image.sample_distorted_bounding_box
        with pytest.raises(ValueError, match='requires "seed" or "seed2" to be non-zero'):
            draw([8, 8, 1], [[[0.0, 0.0, 1.0, 1.0]]])
        draw([8, 8, 1], [[[0.0, 0.0, 1.0, 1.0]]], seed2=1)
    finally:
        disable_op_determinism()


def test_a_tensor_that_does_not_fit_is_an_assertion_that_fails():
    with pytest.raises(ValueError, match="offset_height must be >= 0"):
        tf.image.pad_to_bounding_box(tf.zeros((3, 3, 1)), -1, 0, 4, 4)
    with pytest.raises(tf.errors.InvalidArgumentError, match="offset_height must be >= 0"):
        tf.image.pad_to_bounding_box(tf.zeros((3, 3, 1)), tf.constant(-1), 0, 4, 4)


def test_counts_of_boxes_are_int32():
    boxes, scores = tf.zeros([1, 1, 1, 4]), tf.zeros([1, 1, 1])
    for count in (2**31, tf.constant(2**31, tf.int64)):
        with pytest.raises(ValueError, match="requested dtype int32 for Tensor with dtype int64"):
            tf.image.combined_non_max_suppression(boxes, scores, 5, count)


def test_arguments_of_suppression_and_of_resizing():
    boxes, scores = tf.constant([[0.0, 0, 1, 1]] * 2), tf.constant([0.5, 0.4])
    refuses = pytest.raises(tf.errors.InvalidArgumentError, match="soft_nms_sigma_val must be >= 0")
    with refuses:
        tf.image.non_max_suppression_with_scores(boxes, scores, 2, soft_nms_sigma=-0.5)
    many = boxes[None, :, None], scores[None, :, None]
    for each, total in ((0, 3), (3, 0)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="must be > 0"):
            tf.image.combined_non_max_suppression(*many, each, total)
    image = tf.ones([1, 4, 4, 1])
    for resize in (tf.raw_ops.ResizeBilinear, tf.raw_ops.ResizeNearestNeighbor):
        with pytest.raises(tf.errors.InvalidArgumentError, match="align_corners must be False"):
            resize(images=image, size=[2, 2], align_corners=True, half_pixel_centers=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be non-negative"):
        tf.image.sample_distorted_bounding_box([9, 9, 3], boxes[None], 1, min_object_covered=-1.0)


def test_boxes_said_to_be_sorted_are_taken_in_their_order():
    boxes = tf.constant([[[0.0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11], [0, 20, 1, 21]]])
    scores = tf.constant([[0.2, 0.9, 0.5, 0.1]])
    chosen, count = tf.image.non_max_suppression_padded(
        boxes, scores, 3, 0.5, 0.15, pad_to_max_output_size=True, sorted_input=True
    )
    assert chosen.numpy().tolist() == [[0, 2, 0]] and count.numpy().tolist() == [2]


BOXES = tf.constant([[4.0, 6.0, 3.0, 6.0], [2.0, 1.0, 5.0, 4.0]]), [5.0, 6.0]


@pytest.mark.parametrize("most", [2**31, tf.constant(2, tf.int64), 2.0, "3"])
def test_padded_suppression_takes_int32_alone(most):
    with pytest.raises(TypeError, match="max_output_size has type .* not match type int32"):
        tf.image.non_max_suppression_padded(*BOXES, most)


@pytest.mark.parametrize(
    "suppress",
    [
        tf.image.non_max_suppression,
        tf.image.non_max_suppression_with_scores,
        tf.image.non_max_suppression_padded,
    ],
)
def test_the_most_boxes_are_one_number(suppress):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be 0-D, got shape \[1\]"):
        suppress(*BOXES, tf.constant([2]))


def test_the_most_boxes_of_another_type():
    for suppress in (tf.image.non_max_suppression, tf.image.non_max_suppression_with_scores):
        with pytest.raises(ValueError, match="requested dtype int32 for Tensor with dtype int64"):
            suppress(*BOXES, tf.constant(2, tf.int64))
