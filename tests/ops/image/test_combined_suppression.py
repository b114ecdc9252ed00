"""Combined non-maximum suppression, beside that of each class alone."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.image import boxes as kernels

RNG = np.random.default_rng(4)


def _of_image(boxes, scores, each, total, iou, least):
    """The best boxes, scores and classes of an image, from the suppression of each class."""
    found = []
    for c in range(scores.shape[1]):
        of_class = boxes[:, c if boxes.shape[1] > 1 else 0]
        kept = tf.image.non_max_suppression(of_class, scores[:, c], each, iou, least).numpy()
        found += [(scores[i, c], c, of_class[i]) for i in kept]
    return sorted(found, key=lambda row: -row[0])[:total]


@pytest.mark.parametrize("own_boxes", [False, True])
@pytest.mark.parametrize("least", [0.3, 2.0])
@pytest.mark.parametrize(
    ("images", "count", "classes"), [(1, 7, 1), (2, 90, 3), (2, 0, 2), (0, 4, 2)]
)
def test_images_have_the_best_boxes_of_their_classes(images, count, classes, least, own_boxes):
    corner = RNG.random((images, count, classes if own_boxes else 1, 2)) * 1.5 - 0.2
    boxes = np.concatenate([corner, corner + RNG.random(corner.shape) / 2], -1).astype("f")
    scores = RNG.random((images, count, classes)).astype("f")
    found = tf.image.combined_non_max_suppression(boxes, scores, 4, 9, 0.4, least, False, False)
    found = [part.numpy() for part in found]
    for image in range(images):
        wanted = _of_image(boxes[image], scores[image], 4, 9, 0.4, least)
        assert found[3][image] == len(wanted)
        for at, (score, c, box) in enumerate(wanted):
            assert (found[1][image, at], found[2][image, at]) == (score, c)
            np.testing.assert_array_equal(found[0][image, at], box)
        assert not found[1][image, len(wanted) :].any() and not found[0][image, len(wanted) :].any()


@pytest.mark.parametrize("with_nan", [False, True])
@pytest.mark.parametrize("count", [0, 5, 63, 64, 500])
def test_orders_of_scores_are_stable(count, with_nan):
    scores = RNG.normal(size=(2, 3, count)).round(1).astype("f")
    some = (0.0, -0.0, np.inf, -np.inf, 1e-45, -1e-45, np.nan)[: 7 if with_nan else 6]
    where = RNG.random(scores.shape) < 0.5
    scores[where] = RNG.choice(some, where.sum())
    order = kernels._ascending(scores)
    np.testing.assert_array_equal(order, np.argsort(scores, -1, kind="stable"))
