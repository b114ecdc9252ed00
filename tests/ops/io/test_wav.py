"""WAV files whose headers contradict themselves or the data are refused, as TensorFlow refuses them."""

import struct

import numpy as np
import pytest

import penstock as tf

SAMPLES = np.array([[0.5, -0.5], [0.25, -1.0]], np.float32)
FILE = tf.audio.encode_wav(SAMPLES, 8000).numpy()


def changed(at, code, value):
    field = struct.pack(f"<{code}", value)
    return FILE[:at] + field + FILE[at + len(field) :]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (FILE[:-1], "Data too short when trying to read string"),
        (FILE + b"abc", "Data too short when trying to read string"),
        (FILE[:30], "Data too short when trying to read value"),
        (changed(0, "H", 7), "Header mismatch: Expected RIFF"),
        (changed(16, "I", 20), "Expected 16 or 18, but got 20"),
        (changed(20, "H", 3), r"Expected 1 \(PCM\), but got 3"),
        (changed(22, "H", 0), "Expected at least 1, but got 0"),
        (changed(22, "H", 1), "Bad bytes per sample in WAV header: Expected 2 but got 4"),
        (
            changed(24, "I", 7999),
            "Bad bytes per second in WAV header: Expected 31996 but got 32000",
        ),
        (changed(34, "H", 8), "Can only read 16-bit WAV files, but received 8"),
        (changed(36, "H", 7), "No data chunk found"),
        (changed(40, "I", 1 << 31), "is too large"),
        (FILE + FILE[36:], "More than one data chunk"),
    ],
)
def test_damaged_files_are_refused(data, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.audio.decode_wav(data)


def test_other_chunks_are_passed_over():
    chunk = b"LIST" + struct.pack("<I", 3) + b"abc"
    for data in (FILE[:36] + chunk + FILE[36:], FILE + chunk):
        audio, rate = tf.audio.decode_wav(data)
        np.testing.assert_array_equal(audio, SAMPLES)
        assert rate == 8000
