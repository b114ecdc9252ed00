"""LinearOperatorDiag: a diagonal matrix."""

from penstock._src.api.debugging.asserts import assert_less, assert_positive
from penstock._src.api.linalg.bands import diag as matrix_diag
from penstock._src.api.linalg.bands import diag_part, set_diag
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.hints import with_hints
from penstock._src.api.linalg.operators.shapes import assert_real
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_max, reduce_min, reduce_prod, reduce_sum
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("linalg.LinearOperatorDiag")
class LinearOperatorDiag(LinearOperator):
    """A linear operator that is a diagonal matrix, stored by its diagonal.

    Products and solutions take as many steps as there are entries.

    Args:
      diag: floats or complex numbers, `[..., n]`.
      is_non_singular: whether no entry is 0, if that is known; it is not checked.
      is_self_adjoint: whether all entries are real, if that is known.
      is_positive_definite: whether all real parts are positive, if that is known.
      is_square: True or None.
      name: a name for the operation.

    Raises:
      ValueError: `is_square` is False.

    >>> operator = tf.linalg.LinearOperatorDiag([1.0, 2.0])
    >>> operator.matmul([[1.0], [1.0]]).numpy()
    array([[1.],
           [2.]], dtype=float32)
    >>> operator.determinant().numpy()
    np.float32(2.0)
    """

    _matrix_axes = {"diag": 1}

    @with_hints()
    def __init__(self, diag, hints):
        self._diag = shapes.parameter(diag, "diag")
        if self._diag.shape.rank is not None and self._diag.shape.rank < 1:
            raise ValueError(f"Argument diag must have at least 1 dimension.  Found: {self._diag}")
        if not self._diag.dtype.is_complex:
            self_adjoint = "A real diagonal operator is always self adjoint."
            hints.require("is_self_adjoint", True, self_adjoint)
        square = "Only square diagonal operators currently supported."
        hints.require("is_square", True, square)
        super().__init__(self._diag.dtype, **hints)

    diag = read_only("_diag", "The diagonal.")

    def _shape(self):
        return self._diag.shape.concatenate(self._diag.shape[-1:])

    def _shape_tensor(self):
        extents = raw.Shape(input=shapes.read(self._diag))
        return shapes.joined(extents, extents[-1])

    def _values(self, adjoint=False):
        values = shapes.read(self._diag)
        return conj(values) if adjoint else values

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return shapes.to_column(self._values(adjoint)) * shapes.adjoint_if(adjoint_arg, x)

    def _matvec(self, x, adjoint=False):
        return self._values(adjoint) * x

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return shapes.adjoint_if(adjoint_arg, rhs) / shapes.to_column(self._values(adjoint))

    def _solvevec(self, rhs, adjoint=False):
        return rhs / self._values(adjoint)

    def _determinant(self):
        return reduce_prod(self._values(), -1)

    def _log_abs_determinant(self):
        return cast(reduce_sum(raw.Log(x=magnitude(self._values())), -1), self.dtype)

    def _diag_part(self):
        return self._values()

    def _to_dense(self):
        return matrix_diag(self._values())

    def _add_to_tensor(self, x):
        total = diag_part(x) + self._values()
        batch = shapes.vector(total)[:-1]
        return set_diag(shapes.broadcast_batch(x, batch), total)

    def _eigvals(self):
        return self._values()

    def _cond(self):
        sizes = magnitude(self._values())
        return reduce_max(sizes, -1) / reduce_min(sizes, -1)

    def _assert_non_singular(self):
        sizes = magnitude(self._values())
        return assert_less(
            cast(0, sizes.dtype),
            sizes,
            message="Singular operator:  Diagonal contained zero values.",
        )

    def _assert_positive_definite(self):
        if self.dtype.is_complex:
            return assert_positive(
                raw.Real(input=self._values(), Tout=self.dtype.real_dtype),
                message="Diagonal operator had diagonal entries with non-positive real part, thus "
                "was not positive definite.",
            )
        return assert_positive(
            self._values(),
            message="Real diagonal operator had non-positive diagonal entries, thus was not positive "
            "definite.",
        )

    def _assert_self_adjoint(self):
        return assert_real(
            self._values(),
            "This diagonal operator contained non-zero imaginary values.  Thus it was not self-adjoint.",
        )
