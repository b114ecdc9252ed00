"""LinearOperator: a (batch of) matrices known by what they do to vectors."""

from __future__ import annotations

import numpy as np

from penstock._src.api.math.elementwise import abs, cast
from penstock._src.api.math.reduction import reduce_max, reduce_min, reduce_prod, reduce_sum
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, register_tensor_conversion_function
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export

from . import bands, decompositions
from .products import matmul


def adjoint(x):
    """Transposed and conjugated in the last two axes."""
    return bands.adjoint(x)


@export("linalg.LinearOperator")
class LinearOperator(Module):
    """A batch of matrices `[..., m, n]`; subclasses say how they act.

    A subclass gives `_shape`, and `_matmul` or `_to_dense`; the rest follows, and may be overridden
    where the structure makes it cheaper.
    """

    def __init__(
        self,
        dtype,
        graph_parents=None,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name=None,
        parameters=None,
    ):
        if is_positive_definite:
            if is_non_singular is False:
                raise ValueError("A positive definite matrix is always non-singular.")
            is_non_singular = True
        if is_non_singular:
            if is_square is False:
                raise ValueError("A non-singular matrix is always square.")
            is_square = True
        if is_self_adjoint:
            if is_square is False:
                raise ValueError("A self-adjoint matrix is always square.")
            is_square = True
        self._is_square_set_or_implied = is_square
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
        self._graph_parents = list(graph_parents or [])
        self._is_non_singular, self._is_self_adjoint = is_non_singular, is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._parameters = self._no_dependency(dict(parameters or {}))
        name = name or type(self).__name__
        super().__init__(name="".join(c if c.isalnum() else "_" for c in name))
        self._name = name

    # -- what it is

    @property
    def parameters(self):
        """The constructor's arguments."""
        return dict(self._parameters)

    @property
    def dtype(self):
        """The type of the entries."""
        return self._dtype

    @property
    def graph_parents(self):
        """The tensors it was made of."""
        return self._graph_parents

    @property
    def is_non_singular(self):
        """Whether it was said to be invertible."""
        return self._is_non_singular

    @property
    def is_self_adjoint(self):
        """Whether it was said to equal its adjoint."""
        return self._is_self_adjoint

    @property
    def is_positive_definite(self):
        """Whether it was said to be positive definite."""
        return self._is_positive_definite

    @property
    def is_square(self):
        """Whether it has as many rows as columns."""
        if self._is_square_set_or_implied is not None:
            return self._is_square_set_or_implied
        rows, columns = self.domain_dimension, self.range_dimension
        return None if None in (rows, columns) else rows == columns

    def _shape(self):
        raise NotImplementedError

    @property
    def shape(self):
        """The static shape."""
        return self._shape()

    def shape_tensor(self, name="shape_tensor"):
        """The shape as int32 vector."""
        if self.shape.is_fully_defined():
            return convert_to_tensor(np.array(self.shape.as_list(), np.int32))
        return raw.Shape(input=self.to_dense())

    @property
    def batch_shape(self):
        """The static shape of the batch."""
        return self.shape[:-2]

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The shape of the batch as int32 vector."""
        return self.shape_tensor()[:-2]

    @property
    def tensor_rank(self):
        """The rank of the batch of matrices."""
        return self.shape.rank

    def tensor_rank_tensor(self, name="tensor_rank_tensor"):
        """The rank as scalar."""
        return convert_to_tensor(np.int32(self.shape.rank))

    @property
    def domain_dimension(self):
        """The number of columns."""
        return None if self.shape.rank is None else self.shape[-1]

    def domain_dimension_tensor(self, name="domain_dimension_tensor"):
        """The number of columns as scalar."""
        return self.shape_tensor()[-1]

    @property
    def range_dimension(self):
        """The number of rows."""
        return None if self.shape.rank is None else self.shape[-2]

    def range_dimension_tensor(self, name="range_dimension_tensor"):
        """The number of rows as scalar."""
        return self.shape_tensor()[-2]

    # -- what it does

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return matmul(self.to_dense(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def matmul(self, x, adjoint=False, adjoint_arg=False, name="matmul"):
        """The product with matrices, or with another operator."""
        if isinstance(x, LinearOperator):
            left = self.adjoint() if adjoint else self
            right = x.adjoint() if adjoint_arg else x
            if None not in (left.domain_dimension, right.range_dimension) and (
                left.domain_dimension != right.range_dimension
            ):
                raise ValueError(
                    "Operators are incompatible. Expected `x` to have dimension "
                    f"{left.domain_dimension} but got {right.range_dimension}."
                )
            return COMPOSE[0](left, right)
        x = convert_to_tensor(x, dtype=self.dtype, name="x")
        inner = self.range_dimension if adjoint else self.domain_dimension
        axis = -1 if adjoint_arg else -2
        if x.shape.rank and inner is not None and x.shape[axis] not in (None, inner):
            raise ValueError(f"Dimensions {inner} and {x.shape[axis]} are not compatible")
        return self._matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def __matmul__(self, other):
        return self.matmul(other)

    def matvec(self, x, adjoint=False, name="matvec"):
        """The product with vectors."""
        x = convert_to_tensor(x, dtype=self.dtype, name="x")
        return raw.Squeeze(
            input=self.matmul(raw.ExpandDims(input=x, axis=-1), adjoint=adjoint), axis=[-1]
        )

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = bands.adjoint(rhs) if adjoint_arg else rhs
        dense = self.to_dense()
        batch = np.broadcast_shapes(
            tuple(dense.shape.as_list()[:-2]), tuple(rhs.shape.as_list()[:-2])
        )
        dense = _spread(dense, batch)
        rhs = _spread(rhs, batch)
        if self._is_positive_definite and self._is_self_adjoint:
            return decompositions.cholesky_solve(raw.Cholesky(input=dense), rhs)
        return raw.MatrixSolve(matrix=dense, rhs=rhs, adjoint=adjoint)

    def solve(self, rhs, adjoint=False, adjoint_arg=False, name="solve"):
        """The X with operator X = rhs."""
        if self.is_non_singular is False:
            raise NotImplementedError(
                "Exact solve not implemented for an operator that is expected to be singular."
            )
        if self.is_square is False:
            raise NotImplementedError(
                "Exact solve not implemented for an operator that is expected to not be square."
            )
        if isinstance(rhs, LinearOperator):
            left = self.adjoint() if adjoint else self
            right = rhs.adjoint() if adjoint_arg else rhs
            return left.inverse().matmul(right)
        rhs = convert_to_tensor(rhs, dtype=self.dtype, name="rhs")
        return self._solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def solvevec(self, rhs, adjoint=False, name="solve"):
        """The x with operator x = rhs, for vectors."""
        rhs = convert_to_tensor(rhs, dtype=self.dtype, name="rhs")
        return raw.Squeeze(
            input=self.solve(raw.ExpandDims(input=rhs, axis=-1), adjoint=adjoint), axis=[-1]
        )

    def _to_dense(self):
        columns = self.domain_dimension
        eye = bands.eye(columns, batch_shape=self.batch_shape.as_list(), dtype=self.dtype)
        return self._matmul(eye)

    def to_dense(self, name="to_dense"):
        """The matrices."""
        return self._to_dense()

    def _diag_part(self):
        return raw.MatrixDiagPart(input=self.to_dense())

    def diag_part(self, name="diag_part"):
        """The diagonals."""
        return self._diag_part()

    def _trace(self):
        return reduce_sum(self.diag_part(), -1)

    def trace(self, name="trace"):
        """The sums of the diagonals."""
        return self._trace()

    def _determinant(self):
        return raw.MatrixDeterminant(input=self.to_dense())

    def determinant(self, name="det"):
        """The determinants."""
        if self.is_square is False:
            raise NotImplementedError(
                "Determinant not implemented for an operator that is expected to not be square."
            )
        return self._determinant()

    def _log_abs_determinant(self):
        return raw.LogMatrixDeterminant(input=self.to_dense())[1]

    def log_abs_determinant(self, name="log_abs_det"):
        """The logarithms of the absolute values of the determinants."""
        if self.is_square is False:
            raise NotImplementedError(
                "Determinant not implemented for an operator that is expected to not be square."
            )
        return self._log_abs_determinant()

    def _eigvals(self):
        if self.is_self_adjoint:
            return decompositions.eigvalsh(self.to_dense())
        return decompositions.eigvals(self.to_dense())

    def eigvals(self, name="eigvals"):
        """The eigenvalues of a self-adjoint operator."""
        if not self.is_self_adjoint:
            raise NotImplementedError("Only self-adjoint matrices are supported.")
        return self._eigvals()

    def _cond(self):
        values = decompositions.svd(self.to_dense(), compute_uv=False)
        return reduce_max(values, -1) / reduce_min(values, -1)

    def cond(self, name="cond"):
        """The condition numbers, by the 2-norm."""
        return self._cond()

    def add_to_tensor(self, x, name="add_to_tensor"):
        """The matrices plus `x`."""
        return self._add_to_tensor(convert_to_tensor(x, dtype=self.dtype))

    def _add_to_tensor(self, x):
        return self.to_dense() + x

    def cholesky(self, name="cholesky"):
        """The Cholesky factor, as operator."""
        if not (self.is_positive_definite and self.is_self_adjoint):
            raise ValueError(
                "Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix."
            )
        return self._cholesky()

    def _cholesky(self):
        return CHOLESKY[0](raw.Cholesky(input=self.to_dense()))

    def adjoint(self, name="adjoint"):
        """The adjoint, as operator."""
        if self.is_self_adjoint:
            return self
        return self._adjoint()

    def _adjoint(self):
        return ADJOINT[0](self)

    H = property(lambda self: self.adjoint(), doc="The adjoint, as operator.")

    def inverse(self, name="inverse"):
        """The inverse, as operator."""
        if self.is_square is False:
            raise ValueError("Cannot take the Inverse: This operator represents a non square matrix.")
        if self.is_non_singular is False:
            raise ValueError("Cannot take the Inverse: This operator represents a singular matrix.")
        return self._inverse()

    def _inverse(self):
        return INVERT[0](self)

    # -- checks when it runs

    def assert_non_singular(self, name="assert_non_singular"):
        """An assertion that the condition number is finite in the type's precision."""
        limit = 1.0 / np.finfo(self.dtype.real_dtype.as_numpy_dtype).eps
        holds = self.cond() < np.asarray(limit, self.dtype.real_dtype.as_numpy_dtype)
        return _assert(holds, "Singular matrix up to precision epsilon.")

    def assert_positive_definite(self, name="assert_positive_definite"):
        """An assertion that the diagonals of Cholesky factors are positive."""
        if self.is_self_adjoint is False:
            raise ValueError("A positive definite operator must be self-adjoint.")
        diagonal = raw.MatrixDiagPart(input=raw.Cholesky(input=self.to_dense()))
        positive = cast(diagonal, self.dtype.real_dtype) > np.zeros(
            (), self.dtype.real_dtype.as_numpy_dtype
        )
        return _assert(positive, "Operator was not positive definite.")

    def assert_self_adjoint(self, name="assert_self_adjoint"):
        """An assertion that the matrices equal their adjoints."""
        dense = self.to_dense()
        difference = abs(dense - bands.adjoint(dense))
        near = difference <= np.asarray(1e-5, difference.dtype.as_numpy_dtype)
        return _assert(near, "Matrix was not equal to its adjoint.")

    def __getitem__(self, slices):
        return FULL[0](self.to_dense()[slices] if slices is not Ellipsis else self.to_dense())

    def __repr__(self):
        return f"<tf.linalg.{type(self).__name__} shape={self.shape} dtype={self.dtype}>"


