"""Spectrograms. The constants are TensorFlow's."""

import numpy as np

import penstock as tf


def test_magnitudes():
    sound = np.sin(np.arange(40) * 0.3).astype("f").reshape(20, 2)
    made = tf.raw_ops.AudioSpectrogram(input=sound, window_size=8, stride=4)
    assert made.shape == (2, 4, 5)
    expected = [1.827, 1.923, 0.6603, 0.04636, 0.01349, 2.694]
    np.testing.assert_allclose(made.numpy().ravel()[:6], expected, rtol=1e-3)
