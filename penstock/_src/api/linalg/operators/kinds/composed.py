"""LinearOperatorComposition and LinearOperatorKronecker: products of operators."""

import numpy as np

from penstock._src.api.control.scopes import group
from penstock._src.api.linalg.bands import matrix_transpose
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.algebra import all_true, is_gram
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.hints import with_hints
from penstock._src.api.math.elementwise import cast
from penstock._src.core import errors
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


@export("linalg.LinearOperatorComposition")
class LinearOperatorComposition(LinearOperator):
    """The product A B ... of `operators`, in this order: the last one acts first.

    Args:
      operators: a list of LinearOperators of one dtype whose sizes fit.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name; by default it is made of the operators' names.
    """

    _matrix_axes = {"operators": 0}

    @with_hints(name=None)
    def __init__(self, operators, hints):
        self._operators, names = shapes.check_operators(operators, "_o_")
        hints.promise(
            "is_non_singular",
            all_true(o.is_non_singular for o in self._operators),
            "The composition of non-singular operators is always non-singular",
        )
        gram, first = is_gram(self._operators), self._operators[0]
        known = "The composition was determined to be"
        self_adjoint = gram or (len(self._operators) == 1 and first.is_self_adjoint)
        user = "but user provided incorrect `False` hint"
        hints.promise("is_self_adjoint", self_adjoint, f"{known} self-adjoint {user}")
        form = "of the form A @ A.H, hence it must be"
        hints.promise("is_square", gram, f"{known} {form} square")
        definite = f"{known} non-singular and {form} positive-definite"
        hints.promise("is_positive_definite", gram and hints["is_non_singular"], definite)
        hints["name"] = hints["name"] or names
        super().__init__(self._operators[0].dtype, **hints)

    operators = read_only("_operators", "The factors.")

    def _shape(self):
        for left, right in zip(self._operators, self._operators[1:]):
            columns, rows = left._column_count, right._row_count
            if None not in (columns, rows) and columns != rows:
                raise ValueError(f"Dimensions {columns} and {rows} are not compatible")
        batch = shapes.broadcast_static(*(o.batch_shape for o in self._operators))
        ends = [self._operators[0]._row_count, self._operators[-1]._column_count]
        return batch.concatenate(ends)

    def _shape_tensor(self):
        batch = shapes.broadcast_vectors(*(o._shape_vector()[:-2] for o in self._operators))
        return shapes.joined(batch, self._operators[0]._rows(), self._operators[-1]._columns())

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        ordered = self._operators if adjoint else list(reversed(self._operators))
        result = ordered[0].matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        for operator in ordered[1:]:
            result = operator.matmul(result, adjoint=adjoint)
        return result

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        ordered = list(reversed(self._operators)) if adjoint else self._operators
        result = ordered[0].solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        for operator in ordered[1:]:
            result = operator.solve(result, adjoint=adjoint)
        return result

    def _determinant(self):
        result = self._operators[0].determinant()
        for operator in self._operators[1:]:
            result = result * operator.determinant()
        return result

    def _log_abs_determinant(self):
        result = self._operators[0].log_abs_determinant()
        for operator in self._operators[1:]:
            result = result + operator.log_abs_determinant()
        return result

    def _assert_non_singular(self):
        if all(o.is_square for o in self._operators):
            return group(*(o.assert_non_singular() for o in self._operators))
        return super()._assert_non_singular()


