"""Packed weights: blocks of few-bit numbers with scales, in the layouts of GGUF files and some of our own; the layout of each format, and its meaning.

A row of k elements is k / block blocks of `size` bytes. An element is

    scale * q                          Q4_0 Q5_0 Q8_0: q is signed, or has a `zero` subtracted
    scale * q + minimum                Q4_1 Q5_1
    (scale * s) * q                    Q3_K Q6_K: s, a signed number of its run
    (scale * s) * q - minimum * m      Q2_K Q4_K Q5_K: s and m, four or six bits of its run

in float32, rounded after each operation; `scale` and `minimum` are float16 of the block. Neighboring elements with common scales are a `Run`. F16
and BF16 are not packed formats: their rows are ordinary tensors. Formats whose names end in `_F32` stand in no file: their scales are float32, as ONNX's
quantized models have them, so that these are held without rounding.
"""

from collections.abc import Sequence

import numpy as np

from penstock._src.util.dataclass import dataclass

GROUP = 32  # activations that are rounded together


@dataclass(frozen=True)
class Run:
    """Neighboring elements of a block: the low bits of element i start at bit `shift` of byte low + i, the high bits at bit `high_shift` of byte high + i.

    If the format's high bits are `across`, that of element i is bit high_shift + i of the 32-bit word at byte `high`.
    `factor` is the index of the run's own scale and minimum.
    """

    start: int
    length: int
    low: int
    shift: int
    high: int = 0
    high_shift: int = 0
    factor: int = 0


@dataclass(frozen=True)
class PackedFormat:
    """The layout of a block.

    Args:
      block: elements of a block.
      size: bytes of a block.
      scale: offset of the scale.
      scale_dtype: of the scale: "float16" or "float32".
      minimum: offset of the float16 minimum, or None.
      bits: low bits of an element, 2, 4 or 8 (of a signed byte).
      high_bits: further bits of an element, which are stored separately.
      across: True if these are consecutive bits of a word, one for each element.
      zero: the number that is subtracted from an element.
      factors: the type of the scales of runs: "", "int8", "four bits" (with minima, the high four bits of the same bytes), "six bits" (with
        minima, in 12 bytes) or "signed six bits" (less 32, in 12 bytes).
      factor: offset of the scales of runs.
      runs: the elements, in order.
    """

    name: str
    block: int
    size: int
    scale: int
    runs: tuple[Run, ...]
    scale_dtype: str = "float16"
    minimum: int | None = None
    bits: int = 4
    high_bits: int = 0
    across: bool = False
    zero: int = 0
    factors: str = ""
    factor: int = 0

    @property
    def group(self) -> int:
        """Neighboring elements that share a scale."""
        return self.block // len(self.runs) if self.factors else self.block

    @property
    def has_halves(self) -> bool:
        """True if a block is 16 bytes with two numbers of four bits each: the low ones, then the high ones."""
        places = [(run.start, run.low - self.runs[0].low, run.shift) for run in self.runs]
        return self.bits == 4 and not self.high_bits and places == [(0, 0, 0), (16, 0, 4)]

    def row_bytes(self, elements: int) -> int:
        """Bytes of a row, whose elements are a multiple of the block.

        >>> from penstock._src.ir.meaning.packed import FORMATS
        >>> FORMATS["Q4_K"].row_bytes(512)
        288
        """
        return elements // self.block * self.size

    def row_elements(self, row_bytes: int) -> int:
        """Elements of a row of `row_bytes` bytes, a multiple of the bytes of a block."""
        return row_bytes // self.size * self.block


def _halves(low: int, high: int = 0, high_shift: int = 0) -> tuple[Run, ...]:
    """Sixteen bytes: low nibbles are the first half of a block, high ones the second."""
    return (
        Run(0, 16, low, 0, high, 0),
        Run(16, 16, low, 4, high, high_shift),
    )


