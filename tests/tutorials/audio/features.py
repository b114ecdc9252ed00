"""Signals by hand: mel spectra, MFCC, inverse STFT, Griffin-Lim, MDCT, Hilbert by FFT, filters by convolution."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(22)
RATE = 8000
time = np.arange(6000) / RATE
tones = [np.sin(2 * np.pi * f * time) for f in (220, 440, 1760)]
signal = tf.constant(
    np.stack([tones[0] + 0.3 * tones[2], tones[1] * time] + rng.normal(0, 0.02, (2, 6000))),
    tf.float32,
)

stfts = tf.signal.stft(signal, frame_length=512, frame_step=128, fft_length=512, pad_end=True)
power = tf.math.real(stfts * tf.math.conj(stfts))
print(
    "RESULT power",
    power.shape,
    float(tf.reduce_mean(power)),
    tf.argmax(tf.reduce_mean(power, 1), -1).numpy(),
)
weights = tf.signal.linear_to_mel_weight_matrix(40, 257, RATE, 80.0, 3800.0)
mel = tf.tensordot(tf.abs(stfts), weights, 1)
mel.set_shape(stfts.shape[:-1].concatenate(weights.shape[-1:]))
log_mel = tf.math.log(mel + 1e-6)
mfccs = tf.signal.mfccs_from_log_mel_spectrograms(log_mel)[..., :13]
print("RESULT mel", mel.shape, float(tf.reduce_sum(weights)), float(tf.reduce_mean(log_mel)))
print("RESULT mfcc", mfccs.shape, mfccs[0, 10].numpy())

window = tf.signal.inverse_stft_window_fn(128)
restored = tf.signal.inverse_stft(tf.signal.stft(signal, 512, 128), 512, 128, window_fn=window)
inner = slice(512, 5000)
error = tf.reduce_max(tf.abs(restored[:, inner] - signal[:, inner]))
print("RESULT restored", restored.shape, bool(error < 1e-5))


@tf.function
def griffin_lim(magnitude, rounds):
    spectrum = tf.cast(magnitude, tf.complex64)
    for _ in tf.range(rounds):
        guess = tf.signal.inverse_stft(spectrum, 512, 128, window_fn=window)
        again = tf.signal.stft(guess, 512, 128)
        spectrum = tf.cast(magnitude, tf.complex64) * tf.exp(
            tf.complex(0.0, 1.0) * tf.cast(tf.math.angle(again), tf.complex64)
        )
    return tf.signal.inverse_stft(spectrum, 512, 128, window_fn=window)


magnitude = tf.abs(tf.signal.stft(signal, 512, 128))
rebuilt = griffin_lim(magnitude, tf.constant(8))
after = tf.abs(tf.signal.stft(rebuilt, 512, 128))
print("RESULT griffin-lim", float(tf.norm(after - magnitude) / tf.norm(magnitude)))
mdct = tf.signal.mdct(signal, 256, norm="ortho")
print("RESULT mdct", mdct.shape, float(tf.reduce_mean(mdct**2)))
frames = tf.signal.frame(signal, 400, 160, pad_end=True, pad_value=0.0)
energy = tf.reduce_mean(frames * tf.signal.hann_window(400), -1)
print("RESULT frames", frames.shape, float(tf.norm(energy)))
size = 6000
spectrum = tf.signal.fft(tf.cast(signal, tf.complex64))
step = np.zeros(size, "float32")
step[0] = step[size // 2] = 1
step[1 : size // 2] = 2
envelope = tf.abs(tf.signal.ifft(spectrum * tf.cast(step, tf.complex64)))
print("RESULT envelope", tf.reduce_mean(envelope, -1).numpy(), envelope[1, ::1500].numpy())
taps = tf.signal.kaiser_window(31, beta=8.0)
smooth = tf.nn.conv1d(signal[..., None], (taps / tf.reduce_sum(taps))[:, None, None], 1, "SAME")
print("RESULT smooth", float(tf.reduce_mean(smooth**2)), smooth[0, 100:104, 0].numpy())
with tf.GradientTape() as tape:
    tape.watch(signal)
    loss = tf.reduce_mean(tf.abs(tf.signal.stft(signal, 256, 64)) ** 2)
print("RESULT gradient", float(tf.norm(tape.gradient(loss, signal))), float(loss))
dct = tf.signal.dct(signal, type=2, norm="ortho")
print(
    "RESULT dct",
    float(tf.norm(tf.signal.idct(dct, type=2, norm="ortho") - signal)) < 1e-2,
    tf.reduce_max(dct, -1).numpy(),
)