@export("linalg.LinearOperatorKronecker")
class LinearOperatorKronecker(LinearOperator):
    """The Kronecker product of `operators`: each entry of the first, times the next, and so on.

    Args:
      operators: a list of LinearOperators of one dtype.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name; by default it is made of the operators' names.
    """

    _matrix_axes = {"operators": 0}

    @with_hints(name=None)
    def __init__(self, operators, hints):
        if not operators:
            raise ValueError(
                f"Argument `operators` must be a list of >=1 operators. Received: {operators}."
            )
        self._operators, names = shapes.check_operators(operators, "_x_")
        for hint in ("is_square", "is_non_singular", "is_self_adjoint", "is_positive_definite"):
            words = hint[3:].replace("_", "-")
            hints.promise(
                hint,
                all_true(getattr(o, hint) for o in self._operators),
                f"The Kronecker product of {words} operators is always {words}",
            )
        hints["name"] = hints["name"] or names
        super().__init__(self._operators[0].dtype, **hints)

    operators = read_only("_operators", "The factors.")

    def _shape(self):
        batch = shapes.broadcast_static(*(o.batch_shape for o in self._operators))
        rows = [o._row_count for o in self._operators]
        columns = [o._column_count for o in self._operators]
        ends = [None if None in d else int(np.prod(d)) for d in (rows, columns)]
        return batch.concatenate(ends)

    def _shape_tensor(self):
        batch = shapes.broadcast_vectors(*(o._shape_vector()[:-2] for o in self._operators))
        rows = raw.Prod(
            input=shapes.joined(*(o._rows() for o in self._operators)), axis=np.int32(0)
        )
        columns = raw.Prod(
            input=shapes.joined(*(o._columns() for o in self._operators)), axis=np.int32(0)
        )
        return shapes.joined(batch, rows, columns)

    def _cycled(self, x, extents, act):
        """Each operator on its own axis: [n1, n2 .. nk m] -> act -> [n2 .. nk m r1] -> ... -> [m, r]."""
        count = shapes.vector(x)[-1]
        for operator, n in zip(self._operators, extents):
            batch = shapes.vector(x)[:-2]
            x = raw.Reshape(tensor=x, shape=shapes.joined(batch, n, np.int32(-1)))
            x = matrix_transpose(act(operator, x))
        batch = shapes.vector(x)[:-2]
        x = raw.Reshape(tensor=x, shape=shapes.joined(batch, count, np.int32(-1)))
        return matrix_transpose(x)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        extents = [o._rows() if adjoint else o._columns() for o in self._operators]
        x = shapes.adjoint_if(adjoint_arg, x)
        return self._cycled(x, extents, lambda o, y: o.matmul(y, adjoint=adjoint))

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        extents = [o._rows() for o in self._operators]
        rhs = shapes.adjoint_if(adjoint_arg, rhs)
        return self._cycled(rhs, extents, lambda o, y: o.solve(y, adjoint=adjoint))

    def _powers(self):
        """The power of each operator's determinant: the product of the sizes of the others."""
        total = cast(self._columns(), self.dtype)
        return [total / cast(o._columns(), self.dtype) for o in self._operators]

    def _determinant(self):
        result = None
        for operator, power in zip(self._operators, self._powers()):
            factor = operator.determinant() ** power
            result = factor if result is None else result * factor
        return result

    def _log_abs_determinant(self):
        result = None
        for operator, power in zip(self._operators, self._powers()):
            term = operator.log_abs_determinant() * power
            result = term if result is None else result + term
        return result

    def _trace(self):
        result = self._operators[0].trace()
        for operator in self._operators[1:]:
            result = result * operator.trace()
        return result

    def _outer(self, vectors):
        """The products of each number of the first vector with all of the next, and so on."""
        result = vectors[0]
        for vector in vectors[1:]:
            outer = shapes.to_column(result) * raw.ExpandDims(input=vector, axis=np.int32(-2))
            batch = shapes.vector(outer)[:-2]
            result = raw.Reshape(tensor=outer, shape=shapes.joined(batch, np.int32(-1)))
        return result

    def _diag_part(self):
        return self._outer([o.diag_part() for o in self._operators])

    def _eigvals(self):
        return self._outer([o.eigvals() for o in self._operators])

    def _cond(self):
        result = self._operators[0].cond()
        for operator in self._operators[1:]:
            result = result * operator.cond()
        return result

    def _to_dense(self):
        result = self._operators[0].to_dense()
        for operator in self._operators[1:]:
            right = operator.to_dense()
            blocks = result[..., :, None, :, None] * right[..., None, :, None, :]
            full = shapes.vector(blocks)
            shape = shapes.joined(full[:-4], full[-4] * full[-3], full[-2] * full[-1])
            result = raw.Reshape(tensor=blocks, shape=shape)
        return result

    def _all(self, assertion):
        if not all(o.is_square for o in self._operators):
            raise errors.InvalidArgumentError(
                None,
                None,
                "All Kronecker factors must be square for the product to be invertible. Expected hint "
                "`is_square` to be True for every operator in argument `operators`.",
            )
        return group(*(assertion(o) for o in self._operators))

    def _assert_non_singular(self):
        return self._all(LinearOperator.assert_non_singular)

    def _assert_self_adjoint(self):
        return self._all(LinearOperator.assert_self_adjoint)
