"""Packs numbers into blocks of 256 whose runs have scales of few bits: Q4_K, Q5_K and Q6_K (`ir/meaning/packed.py` has the layouts).

A run's scale and minimum are those with the least sum of weighted squared errors among several candidates; large numbers weigh more. Both are rounded
to multiples of the block's scales, and the numbers are then quantized with the rounded scales.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from penstock._src.ir.meaning.packed import FORMATS, PackedFormat

# Blocks at a time: of a large matrix, few numbers are in memory as float32 several times.
_PIECE = 4096
_WAYS = 19  # scales that are tried, a tenth of a step apart
_MOST_SIX_BITS = 63
_HALF = np.dtype("<f2")
_NAN = np.array([np.nan], _HALF).view(np.uint8)
_TOO_LARGE = np.float32(1e10)  # for any float16 scale: the block's numbers become infinite or NaN
# Of the products that a determinant is the difference of: less is rounding, where all numbers of a run are alike.
_LEAST_DETERMINANT = np.float32(1e-5)


def _quotient(a: np.ndarray | np.floating, b: np.ndarray) -> np.ndarray:
    """a / b; 0 where b is 0."""
    return np.divide(
        a, b, out=np.zeros(np.broadcast_shapes(np.shape(a), b.shape), np.float32), where=b != 0
    )


def _sum(x: np.ndarray) -> np.ndarray:
    return x.sum(-1, keepdims=True)


def _symmetric_scales(x: np.ndarray, low: int) -> np.ndarray:
    """The scale of each run (the last axis), whose integers go from `low` to `-low - 1`."""
    at = np.abs(x).argmax(-1)[..., None]
    farthest = np.take_along_axis(x, at, -1)
    weights, best = x * x, np.zeros_like(farthest)
    score = np.zeros_like(farthest)
    for way in range(_WAYS):
        steps = np.float32(low - (way - _WAYS // 2) / 10)
        q = np.rint(x * _quotient(steps, farthest)).clip(low, -low - 1)
        by_x, by_q = _sum(weights * x * q), _sum(weights * q * q)
        scale = _quotient(by_x, by_q)
        is_better = by_x * scale > score
        best, score = np.where(is_better, scale, best), np.where(is_better, by_x * scale, score)
    return best


def _scales_and_minima(x: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The scale and the minimum, which is not above 0, of each run (the last axis), whose integers go from 0 to `most`."""
    weights = np.sqrt(_sum(x * x) / np.float32(x.shape[-1])) + np.abs(x)
    least = np.minimum(x.min(-1, keepdims=True), 0)
    extent = x.max(-1, keepdims=True) - least
    by_one, by_x = _sum(weights), _sum(weights * x)
    scale, minimum = extent / np.float32(most), least
    error = np.full_like(scale, np.inf)
    for way in range(_WAYS):
        steps = np.float32(most + (way - _WAYS // 2) / 10)
        q = np.rint((x - least) * _quotient(steps, extent)).clip(0, most)
        by_q, by_square, by_both = _sum(weights * q), _sum(weights * q * q), _sum(weights * q * x)
        products = by_one * by_square
        determinant = products - by_q * by_q
        determinant = np.where(determinant > _LEAST_DETERMINANT * products, determinant, 0)
        slope = _quotient(by_one * by_both - by_x * by_q, determinant)
        start = _quotient(by_square * by_x - by_q * by_both, determinant)
        is_above = start > 0
        slope = np.where(is_above, _quotient(by_both, by_square), slope)
        start = np.where(is_above, np.float32(0), start)
        off = _sum(weights * np.square(slope * q + start - x))
        is_better = (off < error) & (slope > 0)
        scale, minimum = np.where(is_better, slope, scale), np.where(is_better, start, minimum)
        error = np.where(is_better, off, error)
    return scale, minimum


def _write_codes(out: np.ndarray, codes: np.ndarray, form: PackedFormat) -> None:
    """Writes the integers of all runs, `[n, runs, length]`, into blocks."""
    for i, run in enumerate(form.runs):
        q, length = codes[:, i], run.length
        out[:, run.low : run.low + length] |= (q & 15) << run.shift
        if form.high_bits:
            out[:, run.high : run.high + length] |= (q >> 4) << run.high_shift


def _unit(out: np.ndarray, at: int, value: np.ndarray) -> np.ndarray:
    """Writes a number of each block as float16 into it, and returns what that holds; 0 for what is not finite, which makes all numbers of a block so."""
    with np.errstate(over="ignore"):
        halves = value.astype(_HALF)
    out[:, at : at + _HALF.itemsize] = halves.reshape(-1, 1).view(np.uint8)
    return np.where(np.isfinite(halves), halves, 0).astype(np.float32)


def _pack_with_minima(x: np.ndarray, out: np.ndarray, form: PackedFormat) -> None:
    assert form.minimum is not None
    most = (16 << form.high_bits) - 1
    scales, minima = _scales_and_minima(x, most)
    whole = []
    for value, at in ((scales, form.scale), (-minima, form.minimum)):
        unit = _unit(out, at, value.max(1, keepdims=True) / np.float32(_MOST_SIX_BITS))
        integers = np.rint(_quotient(value, unit)).clip(0, _MOST_SIX_BITS)
        whole.append((unit * integers, integers.astype(np.uint8)[..., 0]))
    (scale, s), (minimum, m) = whole
    codes = np.rint(_quotient(x + minimum, scale)).clip(0, most).astype(np.uint8)
    fields = (
        s[:, :4] | (s[:, 4:] >> 4 << 6),
        m[:, :4] | (m[:, 4:] >> 4 << 6),
        (s[:, 4:] & 15) | (m[:, 4:] << 4),
    )
    out[:, form.factor : form.factor + 12] = np.concatenate(fields, 1)
    _write_codes(out, codes, form)


def _pack_symmetric(x: np.ndarray, out: np.ndarray, form: PackedFormat) -> None:
    scales = _symmetric_scales(x, -form.zero)
    at = np.abs(scales).argmax(1)[:, None]
    # The largest scale becomes -128, the int8 without a positive counterpart.
    unit = _unit(out, form.scale, np.take_along_axis(scales, at, 1) / np.float32(-128))
    integers = np.rint(_quotient(scales, unit)).clip(-128, 127)
    codes = np.rint(_quotient(x, unit * integers)).clip(-form.zero, form.zero - 1) + form.zero
    out[:, form.factor : form.factor + len(form.runs)] = (
        integers[..., 0].astype(np.int8).view(np.uint8)
    )
    _write_codes(out, codes.astype(np.uint8), form)


def _packer(name: str) -> Callable[[np.ndarray], np.ndarray]:
    form = FORMATS[name]
    pack = _pack_symmetric if form.minimum is None else _pack_with_minima

    def packed(values: np.ndarray) -> np.ndarray:
        """Returns the blocks of rows of 256 numbers."""
        out = np.zeros((len(values), form.size), np.uint8)
        for start in range(0, len(values), _PIECE):
            piece, blocks = values[start : start + _PIECE], out[start : start + _PIECE]
            fits = np.abs(piece).max(1) < _TOO_LARGE  # not if one is not a number
            piece = np.where(fits[:, None], piece, 0)
            pack(piece.reshape(len(piece), len(form.runs), -1), blocks, form)
            blocks[~fits, form.scale : form.scale + _HALF.itemsize] = _NAN
        return out

    return packed


RUN_PACKERS = {name: _packer(name) for name in ("Q4_K", "Q5_K", "Q6_K")}
