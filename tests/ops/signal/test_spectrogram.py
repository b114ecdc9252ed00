"""Spectrograms. The constants are TensorFlow's."""

import numpy as np

import penstock as tf

MFCC = [
    [
        [6.03625, -1.17795, -0.06088, -0.29143, -0.24492],
        [5.9069, -1.31567, -0.13164, -0.23486, 0.05467],
    ]
]


def test_magnitudes():
    sound = np.sin(np.arange(40) * 0.3).astype("f").reshape(20, 2)
    made = tf.raw_ops.AudioSpectrogram(input=sound, window_size=8, stride=4)
    assert made.shape == (2, 4, 5)
    expected = [1.827, 1.923, 0.6603, 0.04636, 0.01349, 2.694]
    np.testing.assert_allclose(made.numpy().ravel()[:6], expected, rtol=1e-3)


def test_cepstrum():
    spectrogram = (np.arange(2 * 33) % 7 + 1.0).astype("f").reshape(1, 2, 33)
    made = tf.raw_ops.Mfcc(
        spectrogram=spectrogram,
        sample_rate=8000,
        upper_frequency_limit=3000.0,
        lower_frequency_limit=50.0,
        filterbank_channel_count=8,
        dct_coefficient_count=5,
    )
    np.testing.assert_allclose(made, MFCC, rtol=1e-4)
