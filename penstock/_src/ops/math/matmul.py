"""Products of matrices, single and in batches."""

import math

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, Elements, HostKernel
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.typesets import COMPLEX, FLOAT, SIGNED, SINGLE_RANGE, UNSIGNED
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops import infer
from penstock._src.ops.rules import cast, conj, in_float32, quiet, show, unbroadcast
from penstock._src.util.process.blas import one_thread

WIDE = FLOAT | COMPLEX | {dtypes.int32, dtypes.int64}
BROAD = FLOAT | COMPLEX | UNSIGNED | {dtypes.int16, dtypes.int32, dtypes.int64}
# Multiplications and additions of a product that OpenBLAS would divide, though its threads gain less than they may wait.
_FOR_ONE_THREAD = range(1 << 18, 1 << 24)
_on_one_thread = one_thread(np.matmul, math.inf)  # of any shape: the work is what counts
# `multiply` of matrices, by whether the first and the second one are transposed.
_DOTS = {
    (False, False): np.ndarray.dot,
    (False, True): lambda a, b: a.dot(b.T),
    (True, False): lambda a, b: a.T.dot(b),
    (True, True): lambda a, b: a.T.dot(b.T),
}
# NumPy multiplies matrices of integers one element after the other.
_COMPILED_IF_RARE = HostKernel(compiles_rare_from=SLOWEST)


def multiply(a, b):
    """Returns the matrix product; 16-bit floats are accumulated in float32."""
    wide = a.dtype.itemsize > 2
    x, y = (a, b) if wide else (in_float32(a), in_float32(b))
    few = y.ndim and x.size * y.shape[-1] in _FOR_ONE_THREAD
    if few:
        result = _on_one_thread(x, y)
    elif x.ndim == 2 and y.ndim == 2:
        result = x.dot(y)  # the same product, without the search for a ufunc's loop
    else:
        result = np.matmul(x, y)
    return result if wide else result.astype(a.dtype, copy=False)


class MatMul(Op):
    """The product of two matrices, optionally transposed."""

    signature = "a: T, b: T -> product: T"
    T = WIDE | UNSIGNED
    transpose_a: bool = False
    transpose_b: bool = False
    grad_a: bool = False
    grad_b: bool = False
    elements = Elements(is_row_wise=True)
    # Matrix registers multiply 16-bit floats if the depth is known.
    host_kernel = HostKernel(compiles_rare_from=SLOWEST, opens="rows")

    def shape(self, a, b):
        return infer.matmul(a, b, self.transpose_a, self.transpose_b)

    def gradient(self, a, b, _product, dy):
        return self.input_gradient(0, a, b, None, dy), self.input_gradient(1, a, b, None, dy)

    def input_gradient(self, at, a, b, _product, dy):
        ta, tb = self.transpose_a, self.transpose_b
        if at:
            a = conj(a)
            return times(dy, a, True, ta) if tb else times(a, dy, not ta, False)
        b = conj(b)
        return times(b, dy, tb, True) if ta else times(dy, b, False, not tb)

    @property
    def small_product(self):
        """What `eager` calls for two matrices of little work, and the work from which it does more; None if it always does."""
        if self.T.np.itemsize <= 2:
            return None
        return _DOTS[self.transpose_a, self.transpose_b], _FOR_ONE_THREAD.start

    @quiet
    def eager(self, a, b):
        if a.ndim != b.ndim:
            raise self.invalid(
                f"In[0] and In[1] has different ndims: {show(a.shape)} vs. {show(b.shape)}"
            )
        if a.ndim != 2:
            raise self.invalid(f"In[0] and In[1] ndims must be == 2: {a.ndim}")
        left = a.T if self.transpose_a else a
        right = b.T if self.transpose_b else b
        if left.shape[1] != right.shape[0]:
            raise self.invalid(
                f"Matrix size-incompatible: In[0]: {show(a.shape)}, In[1]: {show(b.shape)}"
            )
        return multiply(left, right)

    def lower(self, p, a, b):
        left = "km" if self.transpose_a else "mk"
        right = "nk" if self.transpose_b else "kn"
        inner = a.shape[0 if self.transpose_a else 1], b.shape[1 if self.transpose_b else 0]
        if inner[0] != inner[1]:
            raise NotLowerable("inner dimensions that differ")
        return p.contract(f"{left},{right}->mn", a, b)


