"""Diagonals and bands of matrices.

The V2 and V3 ops work with a range of diagonals k = (lower, upper) packed as the rows of a matrix:
row m holds diagonal upper - m, aligned left or right by `align`.
"""

import sys
from typing import Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements, HostKernel
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, TensorShape
from penstock._src.core.typesets import ANY, COMPLEX, FLOAT, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.native.algorithms.solvers.bands import band
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.array.constant import zero_of
from penstock._src.ops.linalg.packed_diagonals import (
    lower_put,
    lower_take,
    max_length,
    put_diagonals,
    take_diagonals,
)
from penstock._src.ops.rules import number_of, show, value_of, zeros_like

# NumPy and native code copy as fast as compiled kernels.
COPIES = HostKernel(compiles_from=sys.maxsize)
Align = Literal["LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT"]
SOLID = FLOAT | COMPLEX | INDEX


def band_of(op, k):
    """Returns (lower, upper) from the input of diagonal numbers.

    Raises:
      InvalidArgumentError: it is invalid.
    """
    if np.ndim(k) > 1 or np.size(k) not in (1, 2):
        raise op.invalid(f"diag_index must have only one or two elements, received {k.size}")
    lower, upper = int(k.ravel()[0]), int(k.ravel()[-1])
    if lower > upper:
        raise op.invalid(
            f"lower_diag_index must not be larger than upper_diag_index: {lower} > {upper}"
        )
    return lower, upper


def check_band(op, rows, columns, lower, upper):
    """Raises InvalidArgumentError unless a matrix of this size has the diagonals."""
    for name, k in (("lower_diag_index", lower), ("upper_diag_index", upper)):
        if not (-rows < k < columns or k == 0):
            raise op.invalid(
                f"{name} is out of bound: {k}. It must be between {-rows} and {columns}"
            )


def static_band(k):
    """Returns (lower, upper) of a static input, or None."""
    value = infer.value_or_none(k)
    return None if not value else (value[0], value[-1])


# -- diagonals of matrices -------------------------------------------------------------------------


class _MatrixDiagPart(Op):
    """A range of diagonals of each matrix, packed."""

    host_kernel = COPIES
    signature = "input: T, k: int32, padding_value: T -> diagonal: T"
    ranks = {"k": (0, 1), "padding_value": (0,)}
    T = ANY
    align = "RIGHT_LEFT"
    vectorize = "rows, shared, shared"

    def shape(self, input, k, padding_value):
        input.with_rank_at_least(2)
        band = static_band(k)
        if input.rank is None or band is None:
            return UNKNOWN
        rows, columns = input[-2], input[-1]
        width = None if None in (rows, columns) else max_length(rows, columns, *band)
        lead, count = input[: input.rank - 2], band[1] - band[0] + 1
        return lead.concatenate([width] if count == 1 else [count, width])

    def gradient(self, input, k, _padding_value, _diagonal, dy):
        return self.put_back(input, k, dy), None, None

    def put_back(self, input, k, dy):
        """Returns zeros with the packed gradient at its diagonals."""
        shape = input.shape
        if shape.rank is not None and None not in shape[-2:].as_list():
            rows, columns = (np.int32(d) for d in shape[-2:].as_list())
            zero = np.zeros((), dy.dtype.as_numpy_dtype)
            return raw.MatrixDiagV3(dy, k, rows, columns, zero, align=self.align)
        return raw.MatrixSetDiagV3(zeros_like(input), dy, k, align=self.align)

    def eager(self, input, k, padding_value):
        if padding_value.ndim:
            raise self.invalid("padding_value must be a scalar")
        return self.take(input, k, padding_value[()])

    def take(self, input, k, fill):
        """Returns the packed diagonals."""
        if input.ndim < 2:
            raise self.invalid(f"input must be at least 2-dim, received shape: {show(input.shape)}")
        lower, upper = band_of(self, k)
        check_band(self, *input.shape[-2:], lower, upper)
        return take_diagonals(input, lower, upper, self.align, fill)

    def lower(self, p, input, k, padding_value):
        if padding_value.rank:
            raise NotLowerable("a padding that is not a scalar")
        return self.lowered(p, input, value_of(p, k, "k"), padding_value)

    def lowered(self, p, input, k, fill):
        """Lowers with static diagonal numbers."""
        band, rank = band_of(self, np.asarray(k)), len(input.shape)
        if rank < 2 or self.T.np.hasobject or band[0] > band[-1]:
            raise NotLowerable("not matrices, or not numbers")
        rows, columns = input.shape[-2:]
        if any(not (-rows < b < columns or b == 0) for b in band):
            raise NotLowerable("diagonals out of range")
        return lower_take(p, input, band[0], band[-1], self.align, fill)


