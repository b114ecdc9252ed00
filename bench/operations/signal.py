"""Signals."""


def cases(tf, random):
    """Returns {name: (function, arrays)}."""
    waves = random.normal(size=(8, 16_000)).astype("float32")
    images = random.normal(size=(8, 64, 64)).astype("complex64")
    signal = tf.signal
    return {
        "fft": (lambda a: signal.fft(a), (images,)), "fft2d": (signal.fft2d, (images,)), "rfft": (lambda a: signal.rfft(a), (waves,)), "rfft 1024": (lambda a: signal.rfft(a[:, :1024]), (waves,)), "irfft": (lambda a: signal.irfft(signal.rfft(a[:, :4096])), (waves,)),
        "fft prime": (lambda a: signal.rfft(a[:, :1009]), (waves,)), "stft": (lambda a: signal.stft(a, 512, 128), (waves,)), "inverse_stft": (lambda a: signal.inverse_stft(signal.stft(a, 512, 128), 512, 128), (waves,)),
        "dct": (lambda a: signal.dct(a[:, :1024]), (waves,)), "mdct": (lambda a: signal.mdct(a, 512), (waves,)), "frame": (lambda a: signal.frame(a, 400, 160), (waves,)), "overlap_and_add": (lambda a: signal.overlap_and_add(tf.reshape(a, [8, 40, 400]), 160), (waves,)),
        "mel": (lambda a: tf.abs(signal.stft(a, 512, 128)) @ signal.linear_to_mel_weight_matrix(40, 257), (waves,)), "hann_window": (lambda a: signal.hann_window(512) * a[0, :512], (waves,)), "fftshift": (signal.fftshift, (images,)),
    }  # fmt: skip
