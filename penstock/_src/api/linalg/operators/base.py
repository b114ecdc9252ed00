"""LinearOperator: the base class, which implements everything from `matmul` and `to_dense`."""

import abc
import inspect

import numpy as np

from penstock._src.api.control.scopes import name_scope
from penstock._src.api.debugging.asserts import assert_equal, assert_less, assert_positive
from penstock._src.api.linalg.bands import adjoint as adjoint_of
from penstock._src.api.linalg.bands import diag_part, eye
from penstock._src.api.linalg.decompositions import (
    cholesky_solve,
    eigvalsh,
    slogdet,
    svd,
)
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_max, reduce_min, reduce_sum
from penstock._src.api.module import Module
from penstock._src.core import dtypes
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import Dimension
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

from . import algebra, shapes
from .slicing import sliced
from .spec import spec_class, spec_of


def _value(argument):
    """An argument without variables."""
    if isinstance(argument, LinearOperator):
        return argument._convert_variables_to_tensors()
    return convert_to_tensor(argument)


class _Gradient:
    """Differentiation of an operator: its gradient is the operator made of the gradients of its arguments."""

    def get_gradient_components(self, value):
        """The arguments of an operator."""
        return value._type_spec._to_components(value)

    def replace_gradient_components(self, value, component_grads):
        """The operator made of these gradients, zeros for arguments that nothing depends on."""
        if all(g is None for g in nest.flatten(component_grads)):
            return None
        spec = value._type_spec
        components = spec._to_components(value)
        flat = [
            nest.map_structure(raw.ZerosLike, own, expand_composites=True) if g is None else g
            for own, g in zip(nest.flatten(components), nest.flatten(component_grads))
        ]
        return spec._from_components(nest.pack_sequence_as(components, flat))


