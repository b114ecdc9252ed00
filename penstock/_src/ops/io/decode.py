"""Decodes bytes: raw numbers, compression, CSV, WAV."""

import io
import wave
import zlib

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.errors import DataLossError
from penstock._src.core.op import Op
from penstock._src.core.typesets import COMPLEX, FLOAT, SIGNED
from penstock._src.core.values import memory_limit
from penstock._src.core.values.groups import NotGrouped, Ragged, Stacked, splits_of
from penstock._src.native.algorithms.texts.bytewise import gathered
from penstock._src.native.systems import runs_native_code
from penstock._src.ops.io import wav
from penstock._src.ops.rules import show
from penstock._src.ops.strings.elements import each, strings

_PIECE = 1 << 24  # bytes that are decompressed at a time


def _in_order(data, kind, little_endian):
    """Bytes as numbers of a type and byte order."""
    array = np.frombuffer(data, kind)
    return array.copy() if little_endian or kind.itemsize == 1 else array.byteswap()


class DecodeRaw(Op):
    """The bytes of each string as numbers."""

    signature = "bytes: string -> output: out_type"
    out_type: FLOAT | SIGNED | COMPLEX | {dtypes.bool_, dtypes.uint16, dtypes.uint8}
    little_endian: bool = True
    differentiable = False

    def shape(self, bytes):
        return None if bytes.rank is None else bytes.concatenate([None])

    def eager(self, bytes):
        kind = self.out_type.np
        flat = bytes.reshape(-1)
        if not flat.size:
            return np.zeros((*bytes.shape, 0), kind)
        size = len(flat[0])
        if runs_native_code() and not size % kind.itemsize:
            numbers = gathered(flat, size, kind)
            if numbers is not None:
                in_order = self.little_endian or kind.itemsize == 1
                ordered = numbers if in_order else numbers.byteswap()
                return ordered.reshape(*bytes.shape, size // kind.itemsize)
        size, *others = dict.fromkeys(map(len, flat.tolist()))
        if others:
            raise self.invalid(
                "DecodeRaw requires input strings to all be the same size, but element 1 has "
                f"size {size} != {others[0]}"
            )
        if size % kind.itemsize:
            raise self.invalid(
                f"Input to DecodeRaw has length {size} that is not a multiple of {kind.itemsize}, "
                f"the size of {self.out_type.name}"
            )
        numbers = _in_order(b"".join(flat.tolist()), kind, self.little_endian)
        return numbers.reshape(*bytes.shape, size // kind.itemsize)

    def eager_each(self, bytes):
        if type(bytes) is not Stacked:
            raise NotGrouped
        rows, width = bytes.array.reshape(-1).tolist(), self.out_type.np.itemsize
        sizes = set(map(len, rows))
        if len(sizes) <= 1:
            return Stacked(self.eager(bytes.array))
        if bytes.array.ndim > 1 or any(size % width for size in sizes):
            raise NotGrouped
        splits = splits_of([len(row) // width for row in rows])
        return Ragged(_in_order(b"".join(rows), self.out_type.np, self.little_endian), splits)


class DecodePaddedRaw(Op):
    """The bytes of each string, truncated or zero-padded to a length, as numbers."""

    signature = "input_bytes: string, fixed_length: int32 -> output: out_type"
    out_type: FLOAT | SIGNED | {dtypes.uint16, dtypes.uint8}
    little_endian: bool = True
    differentiable = False
    vectorize = "rows, shared"

    def shape(self, input_bytes, fixed_length):
        return None if input_bytes.rank is None else input_bytes.concatenate([None])

    def eager(self, input_bytes, fixed_length):
        kind, size = self.out_type.np, int(fixed_length)
        if size <= 0 or size % kind.itemsize:
            raise self.invalid(
                f"fixed_length ({size}) must be a positive multiple of the size of out_type "
                f"({kind.itemsize})"
            )
        rows = [data[:size].ljust(size, b"\0") for data in input_bytes.reshape(-1).tolist()]
        numbers = _in_order(b"".join(rows), kind, self.little_endian)
        return numbers.reshape(*input_bytes.shape, size // kind.itemsize)


class DecodeCompressed(Op):
    """Decompresses ZLIB or GZIP strings."""

    signature = "bytes: string -> output: string[bytes]"
    compression_type: str = ""
    elements = Elements(is_elementwise=True)

    def eager(self, bytes):
        modes = {"": None, "ZLIB": zlib.MAX_WBITS, "GZIP": zlib.MAX_WBITS | 16}
        if self.compression_type not in modes:
            raise self.invalid(
                "Only ZLIB, GZIP or NONE are supported compressions. Received "
                f"{self.compression_type}"
            )
        mode = modes[self.compression_type]
        if mode is None:
            return bytes

        def inflate(data):
            try:
                return _inflated(data, mode, self.op_type)
            except zlib.error as error:
                raise DataLossError(f"inflate() failed: {error}") from None

        return each(inflate, bytes)


def _inflated(data, mode, what):
    """The decompressed bytes, piece by piece: a few bytes may expand to more than the memory holds."""
    decoder, pieces, size = zlib.decompressobj(mode), [], 0
    is_gzip = mode > zlib.MAX_WBITS
    while not decoder.eof or is_gzip and decoder.unused_data:
        if decoder.eof:  # a file of GZIP may have several members
            decoder, data = zlib.decompressobj(mode), decoder.unused_data
        pieces.append(decoder.decompress(data, _PIECE))
        data, size = decoder.unconsumed_tail, size + len(pieces[-1])
        memory_limit.require((2 * size,), np.dtype(np.uint8), what)  # the pieces and all of them
        if not (data or pieces[-1] or decoder.eof):
            break  # the data is cut short: TensorFlow returns what there is
    return b"".join(pieces)


class DecodeWav(Op):
    """The samples of a 16-bit WAV file as floats of [-1, 1), and its rate."""

    signature = "contents: string -> audio: float32, sample_rate: int32"
    ranks = {"contents": (0,)}
    desired_channels: int = -1
    desired_samples: int = -1

    def shape(self, contents):
        self._check()
        channels = self.desired_channels if self.desired_channels > 0 else None
        samples = self.desired_samples if self.desired_samples > 0 else None
        return [samples, channels], ()

    def eager(self, contents):
        self._check()
        if contents.ndim:
            raise self.invalid(f"contents must be scalar, but got shape{show(contents.shape)}")
        audio, rate = wav.samples(self, contents.item())
        channels = audio.shape[1]
        wanted = self.desired_channels if self.desired_channels > 0 else channels
        # Additional channels repeat the last one.
        audio = audio[:, np.minimum(np.arange(wanted), channels - 1)]
        samples = self.desired_samples
        if samples > 0:
            audio = np.pad(audio[:samples], [(0, max(samples - len(audio), 0)), (0, 0)])
        return np.ascontiguousarray(audio), np.uint32(rate).astype(np.int32)

    def _check(self):
        for name in ("desired_channels", "desired_samples"):
            number = getattr(self, name)
            if number < -1:
                raise self.invalid(f"{name} must be >= -1, got {number}")


class EncodeWav(Op):
    """A 16-bit WAV file of samples in [-1, 1)."""

    signature = "audio: float32, sample_rate: int32 -> contents: string[]"
    ranks = {"audio": (2,), "sample_rate": (0,)}

    def eager(self, audio, sample_rate):
        if audio.ndim != 2:
            raise self.invalid(f"audio must be 2-dimensional but got shape{show(audio.shape)}")
        if not 0 < int(sample_rate) < 2**32:
            raise self.invalid(f"sample_rate must be in (0, 2^32), got: {int(sample_rate)}")
        out = io.BytesIO()
        wide = audio.astype(np.float64) * 32768
        halves_away = np.trunc(wide + np.copysign(0.5, wide))
        samples = np.clip(halves_away, -32768, 32767).astype("<i2")
        with wave.open(out, "wb") as file:
            file.setnchannels(audio.shape[1])
            file.setsampwidth(2)
            file.setframerate(int(sample_rate))
            file.writeframes(samples.tobytes())
        return strings([out.getvalue()], ())