def times(a, b, transpose_a, transpose_b):
    """Returns a product of matrices, as an op."""
    return raw.MatMul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)


class SparseMatMul(Op):
    """The product of two mostly zero matrices, computed as a dense product."""

    signature = "a: Ta, b: Tb -> product: float32"
    Ta: SINGLE_RANGE = dtypes.float32
    Tb: SINGLE_RANGE = dtypes.float32
    transpose_a: bool = False
    transpose_b: bool = False
    a_is_sparse: bool = False
    b_is_sparse: bool = False

    def shape(self, a, b):
        return infer.matmul(a, b, self.transpose_a, self.transpose_b)

    def gradient(self, a, b, _product, dy):
        a, b = cast(a, dtypes.float32), cast(b, dtypes.float32)
        ta, tb = self.transpose_a, self.transpose_b
        da = times(b, dy, tb, True) if ta else times(dy, b, False, not tb)
        db = times(dy, a, True, ta) if tb else times(a, dy, not ta, False)
        return cast(da, self.Ta), cast(db, self.Tb)

    @quiet
    def eager(self, a, b):
        if a.ndim != 2 or b.ndim != 2:
            raise self.invalid(
                f"a and b must be matrices. Received {show(a.shape)}, {show(b.shape)}"
            )
        a = a.T if self.transpose_a else a
        b = b.T if self.transpose_b else b
        if a.shape[1] != b.shape[0]:
            raise self.invalid(f"Matrix size incompatible: a: {show(a.shape)}, b: {show(b.shape)}")
        return in_float32(a) @ in_float32(b)

    def lower(self, p, a, b):
        left = "km" if self.transpose_a else "mk"
        right = "nk" if self.transpose_b else "kn"
        wide = p.cast(a, dtypes.float32), p.cast(b, dtypes.float32)
        return p.contract(f"{left},{right}->mn", *wide)


# -- batches ---------------------------------------------------------------------------------------


def adjoint(x):
    """Returns the conjugate transpose of each matrix."""
    return np.conj(np.swapaxes(x, -1, -2))


class BatchMatMulV2(Op):
    """Products of matrices with leading dimensions that broadcast; `adj_` conjugates and transposes."""

    signature = "x: T, y: T -> output: T"
    host_kernel = _COMPILED_IF_RARE
    T = BROAD
    adj_x: bool = False
    adj_y: bool = False
    grad_x: bool = False
    grad_y: bool = False

    def shape(self, x, y):
        return infer.batch_matmul(x, y, self.adj_x, self.adj_y)

    def gradient(self, x, y, _output, dy):
        return self.input_gradient(0, x, y, None, dy), self.input_gradient(1, x, y, None, dy)

    def input_gradient(self, at, x, y, _output, dy):
        whole = batch_gradient(at, batch_times, x, y, dy, self.adj_x, self.adj_y)
        return unbroadcast(whole, y if at else x)

    @quiet
    def eager(self, x, y):
        self.check(x, y)
        return multiply(adjoint(x) if self.adj_x else x, adjoint(y) if self.adj_y else y)

    def check(self, x, y):
        """Raises InvalidArgumentError if the shapes are incompatible."""
        for i, operand in enumerate((x, y)):
            if operand.ndim < 2:
                raise self.invalid(f"In[{i}] ndims must be >= 2: {operand.ndim}")
        if x.shape[:-2] != y.shape[:-2]:
            try:
                np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
            except ValueError:
                raise self.invalid(
                    "In[0] and In[1] must have compatible batch dimensions: "
                    f"{show(x.shape)} vs. {show(y.shape)}"
                ) from None
        if x.shape[-2 if self.adj_x else -1] != y.shape[-1 if self.adj_y else -2]:
            shapes = f"In[0]: {show(x.shape)}, In[1]: {show(y.shape)}"
            raise self.invalid(f"Matrix size-incompatible: {shapes}")

    def lower(self, p, x, y):
        if len(x.shape) < 2 or len(y.shape) < 2:
            raise NotLowerable("operands that are not matrices")
        return lower_batches(p, self.adjointed(p, x, self.adj_x), self.adjointed(p, y, self.adj_y))

    @staticmethod
    def adjointed(p, x, adj):
        """Returns the operand, conjugated and transposed if `adj`."""
        if not adj:
            return x
        rank = len(x.shape)
        x = p.conj(x) if x.dtype.is_complex else x
        return p.transpose(x, [*range(rank - 2), rank - 1, rank - 2])