@export("linalg.LinearOperator")
class LinearOperator(Module, CompositeTensor, abc.ABC):
    """A matrix, or a stack of matrices `[..., m, n]`, given by its action.

    A subclass defines `_matmul(x, adjoint, adjoint_arg)` and `_shape()`, and overrides what its structure makes cheap:
    `_solve`, `_determinant`, `_diag_part`, ...

    Args:
      dtype: the type of the entries.
      graph_parents: unused.
      is_non_singular: a hint: True, False, or None if unknown.
      is_self_adjoint: whether the operator equals its adjoint.
      is_positive_definite: whether the real part of x* A x is positive for every x but 0.
      is_square: whether the numbers of rows and columns are equal.
      name: by default the name of the class.
      parameters: the arguments of the subclass by name.
    """

    __composite_gradient__ = _Gradient()

    # Arguments of `__init__` that may be batched, with the number of axes that belong to one matrix.
    _matrix_axes: dict[str, int] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._spec_class = spec_class(cls)

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        if not getattr(cls, "__abstractmethods__", None):
            bound = inspect.signature(cls.__init__).bind(self, *args, **kwargs)
            bound.apply_defaults()
            arguments = dict(list(bound.arguments.items())[1:])
            object.__setattr__(self, "_arguments", arguments)
        return self

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
        hints = (is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        if any(h is not None and not isinstance(h, (bool, np.bool_)) for h in hints):
            raise TypeError(f"Hints must be True, False or None. Received: {hints}.")
        if is_positive_definite:
            if is_non_singular is False:
                raise ValueError("A positive definite matrix is always non-singular.")
            is_non_singular = True
        if is_square is False:
            if is_non_singular:
                raise ValueError("A non-singular matrix is always square.")
            if is_self_adjoint:
                raise ValueError("A self-adjoint matrix is always square.")
        elif is_non_singular or is_self_adjoint:
            is_square = True
        self._dtype = None if dtype is None else dtypes.as_dtype(dtype).base_dtype
        self._is_non_singular = is_non_singular
        self._is_self_adjoint = is_self_adjoint
        self._is_positive_definite = is_positive_definite
        self._is_square = is_square
        self._name = name or type(self).__name__
        self._scope_name = f"{self._name}/"
        if parameters is not None:
            object.__setattr__(self, "_arguments", dict(parameters))

    # -- properties

    @property
    def parameters(self):
        """The arguments that made this operator."""
        return dict(self._arguments)

    dtype = read_only("_dtype", "The type of the entries.")
    name = read_only("_name", "The name.")

    @property
    def graph_parents(self):
        """An empty list: operators keep no graph."""
        return []

    is_non_singular = read_only(
        "_is_non_singular", "True if the operator can be inverted; None if unknown."
    )
    is_self_adjoint = read_only(
        "_is_self_adjoint", "True if the operator equals its adjoint; None if unknown."
    )
    is_positive_definite = read_only(
        "_is_positive_definite", "True if the operator is positive definite; None if unknown."
    )

    @property
    def is_square(self):
        """True if there are as many rows as columns; None if that is not known."""
        rows, columns = self._row_count, self._column_count
        known = None if rows is None or columns is None else rows == columns
        if self._is_square is False and known:
            raise ValueError("User set is_square hint to False, but the operator was square.")
        return known if self._is_square is None else self._is_square

    @property
    def _type_spec(self):
        return spec_of(self)

    def _convert_variables_to_tensors(self):
        spec = self._type_spec
        values = {
            name: nest.map_structure(_value, part)
            for name, part in spec._to_components(self).items()
        }
        return spec._from_components(values)

    @property
    def _experimental_parameter_ndims_to_matrix_ndims(self):
        """`_matrix_axes` under the name by which subclasses outside of Penstock override it."""
        return self._matrix_axes

    def _scope(self, name):
        return name_scope(f"{self._name}/{name}")

    # -- shapes

    @abc.abstractmethod
    def _shape(self):
        """The static shape."""

    def _shape_tensor(self):
        """The shape as a tensor if it is not fully static."""
        raise NotImplementedError("_shape_tensor is not implemented.")

    @property
    def shape(self):
        """The static shape `[..., m, n]`."""
        return self._shape()

    @property
    def batch_shape(self):
        """The static shape without the last two axes."""
        return self.shape[:-2]

    tensor_rank = read_only("shape.rank", "The number of axes, or None.")

    @property
    def range_dimension(self):
        """The number of rows as a Dimension."""
        return Dimension(self._row_count)

    @property
    def domain_dimension(self):
        """The number of columns as a Dimension."""
        return Dimension(self._column_count)

    @property
    def _row_count(self):
        return self.shape[-2] if self.shape.rank is not None else None

    @property
    def _column_count(self):
        return self.shape[-1] if self.shape.rank is not None else None

    def _shape_vector(self):
        static = self.shape
        return shapes.vector(static) if static.is_fully_defined() else self._shape_tensor()

    def shape_tensor(self, name="shape_tensor"):
        """Returns the shape.

        Args:
          name: a name for the operation.

        Returns:
          An integer vector.
        """
        with self._scope(name):
            return convert_to_tensor(self._shape_vector())

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """Returns the leading extents.

        Args:
          name: a name for the operation.

        Returns:
          An integer vector.
        """
        with self._scope(name):
            return convert_to_tensor(self._shape_vector()[:-2])

    def tensor_rank_tensor(self, name="tensor_rank_tensor"):
        """Returns the number of axes.

        Args:
          name: a name for the operation.

        Returns:
          An integer scalar.
        """
        with self._scope(name):
            rank = self.tensor_rank
            if rank is not None:
                return convert_to_tensor(np.int32(rank))
            return raw.Size(input=self._shape_tensor())

    def range_dimension_tensor(self, name="range_dimension_tensor"):
        """Returns the number of rows.

        Args:
          name: a name for the operation.

        Returns:
          An integer scalar.
        """
        with self._scope(name):
            return convert_to_tensor(self._rows())

    def domain_dimension_tensor(self, name="domain_dimension_tensor"):
        """Returns the number of columns.

        Args:
          name: a name for the operation.

        Returns:
          An integer scalar.
        """
        with self._scope(name):
            return convert_to_tensor(self._columns())

    def _rows(self):
        known = self._row_count
        return self._shape_tensor()[-2] if known is None else np.int32(known)

    def _columns(self):
        known = self._column_count
        return self._shape_tensor()[-1] if known is None else np.int32(known)

    # -- products

    @abc.abstractmethod
    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        """The product with a matrix."""

    def matmul(self, x, adjoint=False, adjoint_arg=False, name="matmul"):
        """The product with `x`, a matrix `[..., n, k]` or an operator.

        Args:
          x: a tensor, or an operator; then the product is an operator.
          adjoint: multiply by the adjoint of this operator.
          adjoint_arg: multiply the adjoint of `x`.
          name: a name for the operation.

        Returns:
          A tensor `[..., m, k]`, or an operator.
        """
        if isinstance(x, LinearOperator):
            left, right = self._pair(x, adjoint, adjoint_arg)
            with self._scope(name):
                return self._linop_matmul(left, right)
        with self._scope(name):
            x = self._operand(x)
            column = -2 if adjoint else -1
            self._check_extents(column, x, -1 if adjoint_arg else -2)
            return self._matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def __matmul__(self, other):
        return self.matmul(other)

    def __rmatmul__(self, other):
        # x A = (A* x*)*
        other = self._operand(other)
        return adjoint_of(self.matmul(other, adjoint=True, adjoint_arg=True))

    def matvec(self, x, adjoint=False, name="matvec"):
        """Returns the product with vectors.

        Args:
          x: `[..., n]`.
          adjoint: whether the adjoint is multiplied.
          name: a name for the operation.

        Returns:
          A tensor `[..., m]`.
        """
        with self._scope(name):
            x = self._operand(x)
            self._check_extents(-2 if adjoint else -1, x, -1)
            return self._matvec(x, adjoint=adjoint)

    def _matvec(self, x, adjoint=False):
        return shapes.from_column(self._matmul(shapes.to_column(x), adjoint=adjoint))

    def _pair(self, x, adjoint, adjoint_arg):
        left = self.adjoint() if adjoint else self
        right = x.adjoint() if adjoint_arg else x
        columns, rows = left._column_count, right._row_count
        if rows is not None and columns is not None and rows != columns:
            raise ValueError(
                f"Operators are incompatible. Expected `x` to have dimension {columns} but got {rows}."
            )
        return left, right

    def _operand(self, x):
        x = convert_to_tensor(x, name="x")
        if x.dtype.base_dtype != self.dtype:
            raise TypeError(
                f"Expected argument to have dtype {self.dtype}.  Found: {x.dtype} in tensor {x}"
            )
        return x

    def _check_extents(self, axis, x, x_axis):
        if self.shape.rank is None or x.shape.rank is None:
            return
        mine, other = self.shape[axis], x.shape[x_axis]
        if mine is not None and other is not None and mine != other:
            raise ValueError(f"Dimensions {mine} and {other} are not compatible")

    # -- equations

    def _solvable(self, what):
        if self.is_non_singular is False:
            raise NotImplementedError(
                f"{what} not implemented for an operator that is expected to be singular."
            )
        self._must_be_square(what)

    def _must_be_square(self, what):
        if self.is_square is False:
            raise NotImplementedError(
                f"{what} not implemented for an operator that is expected to not be square."
            )

    def solve(self, rhs, adjoint=False, adjoint_arg=False, name="solve"):
        """Returns the X with A X = rhs.

        Args:
          rhs: `[..., n, k]`, or an operator.
          adjoint: whether the adjoint of the matrix is solved for.
          adjoint_arg: whether the adjoint of `rhs` is taken.
          name: a name for the operation.

        Returns:
          A tensor `[..., n, k]`, or an operator.

        Raises:
          NotImplementedError: the operator is not square, or known to be singular.
        """
        self._solvable("Exact solve")
        if isinstance(rhs, LinearOperator):
            left, right = self._pair(rhs, adjoint, adjoint_arg)
            with self._scope(name):
                return self._linop_solve(left, right)
        with self._scope(name):
            rhs = self._operand(rhs)
            self._check_extents(-1 if adjoint else -2, rhs, -1 if adjoint_arg else -2)
            return self._solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def solvevec(self, rhs, adjoint=False, name="solve"):
        """Returns the x with A x = rhs.

        Args:
          rhs: `[..., n]`.
          adjoint: whether the adjoint of the matrix is solved for.
          name: a name for the operation.

        Returns:
          A tensor `[..., n]`.
        """
        self._solvable("Exact solve")
        with self._scope(name):
            rhs = self._operand(rhs)
            self._check_extents(-1 if adjoint else -2, rhs, -1)
            return self._solvevec(rhs, adjoint=adjoint)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = shapes.adjoint_if(adjoint_arg, rhs)
        if self._is_hermitian_positive:
            factor, rhs = shapes.broadcast_matrices(raw.Cholesky(input=self.to_dense()), rhs)
            return cholesky_solve(factor, rhs)
        matrix, rhs = shapes.broadcast_matrices(self.to_dense(), rhs)
        return raw.MatrixSolve(matrix=matrix, rhs=rhs, adjoint=adjoint)

    def _solvevec(self, rhs, adjoint=False):
        return shapes.from_column(self._solve(shapes.to_column(rhs), adjoint=adjoint))

    @property
    def _is_hermitian_positive(self):
        return bool(self.is_self_adjoint and self.is_positive_definite)

    # -- other operators

    def adjoint(self, name="adjoint"):
        """Returns the operator of the adjoint matrix.

        Args:
          name: a name for the operation.

        Returns:
          A `LinearOperator`: this one if it is known to be self-adjoint.
        """
        if self.is_self_adjoint:
            return self
        with self._scope(name):
            return self._linop_adjoint()

    H = property(adjoint, doc="The adjoint operator.")

    def inverse(self, name="inverse"):
        """Returns the operator of the inverse matrix.

        Args:
          name: a name for the operation.

        Returns:
          A `LinearOperator`.

        Raises:
          ValueError: the operator is not square or known to be singular.
        """
        if self.is_square is False:
            raise ValueError(
                "Cannot take the Inverse: This operator represents a non square matrix."
            )
        if self.is_non_singular is False:
            raise ValueError("Cannot take the Inverse: This operator represents a singular matrix.")
        with self._scope(name):
            return self._linop_inverse()

    def cholesky(self, name="cholesky"):
        """Returns the operator of the Cholesky factor.

        Args:
          name: a name for the operation.

        Returns:
          A `LinearOperator`.

        Raises:
          ValueError: the operator is not known to be positive definite and its own adjoint.
        """
        if not self._is_hermitian_positive:
            raise ValueError(
                "Cannot take the Cholesky decomposition: Not a positive definite self adjoint matrix."
            )
        with self._scope(name):
            return self._linop_cholesky()

    # A subclass may override these instead of registering a rule.

    def _linop_adjoint(self):
        return algebra.apply("adjoint", self)

    def _linop_cholesky(self):
        return algebra.apply("cholesky", self)

    def _linop_inverse(self):
        return algebra.apply("inverse", self)

    def _linop_matmul(self, left_operator, right_operator):
        return algebra.apply("matmul", left_operator, right_operator)

    def _linop_solve(self, left_operator, right_operator):
        return algebra.apply("solve", left_operator, right_operator)

    # -- numbers

    def to_dense(self, name="to_dense"):
        """Returns the matrix.

        Args:
          name: a name for the operation.

        Returns:
          A tensor `[..., m, n]`.
        """
        with self._scope(name):
            return self._to_dense()

    def _to_dense(self):
        batch = self._shape_vector()[:-2]
        return self.matmul(eye(self._columns(), batch_shape=batch, dtype=self.dtype))

    def diag_part(self, name="diag_part"):
        """Returns the main diagonal.

        Args:
          name: a name for the operation.

        Returns:
          A tensor `[..., min(m, n)]`.
        """
        with self._scope(name):
            return self._diag_part()

    def _diag_part(self):
        return diag_part(self.to_dense())

    def trace(self, name="trace"):
        """Returns the sum of the main diagonal.

        Args:
          name: a name for the operation.

        Returns:
          A tensor `[...]`.
        """
        with self._scope(name):
            return self._trace()

    def _trace(self):
        return reduce_sum(self.diag_part(), -1)

    def determinant(self, name="det"):
        """Returns the determinant.

        Args:
          name: a name for the operation.

        Returns:
          A tensor `[...]`.

        Raises:
          NotImplementedError: the operator is not square.
        """
        self._must_be_square("Determinant")
        with self._scope(name):
            return self._determinant()

    def _determinant(self):
        if self._is_hermitian_positive:
            return raw.Exp(x=self.log_abs_determinant())
        return raw.MatrixDeterminant(input=self.to_dense())

    def log_abs_determinant(self, name="log_abs_det"):
        """Returns the logarithm of the absolute value of the determinant.

        Args:
          name: a name for the operation.

        Returns:
          A tensor `[...]`.

        Raises:
          NotImplementedError: the operator is not square.
        """
        self._must_be_square("Determinant")
        with self._scope(name):
            return self._log_abs_determinant()

    def _log_abs_determinant(self):
        if self._is_hermitian_positive:
            roots = diag_part(raw.Cholesky(input=self.to_dense()))
            return np.asarray(2, self.dtype.as_numpy_dtype) * reduce_sum(raw.Log(x=roots), -1)
        return slogdet(self.to_dense())[1]

    def cond(self, name="cond"):
        """Returns the condition number: the ratio of the greatest and the smallest singular value.

        Args:
          name: a name for the operation.

        Returns:
          A tensor `[...]`.
        """
        with self._scope(name):
            return self._cond()

    def _cond(self):
        if self.is_self_adjoint:
            sizes = magnitude(self._eigvals())
            return reduce_max(sizes, -1) / reduce_min(sizes, -1)
        values = svd(self.to_dense(), compute_uv=False)
        return values[..., 0] / values[..., -1]

    def eigvals(self, name="eigvals"):
        """Returns the eigenvalues of an operator that is its own adjoint.

        Args:
          name: a name for the operation.

        Returns:
          A tensor `[..., n]`.

        Raises:
          NotImplementedError: the operator is not known to be its own adjoint.
        """
        if not self.is_self_adjoint:
            raise NotImplementedError("Only self-adjoint matrices are supported.")
        with self._scope(name):
            return self._eigvals()

    def _eigvals(self):
        return eigvalsh(self.to_dense())

    def add_to_tensor(self, x, name="add_to_tensor"):
        """Returns the sum of this matrix and a tensor.

        Args:
          x: a tensor of the same shape.
          name: a name for the operation.

        Returns:
          A tensor.
        """
        with self._scope(name):
            return self._add_to_tensor(self._operand(x))

    def _add_to_tensor(self, x):
        return self.to_dense() + x

    # -- assertions

    def assert_non_singular(self, name="assert_non_singular"):
        """Returns an operation that raises an error unless the matrix is invertible.

        Args:
          name: a name for the operation.

        Returns:
          An operation, or None in eager execution.
        """
        with self._scope(name):
            return self._assert_non_singular()

    def _assert_non_singular(self):
        limit = 0.01 / np.finfo(self.dtype.real_dtype.as_numpy_dtype).eps
        condition = self.cond()
        return assert_less(
            condition,
            cast(limit, condition.dtype),
            message="Singular matrix up to precision epsilon.",
        )

    def assert_positive_definite(self, name="assert_positive_definite"):
        """Returns an operation that raises an error unless the matrix is positive definite.

        Args:
          name: a name for the operation.

        Returns:
          An operation, or None in eager execution.
        """
        with self._scope(name):
            return self._assert_positive_definite()

    def _assert_positive_definite(self):
        if not self.is_self_adjoint:
            raise NotImplementedError("assert_positive_definite is not implemented.")
        roots = diag_part(raw.Cholesky(input=self.to_dense()))
        roots = (
            raw.Real(input=roots, Tout=roots.dtype.real_dtype) if self.dtype.is_complex else roots
        )
        return assert_positive(roots, message="Matrix was not positive definite.")

    def assert_self_adjoint(self, name="assert_self_adjoint"):
        """Returns an operation that raises an error unless the matrix is its own adjoint.

        Args:
          name: a name for the operation.

        Returns:
          An operation, or None in eager execution.
        """
        with self._scope(name):
            return self._assert_self_adjoint()

    def _assert_self_adjoint(self):
        dense = self.to_dense()
        return assert_equal(
            dense, adjoint_of(dense), message="Matrix was not equal to its adjoint."
        )

    # -- batches

    def __getitem__(self, slices):
        return sliced(self, slices)

    def __tf_dispatch__(self, api, args, kwargs):
        """Applies a public function to an operator, or returns NotImplemented."""
        meaning = self._functions.get(api)
        return NotImplemented if meaning is None else meaning(*args, **kwargs)

    # {public function: implementation for operators}, filled in by functions.py.
    _functions: dict = {}
