"""Products with packed weights: blocks of few-bit numbers with their scales, unpacked where they are used (ir/meaning/packed.py)."""

from typing import ClassVar, Literal

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, as_shape
from penstock._src.core.typesets import FLOAT, INDEX
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.packed import FORMATS, GROUP, round_groups, unpack
from penstock._src.ops.array.gather import check_indices
from penstock._src.ops.rules import in_float32, show

Format = Literal[tuple(FORMATS)]  # type: ignore[valid-type]
SINGLE = FLOAT - {dtypes.float64}
ROOM = 1 << 22  # elements unpacked at a time by kernels of the host


def row_elements(op, row_bytes):
    """Number of elements of a packed row with a number of bytes, None if unknown.

    Raises:
      InvalidArgumentError: the bytes are not a whole number of blocks.
    """
    if row_bytes is None:
        return None
    form = FORMATS[op.format]
    if row_bytes % form.size:
        raise op.invalid(
            f"rows of weights must be whole blocks of {op.format}, {form.size} bytes for {form.block} elements. "
            f"Received rows of {row_bytes} bytes"
        )
    return form.row_elements(row_bytes)


def check_extents(op, x, weights):
    """Raises InvalidArgumentError unless x, whose shape is known as far as `None` does not say otherwise, has as many elements in a row as weights take."""
    elements = row_elements(op, weights[1])
    wanted = elements if op.transpose_b else weights[0]
    if None not in (wanted, x[-1]) and wanted != x[-1]:
        across = "a row" if op.transpose_b else "a column"
        raise op.invalid(
            f"x must have as many elements in its last dimension as {across} of weights. Received x {show(x)}, "
            f"weights {show(weights)} of format {op.format}, {show((weights[0], elements))} unpacked"
        )


class OnPackedWeights(Op):
    """Base of ops that take packed weights."""

    packed_input: ClassVar[int]  # the position of the weights

    @property
    def unpacked_dtype(self):
        """The dtype of the weights that `on_unpacked` takes."""
        return dtypes.float32

    def unpacked(self, weights):
        """The numbers of packed weights, in `unpacked_dtype`."""
        return rounded_to(unpack(weights, FORMATS[self.format]), self.unpacked_dtype)

    def on_unpacked(self, *inputs):
        """The op's result, by TensorFlow's ops, with unpacked weights in place of the packed ones."""
        raise NotImplementedError