def _assert(holds, message):
    rank = holds.shape.rank
    condition = raw.All(input=holds, axis=np.arange(rank, dtype=np.int32))
    return raw.Assert(condition=condition, data=[convert_to_tensor(message)])


def _spread(x, batch):
    shape = [*batch, *x.shape.as_list()[-2:]]
    if x.shape.as_list() == shape:
        return x
    return raw.BroadcastTo(input=x, shape=np.array(shape, np.int32))


def spread(x, batch):
    """Matrices repeated over a batch shape."""
    return _spread(x, batch)


def as_parameter(value, dtype=None):
    """A tensor, or a variable as it is."""
    if isinstance(value, Tensor) or getattr(value, "_is_tensor_like", False):
        return value
    return convert_to_tensor(value, dtype=dtype)


def shape_of(value):
    """The static shape of a parameter."""
    return TensorShape(value.shape)


def product_of(values):
    """The product over the last axis."""
    return reduce_prod(values, -1)


def log_abs_sum(values):
    """The sum of logarithms of absolute values over the last axis."""
    return reduce_sum(raw.Log(x=abs(values)), -1)


# The classes that the base needs; each file of operators puts its own in.
COMPOSE: list = []
ADJOINT: list = []
INVERT: list = []
CHOLESKY: list = []
FULL: list = []


def _to_tensor(value, dtype=None, name=None, as_ref=False):
    dense = value.to_dense()
    return dense if dtype is None or dense.dtype == dtypes.as_dtype(dtype) else NotImplemented


register_tensor_conversion_function(LinearOperator, _to_tensor)