def lower_batches(p, x, y):
    """Lowers products of batches of matrices."""
    if x.shape[-1] != y.shape[-2]:
        raise NotLowerable("inner dimensions that differ")
    return p.matmul(x, y)


def batch_times(x, y, adj_x, adj_y):
    """Returns products of matrices, as an op."""
    return raw.BatchMatMulV2(x, y, adj_x=adj_x, adj_y=adj_y)


def batch_gradients(product, x, y, dy, adj_x, adj_y):
    """Returns the gradients of both factors, before summing over broadcast batches."""
    dx = batch_gradient(0, product, x, y, dy, adj_x, adj_y)
    return dx, batch_gradient(1, product, x, y, dy, adj_x, adj_y)


def batch_gradient(at, product, x, y, dy, adj_x, adj_y):
    """Returns the gradient of the first or second factor, before summing over broadcast batches."""
    if at:
        return product(dy, x, True, adj_x) if adj_y else product(x, dy, not adj_x, False)
    return product(y, dy, adj_y, True) if adj_x else product(dy, y, False, not adj_y)


class BatchMatMul(BatchMatMulV2):
    """Products of the matrices of two batches of one shape."""

    T = WIDE

    def shape(self, x, y):
        x, y = x.with_rank_at_least(2), y.with_rank_at_least(2)
        if None not in (x.rank, y.rank):
            x[:-2].merge_with(y[:-2])
        return super().shape(x, y)

    def gradient(self, x, y, _output, dy):
        return batch_gradients(batch_times, x, y, dy, self.adj_x, self.adj_y)

    def eager(self, x, y):
        if x.ndim != y.ndim:
            raise self.invalid(
                f"In[0] and In[1] has different ndims: {show(x.shape)} vs. {show(y.shape)}"
            )
        if x.shape[:-2] != y.shape[:-2]:
            raise self.invalid(
                "the leading dimensions of In[0] and In[1] must be the same: "
                f"{show(x.shape)} vs {show(y.shape)}"
            )
        return super().eager(x, y)

    def lower(self, p, x, y):
        if x.shape[:-2] != y.shape[:-2]:
            raise NotLowerable("batches of different shapes")
        return super().lower(p, x, y)


class BatchMatMulV3(Op):
    """Products of matrices of two types into a third; leading dimensions broadcast."""

    signature = "x: Ta, y: Tb -> output: Tout"
    host_kernel = _COMPILED_IF_RARE
    Ta = FLOAT | COMPLEX | SIGNED | {dtypes.uint8}
    Tb = FLOAT | COMPLEX | SIGNED | {dtypes.uint8}
    Tout: FLOAT | COMPLEX | {dtypes.int16, dtypes.int32, dtypes.int64}
    adj_x: bool = False
    adj_y: bool = False
    grad_x: bool = False
    grad_y: bool = False
    check = BatchMatMulV2.check

    def shape(self, x, y):
        return infer.batch_matmul(x, y, self.adj_x, self.adj_y)

    def gradient(self, x, y, _output, dy):
        x_, y_ = cast(x, dy.dtype), cast(y, dy.dtype)
        dx, d_right = batch_gradients(batch_times, x_, y_, dy, self.adj_x, self.adj_y)
        return cast(unbroadcast(dx, x), self.Ta), cast(unbroadcast(d_right, y), self.Tb)

    @quiet
    def eager(self, x, y):
        self.check(x, y)
        x, y = x.astype(self.Tout.np), y.astype(self.Tout.np)
        return multiply(adjoint(x) if self.adj_x else x, adjoint(y) if self.adj_y else y)

    def lower(self, p, x, y):
        x, y = p.cast(x, self.Tout), p.cast(y, self.Tout)
        of = BatchMatMulV2.adjointed
        return lower_batches(p, of(p, x, self.adj_x), of(p, y, self.adj_y))
