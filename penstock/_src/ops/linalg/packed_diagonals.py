"""Diagonals of matrices packed as the rows of a matrix: row m holds diagonal upper - m, aligned left or right."""

import functools

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ir.extents.dims import minimum


@functools.lru_cache(256)
def diagonal_places(rows, columns, lower, upper, align):
    """Returns, for each packed position, its row and column in the matrix (-1: none)."""
    count = upper - lower + 1
    width = max_length(rows, columns, lower, upper)
    i = np.full((count, width), -1)
    j = np.full((count, width), -1)
    above, below = align.split("_")
    for m in range(count):
        k = upper - m
        length = min(rows + min(k, 0), columns - max(k, 0))
        side = above if k >= 0 else below
        start = width - length if side == "RIGHT" else 0
        places = np.arange(max(length, 0))
        i[m, start + places] = places - min(k, 0)
        j[m, start + places] = places + max(k, 0)
    i.flags.writeable = j.flags.writeable = False
    return i, j


def max_length(rows, columns, lower, upper):
    """Returns the length of the longest of a range of diagonals."""
    return min(rows + min(upper, 0), columns - max(lower, 0))


def take_diagonals(x, lower, upper, align, fill):
    """Returns the packed diagonals of matrices, padded with `fill`."""
    width, ranges = _packed_ranges(*x.shape[-2:], lower, upper, align)
    out = np.empty((*x.shape[:-2], upper - lower + 1, width), x.dtype)
    if sum(end - first for *_, first, end in ranges) < (upper - lower + 1) * width:
        out[...] = fill
    for m, k, first, end in ranges:
        out[..., m, first:end] = x.diagonal(k, -2, -1)
    return out[..., 0, :] if lower == upper else out


def put_diagonals(out, diagonal, lower, upper, align):
    """Puts packed diagonals into matrices, in place."""
    packed = diagonal[..., None, :] if lower == upper else diagonal
    for m, k, first, end in _packed_ranges(*out.shape[-2:], lower, upper, align)[1]:
        places = out.diagonal(k, -2, -1)
        places.flags.writeable = True  # a view, which NumPy protects
        places[...] = packed[..., m, first:end]
    return out


@functools.lru_cache(256)
def _packed_ranges(rows, columns, lower, upper, align):
    """Returns the length of packed rows, and of each diagonal with elements its row, its number, and where it begins and ends there."""
    width, diagonals = starts_of(rows, columns, lower, upper, align)
    return width, [
        (m, k, first, first + length)
        for m, (k, length, first) in enumerate(diagonals)
        if length > 0
    ]


def lower_take(p, x, lower, upper, align, fill):
    """Lowers packed diagonals to a gather of the flattened matrices."""
    rows, columns = x.shape[-2:]
    lead = x.shape[:-2]
    flat = p.reshape(x, (*lead, rows * columns))
    if type(rows) is not int or type(columns) is not int:
        places, real = computed_places(p, rows, columns, lower, upper, align)
        out = p.gather(flat, places, len(lead))
        out = p.select(p.broadcast_to(real, out.shape), out, fill)
        return p.squeeze(out, [len(lead)]) if lower == upper else out
    i, j = diagonal_places(rows, columns, lower, upper, align)
    places = p.constant(np.where(i < 0, 0, i * columns + j).astype(np.int32))
    out = p.gather(flat, places, len(lead))
    if (i < 0).any():
        out = p.select(p.constant(i >= 0), out, fill)
    return p.squeeze(out, [len(lead)]) if lower == upper else out


def starts_of(rows, columns, lower, upper, align):
    """Returns, from the uppermost diagonal down, the number, length and first packed position of each."""
    width = minimum(rows + min(upper, 0), columns - max(lower, 0))
    above, below = align.split("_")
    starts = []
    for k in range(upper, lower - 1, -1):
        length = minimum(rows + min(k, 0), columns - max(k, 0))
        side = above if k >= 0 else below
        starts.append((k, length, width - length if side == "RIGHT" else 0))
    return width, starts


def computed_places(p, rows, columns, lower, upper, align):
    """Returns `[diagonals, width]` positions in flattened matrices of dynamic size, and a mask of valid ones."""
    width, diagonals = starts_of(rows, columns, lower, upper, align)
    places, real = [], []
    for k, length, first in diagonals:
        along = p.sub(p.iota([width], 0, dtypes.int32), p.scalar(first, dtypes.int32))
        inside = p.and_(p.ge(along, 0), p.lt(along, p.scalar(length, dtypes.int32)))
        row = p.mul(p.sub(along, min(k, 0)), p.scalar(columns, dtypes.int32))
        places.append(p.select(inside, p.add(row, p.add(along, max(k, 0))), 0))
        real.append(inside)
    return p.stack(places, 0), p.stack(real, 0)


def _put_by_numbers(p, start, diagonal, lower, upper, align):
    """`lower_put` for matrices of dynamic size."""
    rows, columns = start.shape[-2:]
    width, diagonals = starts_of(rows, columns, lower, upper, align)
    row, column = (p.iota([rows, columns], axis, dtypes.int32) for axis in (0, 1))
    number, along = p.sub(column, row), p.minimum(row, column)
    source = p.full([rows, columns], 0, dtypes.int32)
    for m, (k, _, first) in enumerate(diagonals):
        place = p.add(along, p.scalar(first + m * width, dtypes.int32))
        source = p.select(p.eq(number, k), place, source)
    lead = start.shape[:-2]
    flat = p.reshape(diagonal, (*lead, (upper - lower + 1) * width))
    real = p.and_(p.ge(number, lower), p.le(number, upper))
    packed = p.gather(flat, source, len(lead))
    return p.select(p.broadcast_to(real, packed.shape), packed, start)


def lower_put(p, start, diagonal, lower, upper, align):
    """Lowers putting packed diagonals to a gather of the packed ones and a select."""
    rows, columns = start.shape[-2:]
    if type(rows) is not int or type(columns) is not int:
        return _put_by_numbers(p, start, diagonal, lower, upper, align)
    i, j = diagonal_places(rows, columns, lower, upper, align)
    width = i.shape[1]
    source = np.full((rows, columns), -1)
    real = i >= 0
    source[i[real], j[real]] = np.flatnonzero(real.ravel())
    lead = start.shape[:-2]
    flat = p.reshape(diagonal, (*lead, (upper - lower + 1) * width))
    packed = p.gather(flat, p.constant(np.maximum(source, 0).astype(np.int32)), len(lead))
    return p.select(p.constant(source >= 0), packed, start)