def _pairs(low: int, high: int = 0) -> tuple[Run, ...]:
    """Groups of 32 bytes: low nibbles are 32 elements, high nibbles the next 32; the high bits of group g are bits 2g and 2g + 1."""
    return tuple(
        Run(32 * n, 32, low + 32 * (n // 2), 4 * (n % 2), high, n if high else 0, n)
        for n in range(8)
    )


def _quarters(low: int, high: int) -> tuple[Run, ...]:
    """Halves of 128 elements, of 64 bytes of nibbles and 32 of pairs of bits; scales for each 16."""
    return tuple(
        Run(
            128 * half + 32 * quarter + 16 * part, 16,
            low + 64 * half + 32 * (quarter % 2) + 16 * part, 4 * (quarter // 2),
            high + 32 * half + 16 * part, 2 * quarter,
            8 * half + 2 * quarter + part,
        )
        for half in range(2)
        for quarter in range(4)
        for part in range(2)
    )  # fmt: skip


def _two_bits(low: int, high: int | None = None) -> tuple[Run, ...]:
    """Halves of 128 elements, of 32 bytes of pairs of bits; the third bits of all, if there are some, in 32 bytes; scales for each 16."""
    return tuple(
        Run(
            128 * half + 32 * quarter + 16 * part, 16,
            low + 32 * half + 16 * part, 2 * quarter,
            (high or 0) + 16 * part, 0 if high is None else 4 * half + quarter,
            8 * half + 2 * quarter + part,
        )
        for half in range(2)
        for quarter in range(4)
        for part in range(2)
    )  # fmt: skip


FORMATS = {
    f.name: f
    for f in (
        PackedFormat("Q4_0", 32, 18, 0, _halves(2), zero=8),
        PackedFormat("Q4_1", 32, 20, 0, _halves(4), minimum=2),
        PackedFormat("Q5_0", 32, 22, 0, _halves(6, 2, 16), high_bits=1, across=True, zero=16),
        PackedFormat("Q5_1", 32, 24, 0, _halves(8, 4, 16), minimum=2, high_bits=1, across=True),
        PackedFormat("Q8_0", 32, 34, 0, (Run(0, 32, 2, 0),), bits=8),
        PackedFormat("Q4_0_F32", 32, 20, 0, _halves(4), "float32", zero=8),
        PackedFormat(
            "Q5_0_F32", 32, 24, 0, _halves(8, 4, 16), "float32", high_bits=1, across=True, zero=16
        ),
        PackedFormat("Q8_0_F32", 32, 36, 0, (Run(0, 32, 4, 0),), "float32", bits=8),
        PackedFormat(
            "Q2_K", 256, 84, 80, _two_bits(16), minimum=82, bits=2, factors="four bits"
        ),
        PackedFormat(
            "Q3_K", 256, 110, 108, _two_bits(32, 0), bits=2, high_bits=1, zero=4,
            factors="signed six bits", factor=96,
        ),
        PackedFormat("Q4_K", 256, 144, 0, _pairs(16), minimum=2, factors="six bits", factor=4),
        PackedFormat(
            "Q5_K", 256, 176, 0, _pairs(48, 16), minimum=2, high_bits=1, factors="six bits", factor=4
        ),
        PackedFormat(
            "Q6_K", 256, 210, 208, _quarters(0, 128), high_bits=2, zero=32, factors="int8", factor=192
        ),
    )
}  # fmt: skip


def six_bits(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eight scales and eight minima in 12 bytes (the last axis).

    The first four of each are the low six bits of a byte. The last four have their low four bits in bytes 8 to 11 and the others in the
    remaining two bits of the first eight bytes.
    """
    a, b, c = packed[..., :4], packed[..., 4:8], packed[..., 8:]
    scales = np.concatenate([a & 63, (c & 15) | (a >> 6 << 4)], -1)
    minima = np.concatenate([b & 63, (c >> 4) | (b >> 6 << 4)], -1)
    return scales, minima


def signed_six_bits(packed: np.ndarray) -> np.ndarray:
    """The sixteen scales in 12 bytes (the last axis), from -32 to 31.

    Bytes 0 to 7 have the low four bits of the first eight and then, in their upper halves, of the others; bytes 8 to 11 the high bits of each fourth.
    """
    low = np.concatenate([packed[..., :8] & 15, packed[..., :8] >> 4], -1)
    high = np.concatenate([packed[..., 8:] >> shift & 3 for shift in range(0, 8, 2)], -1)
    return (low | high << 4).astype(np.int8) - np.int8(32)


def unpack(packed: np.ndarray, format: PackedFormat) -> np.ndarray:
    """The elements of rows, uint8 [..., bytes of a row], as float32 [..., k].

    >>> import numpy as np
    >>> from penstock._src.ir.meaning.packed import FORMATS, unpack
    >>> row = np.concatenate([np.float16([0.5]).view(np.uint8), np.arange(32, dtype=np.uint8)])
    >>> unpack(row, FORMATS["Q8_0"])[:4]
    array([0. , 0.5, 1. , 1.5], dtype=float32)
    """
    lead, row = packed.shape[:-1], packed.shape[-1]
    blocks = np.ascontiguousarray(packed).reshape(*lead, row // format.size, format.size)
    scale = _float(blocks, format.scale, format.scale_dtype)
    minimum = None if format.minimum is None else _float(blocks, format.minimum)
    scales: Sequence | np.ndarray = []
    minima: Sequence | np.ndarray = []
    if format.factors == "six bits":
        scales, minima = six_bits(blocks[..., format.factor : format.factor + 12])
    elif format.factors == "signed six bits":
        scales = signed_six_bits(blocks[..., format.factor : format.factor + 12])
    elif format.factors:
        scales = blocks[..., format.factor : format.factor + len(format.runs)]
        if format.factors == "int8":
            scales = scales.view(np.int8)
        else:
            scales, minima = scales & 15, scales >> 4
    out = np.empty((*blocks.shape[:-1], format.block), np.float32)
    with np.errstate(all="ignore"):
        for run in format.runs:
            q = _numbers(blocks, run, format).astype(np.float32)
            by = scale
            if format.factors:
                by = scale * scales[..., run.factor, None].astype(np.float32)  # type: ignore[call-overload]
            value = by * q
            if minimum is not None and format.factors:
                value = value - minimum * minima[..., run.factor, None].astype(np.float32)  # type: ignore[call-overload]
            elif minimum is not None:
                value = value + minimum
            out[..., run.start : run.start + run.length] = value
    return out.reshape(*lead, format.row_elements(row))


def round_groups(x: np.ndarray, size: int) -> np.ndarray:
    """Quantizes float32 rows to int8 in groups of `size`, with the scale (largest magnitude of the group) / 127, and returns them as float32.

    >>> import numpy as np
    >>> from penstock._src.ir.meaning.packed import round_groups
    >>> round_groups(np.float32([127, 1.4, -0.6, 0]), 4)
    array([127.,   1.,  -1.,   0.], dtype=float32)
    """
    groups = x.reshape(*x.shape[:-1], x.shape[-1] // size, size)
    with np.errstate(all="ignore"):
        largest = np.abs(groups).max(-1, keepdims=True, initial=0)
        q = np.rint(groups / np.where(largest == 0, np.float32(1), largest) * np.float32(127))
        return (q * _group_scale(largest)).reshape(x.shape)


def _group_scale(largest: np.ndarray) -> np.ndarray:
    """A group's scale; NaN if one of its numbers is not finite, so that all of them become NaN."""
    return largest * np.float32(1 / 127) + (largest - largest)


def _float(blocks: np.ndarray, at: int, dtype: str = "float16") -> np.ndarray:
    """The number at a byte of each block, [..., 1]."""
    size = np.dtype(dtype).itemsize
    return np.ascontiguousarray(blocks[..., at : at + size]).view(dtype).astype(np.float32)


def _numbers(blocks: np.ndarray, run: Run, format: PackedFormat) -> np.ndarray:
    """The integers of a run."""
    low = blocks[..., run.low : run.low + run.length]
    if format.bits == 8:
        return low.view(np.int8)
    q = (low >> run.shift & (1 << format.bits) - 1).astype(np.int8)
    if format.across:
        word = np.ascontiguousarray(blocks[..., run.high : run.high + 4]).view("<u4")
        bits = word >> np.arange(run.high_shift, run.high_shift + run.length, dtype=np.uint32) & 1
        q |= bits.astype(np.int8) << 4
    elif format.high_bits:
        high = blocks[..., run.high : run.high + run.length] >> run.high_shift
        q |= (high & (1 << format.high_bits) - 1).astype(np.int8) << format.bits
    return q - np.int8(format.zero)