class MatrixDiagPartV3(_MatrixDiagPart):
    """A range of diagonals of each matrix, packed."""

    align: Align = "RIGHT_LEFT"


class MatrixDiagPartV2(_MatrixDiagPart):
    """A range of diagonals of each matrix, packed to the left."""

    align = "LEFT_LEFT"


class MatrixDiagPart(Op):
    """The main diagonal of each matrix."""

    host_kernel = COPIES
    signature = "input: T -> diagonal: T"
    T = ANY
    align = "RIGHT_LEFT"
    take, lowered = _MatrixDiagPart.take, _MatrixDiagPart.lowered
    vectorize = "rows"

    def shape(self, input):
        input.with_rank_at_least(2)
        if input.rank is None:
            return UNKNOWN
        rows, columns = input[-2], input[-1]
        width = None if None in (rows, columns) else min(rows, columns)
        return input[: input.rank - 2].concatenate([width])

    def gradient(self, input, _diagonal, dy):
        return _MatrixDiagPart.put_back(self, input, np.int32(0), dy)

    def eager(self, input):
        return self.take(input, np.zeros((), np.int32), zero_of(self.T))

    def lower(self, p, input):
        return self.lowered(p, input, 0, 0)


class _MatrixDiag(Op):
    """Matrices with given packed diagonals, and padding_value elsewhere."""

    host_kernel = COPIES
    signature = """diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T
        -> output: T"""
    ranks = {"k": (0, 1), "num_rows": (0,), "num_cols": (0,), "padding_value": (0,)}
    T = ANY
    align = "RIGHT_LEFT"
    vectorize = "rows, shared, shared, shared, shared"

    def shape(self, diagonal, k, num_rows, num_cols, padding_value):
        diagonal.with_rank_at_least(1)
        band, rows, columns = static_band(k), num_rows.value, num_cols.value
        if diagonal.rank is None or band is None:
            return UNKNOWN
        single = band[0] == band[1]
        lead = diagonal[: diagonal.rank - (1 if single else 2)]
        if diagonal[-1] is None or rows is None or columns is None:
            known = [None if d is None or d < 0 else d for d in (rows, columns)]
            return lead.concatenate(known)
        return lead.concatenate(self.size(diagonal[-1], band, rows.item(), columns.item()))

    def gradient(self, _diagonal, k, _num_rows, _num_cols, _padding_value, _output, dy):
        zero = np.zeros((), dy.dtype.as_numpy_dtype)
        part = raw.MatrixDiagPartV3(dy, k, zero, align=self.align)
        return part, None, None, None, None

    def size(self, width, band, rows, columns):
        """Returns rows and columns of the matrices; -1 means inferred from the diagonals.

        Raises:
          RefusedValue: they do not fit the diagonals.
        """
        lower, upper = band
        least = width - min(upper, 0), width + max(lower, 0)
        if rows == columns == -1:
            return [max(least)] * 2
        extents = [d if n == -1 else n for n, d in zip((rows, columns), least, strict=True)]
        for name, extent, fewest in zip(("rows", "columns"), extents, least, strict=True):
            if extent < fewest:
                raise RefusedValue(f"The number of {name} is too small.")
        # the longest diagonal ends at the last row or the last column
        if extents[0] != least[0] and extents[1] != least[1]:
            raise RefusedValue(
                "The number of rows or columns is not consistent with the specified d_lower, "
                "d_upper, and diagonal."
            )
        return extents

    def eager(self, diagonal, k, num_rows, num_cols, padding_value):
        if padding_value.ndim:
            raise self.invalid("padding_value must be a scalar")
        return self.put(diagonal, k, int(num_rows), int(num_cols), padding_value[()])

    def put(self, diagonal, k, rows, columns, fill):
        """Returns the matrices."""
        if not diagonal.ndim:
            raise self.invalid(f"diagonal must be at least 1-dim, received shape: {show(())}")
        lower, upper = band_of(self, k)
        if lower != upper and (diagonal.ndim < 2 or diagonal.shape[-2] != upper - lower + 1):
            raise self.invalid(
                f"The number of diagonals provided in the input does not match the lower_diag_index "
                f"{lower} and upper_diag_index {upper}. Received shape {show(diagonal.shape)}"
            )
        try:
            rows, columns = self.size(diagonal.shape[-1], (lower, upper), rows, columns)
        except RefusedValue as error:
            raise self.invalid(str(error)) from None
        lead = diagonal.shape[: -1 if lower == upper else -2]
        out = np.full((*lead, rows, columns), fill, self.T.np)
        return put_diagonals(out, diagonal, lower, upper, self.align)

    def lower(self, p, diagonal, k, num_rows, num_cols, padding_value):
        if padding_value.rank:
            raise NotLowerable("a padding that is not a scalar")
        rows, columns = (number_of(p, v, "the size") for v in (num_rows, num_cols))
        return self.lowered(p, diagonal, value_of(p, k, "k"), rows, columns, padding_value)

    def lowered(self, p, diagonal, k, rows, columns, fill):
        """Lowers with static sizes and diagonal numbers."""
        lower, upper = band_of(self, np.asarray(k))
        rank = len(diagonal.shape)
        if not rank or self.T.np.hasobject or lower > upper or (lower != upper and rank < 2):
            raise NotLowerable("not diagonals, or not numbers")
        rows, columns = self.size(diagonal.shape[-1], (lower, upper), rows, columns)
        lead = diagonal.shape[: -1 if lower == upper else -2]
        if not hasattr(fill, "shape"):
            fill = p.scalar(fill, self.T)
        start = p.broadcast_to(fill, (*lead, rows, columns))
        return lower_put(p, start, diagonal, lower, upper, self.align)


