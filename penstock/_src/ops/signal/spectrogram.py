"""Spectrograms of sound."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.rules import show


class AudioSpectrogram(Op):
    """Magnitudes of the frequencies in windows of each channel: [channels, windows, frequencies]."""

    signature = "input: float32 -> spectrogram: float32"
    ranks = {"input": (2,)}
    window_size: int
    stride: int
    magnitude_squared: bool = False

    def shape(self, input):
        samples, channels = input.with_rank(2)
        frames = None
        if samples is not None:
            frames = max(0, 1 + (samples - self.window_size) // self.stride)
        return [channels, frames, self._length() // 2 + 1]

    def _length(self):
        return 1 << (self.window_size - 1).bit_length()

    def eager(self, input):
        if input.ndim != 2:
            raise self.invalid(f"input must be 2-dimensional {show(input.shape)}")
        size, length = self.window_size, self._length()
        if size < 2 or self.stride < 1:
            raise self.invalid("window_size must be at least 2 and stride positive")
        if len(input) < size:
            return np.zeros((input.shape[1], 0, length // 2 + 1), np.float32)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        frames = np.lib.stride_tricks.sliding_window_view(input.T, size, axis=1)[:, :: self.stride]
        power = np.abs(np.fft.rfft(frames * window, length)) ** 2
        return (power if self.magnitude_squared else np.sqrt(power)).astype(np.float32)


class Mfcc(Op):
    """The cosine transform of the logarithm of the energy in mel-spaced bands, per window and channel."""

    signature = """spectrogram: float32[?, ?, ?], sample_rate: int32
        -> output: float32[spectrogram[0], spectrogram[1], dct_coefficient_count]"""
    ranks = {"sample_rate": (0,)}
    upper_frequency_limit: float = 4000.0
    lower_frequency_limit: float = 20.0
    filterbank_channel_count: int = 40
    dct_coefficient_count: int = 13

    def eager(self, spectrogram, sample_rate):
        if spectrogram.ndim != 3:
            raise self.invalid(f"spectrogram must be 3-dimensional{show(spectrogram.shape)}")
        if sample_rate.ndim:
            raise self.invalid(
                f"Input sample_rate should be a scalar tensor, got {show(sample_rate.shape)} instead."
            )
        bands, count = self.filterbank_channel_count, self.dct_coefficient_count
        low, high = self.lower_frequency_limit, self.upper_frequency_limit
        length, rate = spectrogram.shape[2], int(sample_rate)
        if bands < 1 or not 1 <= count <= bands or length < 2 or rate < 1 or low < 0 or high <= low:
            raise self.invalid(
                f"Mfcc initialization failed for channel count {length}, sample rate {rate} and "
                f"filterbank_channel_count {bands}"
            )
        # As in TensorFlow, the result is empty if the spectrum ends below the bands.
        if high > rate / 2:
            return np.zeros((*spectrogram.shape[:2], count), np.float32)
        filters = mel_filters(length, rate, bands, low, high)
        # The input holds squared magnitudes.
        energies = np.sqrt(spectrogram.astype(np.float64)) @ filters
        logarithms = np.log(np.maximum(energies, _LEAST_ENERGY))
        angles = np.pi / bands * np.outer(np.arange(bands) + 0.5, np.arange(count))
        return (np.sqrt(2 / bands) * (logarithms @ np.cos(angles))).astype(np.float32)


_LEAST_ENERGY = 1e-12


def mel(frequency):
    """A frequency in Hertz on the mel scale."""
    return 1127.0 * np.log1p(frequency / 700.0)


def mel_filters(length, rate, bands, low, high):
    """The weights of frequencies `[length]` in bands `[bands]`: triangles between the centers of neighboring bands."""
    edges = mel(low) + (mel(high) - mel(low)) / (bands + 1) * np.arange(bands + 2)
    step = 0.5 * rate / (length - 1)
    first, last = int(1.5 + low / step), int(high / step)
    places = np.arange(length)
    at = mel(places * step)[:, None]
    rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    weights = np.maximum(np.minimum(rising, falling), 0)
    weights[(places < first) | (places > last)] = 0
    return weights