class PackedMatMul(OnPackedWeights):
    """x W^T for x [..., k] and packed weights W [n, k]; or x W for x [..., n], if transpose_b is False.

    Sums are of float32. `activations="int8"` rounds each 32 neighboring elements of x to int8 times a scale of their own, so that products are
    of integers: an element is off by at most 1/254 of the largest magnitude among its 32. `activations="bfloat16"` rounds x and the unpacked weights
    to bfloat16, whose products are exact in float32: each is off by at most 1/512 of itself. If `bfloat16_rows` is not 0 and the matrices of x have at
    least that many rows (its last dimension but one), `activations` counts as "bfloat16": the other matrices of a batch do not change a result.
    """

    signature = "x: T, weights: uint8 -> product: T"
    T = SINGLE
    format: Format
    transpose_b: bool = True
    activations: Literal["float32", "bfloat16", "int8"] = "float32"
    bfloat16_rows: int = 0
    elements = Elements(is_row_wise=True)
    packed_input = 1

    def on_unpacked(self, x, weights):
        # Rounded activations are an approximation of this product.
        wide = x if x.dtype is dtypes.float32 else raw.Cast(x, DstT=dtypes.float32)
        if x.shape.rank != 2:
            wide = raw.Reshape(wide, np.array([-1, weights.shape[int(self.transpose_b)]], np.int32))
        product = raw.MatMul(wide, weights, transpose_b=self.transpose_b)
        if x.shape.rank != 2:
            lead = raw.Shape(x)[:-1]
            columns = np.array([weights.shape[1 - int(self.transpose_b)]], np.int32)
            product = raw.Reshape(product, raw.ConcatV2([lead, columns], 0))
        return product if x.dtype is dtypes.float32 else raw.Cast(product, DstT=x.dtype)

    def shape(self, x, weights):
        x, weights = x.with_rank_at_least(1), weights.with_rank(2)
        self.check_activations()
        if x.rank is None:
            return UNKNOWN
        check_extents(self, x.as_list(), weights.as_list())
        n, row = weights.as_list()
        return x[:-1].concatenate(as_shape([n if self.transpose_b else row_elements(self, row)]))

    def check_activations(self):
        """Raises InvalidArgumentError if activations are to be rounded whose groups are not those of the weights, or `bfloat16_rows` is negative."""
        if self.bfloat16_rows < 0:
            raise self.invalid(f"bfloat16_rows must not be negative. Received {self.bfloat16_rows}")
        if (self.activations != "float32" or self.bfloat16_rows) and not self.transpose_b:
            raise self.invalid("activations can be rounded only where transpose_b is True")

    def activations_of(self, lead):
        """The type to which x is rounded, for its extents but the last."""
        if self.bfloat16_rows and lead and lead[-1] >= self.bfloat16_rows:
            return "bfloat16"
        return self.activations

    def gradient(self, _x, weights, _product, dy):
        # Rounded activations have the gradient of those that are not.
        transposed = not self.transpose_b
        return raw.PackedMatMul(dy, weights, format=self.format, transpose_b=transposed), None

    def eager(self, x, weights):
        self.check_activations()
        if not x.ndim or weights.ndim != 2:
            raise self.invalid(
                f"x must have a dimension or more, and weights two. Received x {show(x.shape)}, weights {show(weights.shape)}"
            )
        check_extents(self, x.shape, weights.shape)
        form, n = FORMATS[self.format], weights.shape[0]
        k = form.row_elements(weights.shape[1])
        wide, activations = in_float32(x), self.activations_of(x.shape[:-1])
        if activations == "int8":
            wide = round_groups(wide, GROUP)
        elif activations == "bfloat16":
            wide = in_bfloats(wide)
        out = np.zeros((*x.shape[:-1], n if self.transpose_b else k), np.float32)
        step = max(1, ROOM // max(1, k))
        with np.errstate(all="ignore"):
            for at in range(0, n, step):
                rows = unpack(weights[at : at + step], form)
                if activations == "bfloat16":
                    rows = in_bfloats(rows)
                if self.transpose_b:
                    out[..., at : at + step] = wide @ rows.T
                else:
                    out += wide[..., at : at + step] @ rows
            return out.astype(x.dtype)

    def lower(self, p, x, weights):
        self.check_activations()
        if not x.shape or len(weights.shape) != 2:
            raise NotLowerable("operands other than rows and a matrix")
        check_extents(self, x.shape, weights.shape)
        wide, dense = p.cast(x, dtypes.float32), p.unpack(weights, self.format)
        activations = self.activations_of(x.shape[:-1])
        if activations == "int8":
            wide = p.round_groups(wide, GROUP)
        elif activations == "bfloat16":
            wide, dense = (p.cast(p.cast(v, dtypes.bfloat16), v.dtype) for v in (wide, dense))
        rows = p.reshape(wide, (dims.product(x.shape[:-1]), x.shape[-1]))
        spec = "mk,nk->mn" if self.transpose_b else "mn,nk->mk"
        product = p.contract(spec, rows, dense, is_exact=True)
        return p.cast(p.reshape(product, (*x.shape[:-1], product.shape[-1])), x.dtype)


class RoundToBfloat16(Op):
    """x rounded to bfloat16, in its own type, if `counted` has at least `rows` elements; x itself if it has fewer."""

    signature = "x: T, counted: Tcounted -> y: T"
    T = SINGLE
    Tcounted = INDEX
    rows: int = 1

    def shape(self, x, _counted):
        return x

    def gradient(self, _x, _counted, _y, dy):
        # As in PackedMatMul, a rounded value has the gradient of the unrounded one.
        return dy, None

    def eager(self, x, counted):
        return rounded_to(in_bfloats(x), self.T) if counted.size >= self.rows else x

    def lower(self, p, x, counted):
        is_rounded = dims.product(counted.shape) >= self.rows
        return p.cast(p.cast(x, dtypes.bfloat16), x.dtype) if is_rounded else x

    def composed(self, _constants, x, counted):
        """The same by TensorFlow's ops."""
        rounded = raw.Cast(raw.Cast(x, DstT=dtypes.bfloat16), DstT=self.T)
        return raw.SelectV2(raw.GreaterEqual(raw.Size(counted), np.int32(self.rows)), rounded, x)


class PackedGather(OnPackedWeights):
    """Rows of packed weights [n, k], unpacked: those that `indices` name."""

    signature = "weights: uint8, indices: Tindices -> rows: dtype"
    Tindices = INDEX
    format: Format
    dtype: SINGLE = dtypes.float32
    differentiable = False
    packed_input = 0

    @property
    def unpacked_dtype(self):
        return self.dtype

    def on_unpacked(self, weights, indices):
        return raw.GatherV2(weights, indices, 0)

    def shape(self, weights, indices):
        weights = weights.with_rank(2)
        elements = row_elements(self, weights.as_list()[1])
        return UNKNOWN if indices.rank is None else indices.concatenate(as_shape([elements]))

    def eager(self, weights, indices):
        if weights.ndim != 2:
            raise self.invalid(f"weights must have two dimensions. Received {show(weights.shape)}")
        row_elements(self, weights.shape[1])
        check_indices(self, indices, weights.shape[0])
        rows = unpack(weights[indices], FORMATS[self.format])
        return rounded_to(rows, self.dtype)

    def lower(self, p, weights, indices):
        if len(weights.shape) != 2:
            raise NotLowerable("weights that are not a matrix")
        row_elements(self, weights.shape[1])
        rows = p.gather(weights, indices, 0, 0, mode="error")
        return p.cast(p.unpack(rows, self.format), self.dtype)


class PackedDequantize(OnPackedWeights):
    """Packed rows [..., bytes of a row], unpacked to [..., k]."""

    signature = "weights: uint8 -> values: dtype"
    format: Format
    dtype: SINGLE = dtypes.float32
    differentiable = False
    packed_input = 0

    @property
    def unpacked_dtype(self):
        return self.dtype

    def on_unpacked(self, weights):
        return raw.Identity(weights)

    def shape(self, weights):
        weights = weights.with_rank_at_least(1)
        if weights.rank is None:
            return UNKNOWN
        return weights[:-1].concatenate(as_shape([row_elements(self, weights.as_list()[-1])]))

    def eager(self, weights):
        if not weights.ndim:
            raise self.invalid("weights must have a dimension or more. Received a scalar")
        row_elements(self, weights.shape[-1])
        return rounded_to(unpack(weights, FORMATS[self.format]), self.dtype)

    def lower(self, p, weights):
        if not weights.shape:
            raise NotLowerable("a scalar")
        row_elements(self, weights.shape[-1])
        return p.cast(p.unpack(weights, self.format), self.dtype)


def in_bfloats(x):
    """float32 numbers rounded to bfloat16, as float32."""
    return rounded_to(x, dtypes.bfloat16).astype(np.float32)


def rounded_to(rows, dtype):
    """float32 in another dtype, without warnings: values that are too large become infinities."""
    with np.errstate(all="ignore"):
        return rows.astype(dtype.np)