class MatrixDiagV3(_MatrixDiag):
    """Matrices with given packed diagonals, and padding_value elsewhere."""

    align: Align = "RIGHT_LEFT"


class MatrixDiagV2(_MatrixDiag):
    """Matrices with given diagonals packed to the left, and padding_value elsewhere."""

    align = "LEFT_LEFT"


class MatrixDiag(Op):
    """Matrices with given main diagonals, and zeros elsewhere."""

    host_kernel = COPIES
    signature = "diagonal: T -> output: T"
    T = ANY
    align = "RIGHT_LEFT"
    put, lowered, size = _MatrixDiag.put, _MatrixDiag.lowered, _MatrixDiag.size
    vectorize = "rows"

    def shape(self, diagonal):
        diagonal.with_rank_at_least(1)
        return UNKNOWN if diagonal.rank is None else diagonal.concatenate([diagonal[-1]])

    def gradient(self, _diagonal, _output, dy):
        return raw.MatrixDiagPart(dy)

    def eager(self, diagonal):
        return self.put(diagonal, np.zeros((), np.int32), -1, -1, zero_of(self.T))

    def lower(self, p, diagonal):
        return self.lowered(p, diagonal, 0, -1, -1, 0)


class _MatrixSetDiag(Op):
    """The matrices with a range of diagonals replaced by packed ones."""

    host_kernel = COPIES
    signature = "input: T, diagonal: T, k: int32 -> output: T"
    ranks = {"k": (0, 1)}
    T = ANY
    align = "RIGHT_LEFT"
    vectorize = "rows, rows, shared"

    def shape(self, input, diagonal, k):
        diagonal.with_rank_at_least(1)
        return input.with_rank_at_least(2)

    def gradient(self, _input, diagonal, k, _output, dy):
        zero = np.zeros((), dy.dtype.as_numpy_dtype)
        part = raw.MatrixDiagPartV3(dy, k, zero, align=self.align)
        rest = raw.MatrixSetDiagV3(dy, raw.ZerosLike(diagonal), k, align=self.align)
        return rest, part, None

    def eager(self, input, diagonal, k):
        return self.replace(input, diagonal, k)

    def replace(self, input, diagonal, k):
        """Returns the matrices with the diagonals replaced."""
        if input.ndim < 2:
            raise self.invalid(f"input must be at least 2-dim, received shape: {show(input.shape)}")
        if diagonal.ndim < 1:
            raise self.invalid(
                f"diagonal must be at least 1-dim, received shape: {show(diagonal.shape)}"
            )
        lower, upper = band_of(self, k)
        check_band(self, *input.shape[-2:], lower, upper)
        self.check_packed(input, diagonal, lower, upper)
        return put_diagonals(np.array(input, order="C"), diagonal, lower, upper, self.align)

    def check_packed(self, input, diagonal, lower, upper):
        """Raises InvalidArgumentError unless the diagonals have the shape of those of the matrices."""
        rows, columns = input.shape[-2:]
        width = max_length(rows, columns, lower, upper)
        packed = (width,) if lower == upper else (upper - lower + 1, width)
        expected = (*input.shape[:-2], *packed)
        if tuple(diagonal.shape) != expected:
            raise self.invalid(
                "Either first dimensions of diagonal don't match input.shape[:-2], or "
                "diagonal.shape[:-1] is not equal to the longests diagonal in range "
                f"[lower_diag_index:upper_diag_index]. Input shape: {show(input.shape)} Diagonal "
                f"shape: {show(diagonal.shape)} Expected diagonal shape: {show(expected)}"
            )

    def lower(self, p, input, diagonal, k):
        return self.lowered(p, input, diagonal, value_of(p, k, "k"))

    def lowered(self, p, input, diagonal, k):
        """Lowers with static diagonal numbers."""
        band, rank = band_of(self, np.asarray(k)), len(input.shape)
        if rank < 2 or self.T.np.hasobject or band[0] > band[-1]:
            raise NotLowerable("not matrices, or not numbers")
        rows, columns = input.shape[-2:]
        if any(not (-rows < b < columns or b == 0) for b in band):
            raise NotLowerable("diagonals out of range")
        self.check_packed(input, diagonal, *band)
        return lower_put(p, input, diagonal, band[0], band[-1], self.align)


