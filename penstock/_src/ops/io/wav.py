"""Reads WAV files of 16-bit samples, with TensorFlow's checks of their headers."""

import struct
from typing import NoReturn, Protocol

import numpy as np

_LARGEST_CHUNK = 2**31 - 1


class _Refuses(Protocol):
    def invalid(self, message: str) -> Exception: ...


class _Reader:
    """Reads fields one after the other."""

    def __init__(self, op: _Refuses, data: bytes) -> None:
        self.op, self.data, self.at = op, data, 0

    def refuse(self, message: str) -> NoReturn:
        raise self.op.invalid(message)

    def text(self, count: int, what: str = "string") -> bytes:
        end = self.at + count
        if end > len(self.data):
            self.refuse(f"Data too short when trying to read {what}")
        piece, self.at = self.data[self.at : end], end
        return piece

    def number(self, code: str) -> int:
        return struct.unpack(f"<{code}", self.text(struct.calcsize(code), "value"))[0]

    def expect(self, text: bytes) -> None:
        found = self.text(len(text))
        if found != text:
            self.refuse(f"Header mismatch: Expected {text.decode()} but found {found!r}")


def samples(op: _Refuses, data: bytes) -> tuple[np.ndarray, int]:
    """The samples [number, channels] as floats of [-1, 1), and their rate.

    Raises:
      InvalidArgumentError: the file is not one, is cut short, or its header contradicts itself.
    """
    reader = _Reader(op, data)
    reader.expect(b"RIFF")
    reader.number("I")  # the size of the file
    reader.expect(b"WAVE")
    reader.expect(b"fmt ")
    size, kind, channels, rate = (reader.number(code) for code in "IHHI")
    if size not in (16, 18):
        reader.refuse(f"Bad file size for WAV: Expected 16 or 18, but got {size}")
    if kind != 1:
        reader.refuse(f"Bad audio format for WAV: Expected 1 (PCM), but got {kind}")
    if not channels:
        reader.refuse("Bad number of channels for WAV: Expected at least 1, but got 0")
    speed, width, bits = (reader.number(code) for code in "IHH")
    if bits != 16:
        reader.refuse(f"Can only read 16-bit WAV files, but received {bits}")
    if width != 2 * channels:
        reader.refuse(
            f"Bad bytes per sample in WAV header: Expected {2 * channels} but got {width}"
        )
    if speed != width * rate:
        reader.refuse(
            f"Bad bytes per second in WAV header: Expected {width * rate} but got {speed} "
            f"(sample_rate={rate}, bytes_per_sample={width})"
        )
    reader.at += size - 16
    audio = None
    while reader.at < len(data):
        name, size = reader.text(4), reader.number("I")
        if size > _LARGEST_CHUNK:
            reader.refuse(
                f"WAV data chunk {name!r} is too large: {size} bytes, but the limit is {_LARGEST_CHUNK}"
            )
        if name != b"data":
            reader.at += size
            continue
        if audio is not None:
            reader.refuse("More than one data chunk found in WAV")
        numbers = np.frombuffer(reader.text(size // width * width), "<i2")
        audio = numbers.reshape(-1, channels).astype(np.float32) / 32768
    if audio is None:
        reader.refuse("No data chunk found in WAV")
    return audio, rate
