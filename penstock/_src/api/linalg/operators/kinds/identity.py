"""LinearOperatorIdentity, LinearOperatorScaledIdentity and LinearOperatorZeros."""

import numpy as np

from penstock._src.api.array.creation import fill
from penstock._src.api.control.scopes import control_dependencies, no_op
from penstock._src.api.debugging import asserts
from penstock._src.api.debugging.shape_asserts import assert_rank
from penstock._src.api.linalg.bands import diag_part, eye, set_diag
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.hints import HINTS, with_hints
from penstock._src.api.linalg.operators.shapes import assert_real
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def _refuse_reference(value, name):
    """Raises TypeError for a variable: the shape of an operator does not follow assignments."""
    if shapes.is_reference(value):
        raise TypeError(f"Argument {name} cannot be reference type. Found: {type(value)}")


def _checked(tensor, rank, name):
    """A size, or sizes, which are checked when the graph runs."""
    checks = (
        assert_rank(tensor, rank, message=f"Argument {name} must be a {rank}-D Tensor."),
        asserts.assert_non_negative(tensor, message=f"Argument {name} must be non-negative."),
    )
    with control_dependencies([check for check in checks if check is not None]):
        return raw.Identity(input=tensor)


class _Sized(LinearOperator):
    """An operator given by its size."""

    def _take_extent(self, value, name, check):
        """A size as an int32 number if static, else as a tensor."""
        _refuse_reference(value, name)
        tensor = convert_to_tensor(value, name=name)
        if not tensor.dtype.is_integer:
            raise TypeError(f"Argument {name} must be integer type.  Found: {value}")
        if tensor.shape.rank not in (None, 0):
            raise ValueError(f"Argument {name} must be a 0-D Tensor.  Found: {value}")
        known = get_static_value(tensor)
        if known is None:
            return cast(_checked(tensor, 0, name) if check else tensor, dtypes.int32)
        if known < 0:
            raise ValueError(f"Argument {name} must be non-negative.  Found: {value}")
        return np.int32(known)

    def _take_batch(self, batch_shape, check):
        if batch_shape is None:
            return np.zeros([0], np.int32)
        _refuse_reference(batch_shape, "batch_shape")
        if isinstance(batch_shape, TensorShape):
            batch_shape = batch_shape.as_list()
        tensor = convert_to_tensor(
            np.zeros([0], np.int32)
            if isinstance(batch_shape, (list, tuple)) and not batch_shape
            else batch_shape,
            name="batch_shape",
        )
        if not tensor.dtype.is_integer:
            raise TypeError(f"Argument batch_shape must be integer type.  Found: {batch_shape}")
        if tensor.shape.rank not in (None, 1):
            raise ValueError(f"Argument batch_shape must be a 1-D Tensor.  Found: {batch_shape}")
        known = get_static_value(tensor)
        if known is None:
            return cast(_checked(tensor, 1, "batch_shape") if check else tensor, dtypes.int32)
        if (known < 0).any():
            raise ValueError(f"Argument batch_shape must be non-negative.  Found: {batch_shape}")
        return known.astype(np.int32)

    def _of_size(self, x, size, axis=-2):
        """Return the right-hand side, with its size along an axis checked if checks were requested."""
        if not self._assert_proper_shapes:
            return x
        rows = raw.Shape(input=x)[axis]
        check = asserts.assert_equal(
            rows, size, message="Dimensions of the operator and x are not compatible"
        )
        with control_dependencies([] if check is None else [check]):
            return raw.Identity(input=x)

    def _static_batch(self):
        if isinstance(self._batch, np.ndarray):
            return TensorShape(self._batch.tolist())
        return TensorShape(None if self._batch.shape[0] is None else [None] * self._batch.shape[0])

    def __getitem__(self, slices):
        if isinstance(self._batch, np.ndarray):
            slices = tuple(slices) if isinstance(slices, list) else slices
            left = list(np.broadcast_to(np.int8(0), self._batch)[slices].shape)
        else:
            left = raw.Shape(input=fill(self._batch, np.int8(0))[slices])
        return type(self)(**{**self.parameters, "batch_shape": left})