class MatrixSetDiagV3(_MatrixSetDiag):
    """The matrices with a range of diagonals replaced by packed ones."""

    align: Align = "RIGHT_LEFT"


class MatrixSetDiagV2(_MatrixSetDiag):
    """The matrices with a range of diagonals replaced by ones packed to the left."""

    align = "LEFT_LEFT"


class MatrixSetDiag(Op):
    """The matrices with their main diagonals replaced."""

    host_kernel = COPIES
    signature = "input: T, diagonal: T -> output: T"
    T = ANY
    align = "RIGHT_LEFT"
    replace, lowered = _MatrixSetDiag.replace, _MatrixSetDiag.lowered
    check_packed = _MatrixSetDiag.check_packed
    vectorize = "rows, rows"

    def shape(self, input, diagonal):
        diagonal.with_rank_at_least(1)
        return input.with_rank_at_least(2)

    def gradient(self, _input, diagonal, _output, dy):
        return raw.MatrixSetDiag(dy, raw.ZerosLike(diagonal)), raw.MatrixDiagPart(dy)

    def eager(self, input, diagonal):
        return self.replace(input, diagonal, np.zeros((), np.int32))

    def lower(self, p, input, diagonal):
        return self.lowered(p, input, diagonal, 0)


class MatrixBandPart(Op):
    """The matrices with zeros outside a band around the main diagonal; a negative width keeps all."""

    host_kernel = COPIES
    signature = "input: T, num_lower: Tindex, num_upper: Tindex -> band: T[input]"
    T = ANY
    Tindex: INDEX = dtypes.int64
    vectorize = "rows, shared, shared"

    def gradient(self, _input, num_lower, num_upper, _band, dy):
        return raw.MatrixBandPart(dy, num_lower, num_upper), None, None

    def eager(self, input, num_lower, num_upper):
        if input.ndim < 2:
            raise self.invalid(f"input must be at least 2-dim, received shape: {show(input.shape)}")
        below, above = int(num_lower), int(num_upper)
        rows, columns = input.shape[-2:]
        if below > rows:
            raise self.invalid(
                f"num_lower must be negative or less or equal to number of rows ({rows}) got: {below}"
            )
        if above > columns:
            raise self.invalid(
                "num_upper must be negative or less or equal to number of columns "
                f"({columns}) got: {above}"
            )
        if not self.T.np.hasobject and runs_native_code():
            return band(input, below if below >= 0 else rows, above if above >= 0 else columns)
        distance = np.arange(columns) - np.arange(rows)[:, None]
        kept = ((below < 0) | (-distance <= below)) & ((above < 0) | (distance <= above))
        return np.where(kept, input, zero_of(self.T)).astype(self.T.np, copy=False)

    def lower(self, p, input, num_lower, num_upper):
        below, above = (number_of(p, v, "the width") for v in (num_lower, num_upper))
        if len(input.shape) < 2 or self.T.np.hasobject:
            raise NotLowerable("not matrices, or not numbers")
        shape = input.shape[-2:]
        if below > shape[0] or above > shape[1]:
            raise NotLowerable("a band wider than the matrix")
        rows, columns = p.iota(shape, 0, dtypes.int32), p.iota(shape, 1, dtypes.int32)
        kept = None
        if below >= 0:
            kept = p.le(p.sub(rows, columns), below)
        if above >= 0:
            inside = p.le(p.sub(columns, rows), above)
            kept = inside if kept is None else p.and_(kept, inside)
        return input if kept is None else p.select(kept, input, 0)


