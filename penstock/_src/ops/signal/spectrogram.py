"""Spectrograms of sound."""

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.rules import invalid, show


class AudioSpectrogram(Op):
    """Magnitudes of the frequencies in windows of each channel: [channels, windows, frequencies]."""

    signature = "input: float32 -> spectrogram: float32"
    window_size: int
    stride: int
    magnitude_squared: bool = False
    differentiable = False

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
            raise invalid(self, f"input must be 2-dimensional {show(input.shape)}")
        size, length = self.window_size, self._length()
        if size < 2 or self.stride < 1:
            raise invalid(self, "window_size must be at least 2 and stride positive")
        if len(input) < size:
            return np.zeros((input.shape[1], 0, length // 2 + 1), np.float32)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        frames = np.lib.stride_tricks.sliding_window_view(input.T, size, axis=1)[:, :: self.stride]
        power = np.abs(np.fft.rfft(frames * window, length)) ** 2
        return (power if self.magnitude_squared else np.sqrt(power)).astype(np.float32)
