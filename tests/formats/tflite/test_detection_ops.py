"""`TFLite_Detection_PostProcess` and the ops of sounds; LiteRT gave the rules that these numbers follow."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.tflite.schema.encoding import encode_options

from .models_of_one_op import run_custom

ANCHORS = np.float32([[0.5, 0.5, 0.4, 0.4], [0.5, 0.52, 0.4, 0.4], [0.2, 0.2, 0.2, 0.2]])
# By anchor: a background and two classes.
SCORES = np.float32([[[0.1, 0.7, 0.3], [0.0, 0.6, 0.8], [0.2, 0.3, 0.5]]])
BOXES = np.float32([[0.3, 0.3, 0.7, 0.7], [0.3, 0.32, 0.7, 0.72], [0.1, 0.1, 0.3, 0.3]])


def run(encoded=None, scores=SCORES, most=4, **more):
    options = {
        "max_detections": most,
        "max_classes_per_detection": 1,
        "num_classes": 2,
        "nms_score_threshold": 0.5,
        "nms_iou_threshold": 0.5,
        **{
            f"{name}_scale": value
            for name, value in (("y", 10.0), ("x", 10.0), ("h", 5.0), ("w", 5.0))
        },
        **more,
    }
    rows = most * (1 if options.get("use_regular_nms") else options["max_classes_per_detection"])
    encoded = np.zeros((1, 3, 4), np.float32) if encoded is None else encoded
    return run_custom(
        "TFLite_Detection_PostProcess",
        encode_options(options).tobytes(),
        [encoded, scores, ANCHORS],
        [(1, rows, 4), (1, rows), (1, rows), (1,)],
    )


def test_of_boxes_that_overlap_the_best_stays():
    boxes, kinds, scores, count = run()
    np.testing.assert_array_equal(count, [2])
    # A score that equals the threshold counts.
    np.testing.assert_array_equal(scores, np.float32([[0.8, 0.5, 0, 0]]))
    np.testing.assert_array_equal(kinds, [[1, 1, 0, 0]])
    np.testing.assert_allclose(boxes[0, :2], BOXES[[1, 2]], rtol=1e-6)
    np.testing.assert_array_equal(boxes[0, 2:], 0)


def test_boxes_have_several_classes():
    boxes, kinds, scores, count = run(max_classes_per_detection=3, most=2)
    np.testing.assert_array_equal(count, [2])
    np.testing.assert_array_equal(scores, np.float32([[0.8, 0.6, 0.5, 0.3, 0, 0]]))
    np.testing.assert_array_equal(kinds, [[1, 0, 1, 0, 0, 0]])
    np.testing.assert_allclose(boxes[0, :4], BOXES[[1, 1, 2, 2]], rtol=1e-6)


def test_the_regular_way_chooses_for_each_class():
    boxes, kinds, scores, count = run(use_regular_nms=True, detections_per_class=100)
    np.testing.assert_array_equal(count, [3])
    np.testing.assert_array_equal(scores, np.float32([[0.8, 0.7, 0.5, 0]]))
    np.testing.assert_array_equal(kinds, [[1, 0, 1, 0]])
    np.testing.assert_allclose(boxes[0, :3], BOXES[[1, 0, 2]], rtol=1e-6)


def test_centers_and_sizes_are_relative_to_anchors():
    encoded = np.zeros((1, 3, 4), np.float32)
    encoded[0, 2] = [5, -5, 5 * np.log(2), 0]
    boxes, *_ = run(encoded)
    np.testing.assert_allclose(boxes[0, 1], [0.1, 0.0, 0.5, 0.2], atol=1e-6)


def test_scores_of_other_classes_are_refused():
    with pytest.raises(RuntimeError, match="3 scores of an anchor for 7 classes"):
        run(num_classes=7)


def test_sounds_as_tensorflows_ops():
    x = np.random.default_rng(3).normal(size=(900, 2)).astype(np.float32)
    options = {"window_size": 400, "stride": 160, "magnitude_squared": True}
    (spectrum,) = run_custom(
        "AudioSpectrogram", encode_options(options).tobytes(), [x], [(2, 4, 257)]
    )
    np.testing.assert_array_equal(spectrum, tf.raw_ops.AudioSpectrogram(input=x, **options))
    options = {
        "upper_frequency_limit": 4000.0,
        "lower_frequency_limit": 20.0,
        "filterbank_channel_count": 40,
        "dct_coefficient_count": 13,
    }
    rate = np.array([16000], np.int32)  # LiteRT takes one number of any shape
    encoded = encode_options(options).tobytes()
    (found,) = run_custom("Mfcc", encoded, [spectrum, rate], [(2, 4, 13)])
    expected = tf.raw_ops.Mfcc(spectrogram=spectrum, sample_rate=16000, **options)
    np.testing.assert_array_equal(found, expected)
