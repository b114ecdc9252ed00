"""Summaries of images and sounds."""

import io
import wave

import numpy as np
import pytest
from PIL import Image

import penstock as tf

raw = tf.raw_ops


def test_images_are_scaled_to_bytes():
    images = np.float32([[[[0.0], [0.5]], [[1.0], [2.0]]], [[[-1.0], [0.0]], [[0.5], [np.nan]]]])
    made = tf.compat.v1.Summary.FromString(raw.ImageSummary(tag="t", tensor=images).numpy())
    assert [value.tag for value in made.value] == ["t/image/0", "t/image/1"]
    pixels = [
        np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string))) for value in made.value
    ]
    assert pixels[0].tolist() == [[0, 63], [127, 255]]
    assert pixels[1].tolist() == [[1, 128], [191, 255]]


def test_sounds_are_wav_files():
    sound = np.float32([[[0.0], [1.0], [-0.5]]])
    serialized = raw.AudioSummaryV2(tag="t", tensor=sound, sample_rate=8000.0, max_outputs=1)
    (value,) = tf.compat.v1.Summary.FromString(serialized.numpy()).value
    assert value.tag == "t/audio" and value.audio.length_frames == 3
    with wave.open(io.BytesIO(value.audio.encoded_audio_string)) as file:
        assert file.getframerate() == 8000
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [0, 32767, -16384]


@pytest.mark.parametrize(
    ("values", "limits", "counts"),
    [
        ([1.0, 2.0], [0.917246, 1.008971, 1.966199, 2.162819], [0, 1, 0, 1, 0]),
        ([1.0, 1.05, 1.2], [0.917246, 1.008971, 1.109868, 1.220855], [0, 1, 1, 1, 0]),
        ([1e30], [9.920775621859783e19], [0, 1]),
        ([], [], [0]),
    ],
)
def test_histograms_join_empty_buckets(values, limits, counts):
    text = tf.raw_ops.HistogramSummary(tag="h", values=np.array(values, np.float32))
    histogram = tf.compat.v1.Summary.FromString(text.numpy()).value[0].histo
    np.testing.assert_allclose(histogram.bucket_limit[:-1], limits, rtol=1e-6)
    assert list(histogram.bucket) == counts and histogram.bucket_limit[-1] > 1e308