class _Identity(_Sized):
    """Base of identities and scaled identities."""

    def _diagonal(self):
        """The values of the diagonal `[...]`, one for each matrix."""
        raise NotImplementedError(f"{type(self).__name__}._diagonal")

    def _repeated(self, values):
        """`values` `[...]` repeated along the diagonal: `[..., n]`."""
        column = shapes.to_column(values)
        return raw.BroadcastTo(
            input=column, shape=shapes.joined(shapes.vector(values), self._num_rows)
        )

    def _count(self):
        return cast(self._num_rows, self.dtype)

    def _diag_part(self):
        return self._repeated(self._diagonal())

    def _eigvals(self):
        return self._diag_part()

    def _trace(self):
        return self._count() * self._diagonal()

    def _add_to_tensor(self, mat):
        values = diag_part(mat) + shapes.to_column(self._diagonal())
        return set_diag(shapes.broadcast_batch(mat, shapes.vector(values)[:-1]), values)

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The sum with a tensor `[..., n, n]`.

        Args:
          mat: of the operator's dtype.
          name: of the operations.

        Returns:
          A tensor `[..., n, n]`.
        """
        with self._scope(name):
            return self._add_to_tensor(self._operand(mat))


@export("linalg.LinearOperatorIdentity")
class LinearOperatorIdentity(_Identity):
    """The identity of `num_rows` rows, repeated for `batch_shape`.

    Args:
      num_rows: an integer or an integer scalar.
      batch_shape: a vector of integers; by default there are no batch axes.
      dtype: float32 by default.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, which can only be True; see LinearOperator.
      assert_proper_shapes: check sizes when the operator is used.
      name: a name.
    """

    @with_hints(**dict.fromkeys(HINTS, True))
    def __init__(
        self, num_rows, batch_shape=None, dtype=None, hints=None, assert_proper_shapes=False
    ):
        for hint, what in (
            ("is_self_adjoint", "self adjoint"),
            ("is_non_singular", "non-singular"),
            ("is_positive_definite", "positive-definite"),
        ):
            if not hints[hint]:
                raise ValueError(f"An identity operator is always {what}.")
            hints[hint] = True
        self._assert_proper_shapes = assert_proper_shapes
        self._num_rows = self._take_extent(num_rows, "num_rows", assert_proper_shapes)
        self._batch = self._take_batch(batch_shape, assert_proper_shapes)
        super().__init__(dtypes.float32 if dtype is None else dtype, **hints)

    def _shape(self):
        rows = shapes.integer(self._num_rows)
        return self._static_batch().concatenate([rows, rows])

    def _shape_tensor(self):
        return shapes.joined(self._batch, self._num_rows, self._num_rows)

    def _diagonal(self):
        return raw.Fill(dims=self._batch, value=cast(1, self.dtype))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = self._of_size(shapes.adjoint_if(adjoint_arg, x), self._num_rows)
        return shapes.broadcast_batch(x, self._batch)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint_arg=adjoint_arg)

    def _to_dense(self):
        return eye(self._num_rows, batch_shape=self._batch, dtype=self.dtype)

    def _determinant(self):
        return self._diagonal()

    def _log_abs_determinant(self):
        return raw.Fill(dims=self._batch, value=cast(0, self.dtype))

    def _cond(self):
        return self._diagonal()

    def _assert_non_singular(self):
        return no_op()

    _assert_positive_definite = _assert_non_singular
    _assert_self_adjoint = _assert_non_singular


@export("linalg.LinearOperatorScaledIdentity")
class LinearOperatorScaledIdentity(_Identity):
    """The identity of `num_rows` rows, multiplied by each number of `multiplier` `[...]`.

    Args:
      num_rows: an integer or an integer scalar.
      multiplier: `[...]`, floats or complex numbers.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      assert_proper_shapes: check sizes when the operator is used.
      name: a name.
    """

    _matrix_axes = {"multiplier": 0}

    @with_hints(is_square=True)
    def __init__(self, num_rows, multiplier, hints, assert_proper_shapes=False):
        self._assert_proper_shapes = assert_proper_shapes
        self._multiplier = shapes.parameter(multiplier, "multiplier")
        self._num_rows = self._take_extent(num_rows, "num_rows", assert_proper_shapes)
        if not self._multiplier.dtype.is_complex:
            self_adjoint = "A real diagonal operator is always self adjoint."
            hints.require("is_self_adjoint", True, self_adjoint)
        if not hints["is_square"]:
            raise ValueError("A ScaledIdentity operator is always square.")
        super().__init__(self._multiplier.dtype, **hints)

    multiplier = read_only("_multiplier", "The numbers on the diagonals, one for each matrix.")

    __getitem__ = LinearOperator.__getitem__

    def _shape(self):
        rows = shapes.integer(self._num_rows)
        return self._multiplier.shape.concatenate([rows, rows])

    def _shape_tensor(self):
        batch = shapes.vector(self._diagonal())
        return shapes.joined(batch, self._num_rows, self._num_rows)

    def _diagonal(self):
        return shapes.read(self._multiplier)

    def _factor(self, adjoint):
        value = self._diagonal()
        value = conj(value) if adjoint else value
        return shapes.to_column(shapes.to_column(value))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = self._of_size(shapes.adjoint_if(adjoint_arg, x), self._num_rows)
        return x * self._factor(adjoint)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = self._of_size(shapes.adjoint_if(adjoint_arg, rhs), self._num_rows)
        return rhs / self._factor(adjoint)

    def _to_dense(self):
        return eye(self._num_rows, dtype=self.dtype) * self._factor(False)

    def _determinant(self):
        return self._diagonal() ** self._count()

    def _log_abs_determinant(self):
        logs = raw.Log(x=magnitude(self._diagonal()))
        return cast(self._num_rows, logs.dtype) * logs

    def _cond(self):
        values = self._diagonal()
        one, none = np.asarray(1, values.dtype.np), np.asarray(np.nan, values.dtype.np)
        zero = raw.Equal(x=values, y=np.asarray(0, values.dtype.np))
        return raw.SelectV2(condition=zero, t=none, e=one)

    def _assert_non_singular(self):
        return asserts.assert_positive(
            magnitude(self._diagonal()), message="LinearOperator was singular."
        )

    def _assert_positive_definite(self):
        values = self._diagonal()
        return asserts.assert_positive(
            raw.Real(input=values, Tout=values.dtype.real_dtype)
            if values.dtype.is_complex
            else values,
            message="LinearOperator was not positive definite.",
        )

    def _assert_self_adjoint(self):
        return assert_real(self._diagonal(), "LinearOperator was not self-adjoint.")


@export("linalg.LinearOperatorZeros")
class LinearOperatorZeros(_Sized):
    """The matrix of zeros.

    Args:
      num_rows: an integer or an integer scalar.
      num_columns: the same; by default `num_rows`.
      batch_shape: a vector of integers; by default there are no batch axes.
      dtype: float32 by default.
      is_non_singular, is_positive_definite: hints, which can only be False.
      is_self_adjoint, is_square: hints; see LinearOperator.
      assert_proper_shapes: check sizes when the operator is used.
      name: a name.
    """

    @with_hints(
        is_non_singular=False, is_self_adjoint=True, is_positive_definite=False, is_square=True
    )
    def __init__(
        self,
        num_rows,
        num_columns=None,
        batch_shape=None,
        dtype=None,
        hints=None,
        assert_proper_shapes=False,
    ):
        if hints["is_non_singular"] or hints["is_non_singular"] is None:
            raise ValueError("A Zeros operator is always non-invertible.")
        if hints["is_positive_definite"] or hints["is_positive_definite"] is None:
            raise ValueError("A Zeros operator is always non-positive definite.")
        self._assert_proper_shapes = assert_proper_shapes
        self._num_rows = self._take_extent(num_rows, "num_rows", assert_proper_shapes)
        self._num_columns = (
            self._num_rows
            if num_columns is None
            else self._take_extent(num_columns, "num_columns", assert_proper_shapes)
        )
        self._batch = self._take_batch(batch_shape, assert_proper_shapes)
        rows, columns = shapes.integer(self._num_rows), shapes.integer(self._num_columns)
        if hints["is_square"] and None not in (rows, columns) and rows != columns:
            raise ValueError(
                f"LinearOperatorZeros initialized as is_square=True, but got num_rows({rows}) != "
                f"num_columns({columns})"
            )
        super().__init__(dtypes.float32 if dtype is None else dtype, **hints)

    def _shape(self):
        extents = [shapes.integer(self._num_rows), shapes.integer(self._num_columns)]
        return self._static_batch().concatenate(extents)

    def _shape_tensor(self):
        return shapes.joined(self._batch, self._num_rows, self._num_columns)

    def _zeros(self, *shape):
        return fill(shapes.joined(*shape), cast(0, self.dtype))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        rows, columns = self._num_rows, self._num_columns
        rows, columns = (columns, rows) if adjoint else (rows, columns)
        full = shapes.vector(self._of_size(x, columns, -1 if adjoint_arg else -2))
        batch = shapes.broadcast_vectors(self._batch, full[:-2])
        return self._zeros(batch, rows, full[-2] if adjoint_arg else full[-1])

    def _to_dense(self):
        return self._zeros(self._shape_vector())

    def _diag_part(self):
        return self._zeros(self._batch, np.minimum(self._num_rows, self._num_columns))

    def _trace(self):
        return self._zeros(self._batch)

    def _determinant(self):
        return self._zeros(self._batch)

    def _log_abs_determinant(self):
        return fill(self._batch, cast(-np.inf, self.dtype))

    def _cond(self):
        return fill(self._batch, cast(np.nan, self.dtype))

    def _eigvals(self):
        return self._zeros(self._batch, self._num_rows)

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The sum with a tensor `[..., m, n]`.

        Args:
          mat: of the operator's dtype.
          name: of the operations.

        Returns:
          A tensor `[..., m, n]`.
        """
        with self._scope(name):
            return shapes.broadcast_batch(self._operand(mat), self._batch)

    def _assert_non_singular(self):
        raise errors.InvalidArgumentError(None, None, "Zero operators are always non-invertible.")

    def _assert_positive_definite(self):
        raise errors.InvalidArgumentError(
            None, None, "Zero operators are always non-positive definite."
        )

    def _assert_self_adjoint(self):
        return no_op()