# -- diagonals of tensors --------------------------------------------------------------------------


class Diag(Op):
    """A tensor of twice the rank with the input on its diagonal."""

    signature = "diagonal: T -> output: T"
    T = SOLID

    def shape(self, diagonal):
        diagonal.with_rank_at_least(1)
        return UNKNOWN if diagonal.rank is None else diagonal.concatenate(TensorShape(diagonal))

    def gradient(self, _diagonal, _output, dy):
        return raw.DiagPart(dy)

    def eager(self, diagonal):
        if not diagonal.ndim:
            raise self.invalid(f"Input must be at least rank 1, got {diagonal.ndim}")
        flat = np.zeros((diagonal.size, diagonal.size), diagonal.dtype)
        np.fill_diagonal(flat, diagonal.ravel())
        return flat.reshape(diagonal.shape * 2)

    def lower(self, p, diagonal):
        if not diagonal.shape:
            raise NotLowerable("a scalar")
        flat = p.reshape(diagonal, (-1,))
        n = flat.shape[0]
        same = p.eq(p.iota((n, n), 0, dtypes.int32), p.iota((n, n), 1, dtypes.int32))
        return p.reshape(p.select(same, flat, 0), (*diagonal.shape, *diagonal.shape))


class DiagPart(Op):
    """The diagonal of a tensor with a shape that repeats a list of dimensions."""

    signature = "input: T -> diagonal: T"
    elements = Elements(vectorizes_one_by_one=True)
    T = SOLID

    def shape(self, input):
        if input.rank is None:
            return UNKNOWN
        if input.rank % 2 or not input.rank:
            raise ValueError(f"Input must have even and non-zero rank, input rank is {input.rank}")
        half = input.rank // 2
        return input[:half].merge_with(input[half:])

    def gradient(self, _input, _diagonal, dy):
        return raw.Diag(dy)

    def eager(self, input):
        half, odd = divmod(input.ndim, 2)
        if odd or not half:
            raise self.invalid(
                f"The rank of the tensor should be even and positive, got shape {show(input.shape)}"
            )
        for i in range(half):
            if input.shape[i] != input.shape[i + half]:
                raise self.invalid(
                    f"Invalid shape {show(input.shape)}: dimensions {i} and {i + half} do not match."
                )
        size = int(np.prod(input.shape[:half]))
        return input.reshape(size, size).diagonal().reshape(input.shape[:half]).copy()

    def lower(self, p, input):
        half, odd = divmod(len(input.shape), 2)
        lead = tuple(input.shape[:half])
        if odd or not half or lead != tuple(input.shape[half:]):
            raise NotLowerable("a shape that does not repeat its first half")
        size = 1
        for d in lead:
            size = d * size
        flat = p.reshape(input, (size * size,))
        places = p.mul(p.iota((size,), 0, dtypes.int32), p.scalar(size + 1, dtypes.int32))
        return p.reshape(p.gather(flat, places, 0), lead)
