"""LinearOperatorBlockDiag and LinearOperatorBlockLowerTriangular: matrices of operators."""

import numpy as np

from penstock._src.api.array.joining import split
from penstock._src.api.control.scopes import group
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.algebra import all_true
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.blockwise import is_blockwise
from penstock._src.api.linalg.operators.hints import with_hints
from penstock._src.api.math.reduction import reduce_prod, reduce_sum
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def _summed(extents):
    extents = list(extents)
    return None if None in extents else sum(extents)


class _Blocks(LinearOperator):
    """An operator on lists of row blocks, or on tensors of all rows."""

    _matrix_axes = {"operators": 0}

    operators = read_only("_operators", "The operators of the blocks.")

    def _diagonal(self):
        """The operators on the diagonal."""
        raise NotImplementedError(f"{type(self).__name__}._diagonal")

    def _block_range_dimensions(self):
        return [o.range_dimension for o in self._diagonal()]

    def _block_domain_dimensions(self):
        return [o.domain_dimension for o in self._diagonal()]

    def _block_range_dimension_tensors(self):
        return [o.range_dimension_tensor() for o in self._diagonal()]

    def _block_domain_dimension_tensors(self):
        return [o.domain_dimension_tensor() for o in self._diagonal()]

    def _extents(self, adjoint):
        """The sizes of the blocks of a product's operand."""
        return [o._rows() if adjoint else o._columns() for o in self._diagonal()]

    def _blockwise(self, x, adjoint, axis, other_axis, act):
        """Applies `act` to the blocks of `x`: a list, or a tensor that is split and concatenated again."""
        blocks = self._diagonal()
        sizes = [o._row_count if adjoint else o._column_count for o in blocks]
        if is_blockwise(sizes, x, axis):
            return act([self._operand(part) for part in x])
        x = self._operand(x)
        known = self._row_count if adjoint else self._column_count
        if None not in (known, x.shape[axis]) and known != x.shape[axis]:
            raise ValueError(f"Dimensions {known} and {x.shape[axis]} are not compatible")
        extents = self._extents(adjoint)
        parts = split(x, shapes.joined(*extents), axis=axis, num=len(extents))
        results = act(parts)
        if other_axis == -2:
            results = shapes.broadcast_matrices(*results)
        else:
            columns = [shapes.to_column(r) for r in results]
            results = [shapes.from_column(c) for c in shapes.broadcast_matrices(*columns)]
        return raw.ConcatV2(values=results, axis=np.int32(other_axis))

    def matmul(self, x, adjoint=False, adjoint_arg=False, name="matmul"):
        """The product with a matrix, a list of blocks of its rows, or an operator."""
        if isinstance(x, LinearOperator):
            return super().matmul(x, adjoint, adjoint_arg, name)
        with self._scope(name):
            axis = -1 if adjoint_arg else -2
            return self._blockwise(
                x, adjoint, axis, -2, lambda parts: self._multiply(parts, adjoint, adjoint_arg)
            )

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def matvec(self, x, adjoint=False, name="matvec"):
        """The product with a vector, or with a list of blocks of one."""
        with self._scope(name):
            return self._blockwise(
                x,
                adjoint,
                -1,
                -1,
                lambda parts: self._on_vectors(self._multiply, parts, adjoint),
            )

    def solve(self, rhs, adjoint=False, adjoint_arg=False, name="solve"):
        """The X with A X = `rhs`, a matrix, a list of blocks of its rows, or an operator."""
        if isinstance(rhs, LinearOperator):
            return super().solve(rhs, adjoint, adjoint_arg, name)
        self._solvable("Exact solve")
        with self._scope(name):
            axis = -1 if adjoint_arg else -2
            return self._blockwise(
                rhs,
                not adjoint,
                axis,
                -2,
                lambda parts: self._divide(parts, adjoint, adjoint_arg),
            )

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def solvevec(self, rhs, adjoint=False, name="solve"):
        """The vector x with A x = `rhs`, a vector or a list of blocks of one."""
        self._solvable("Exact solve")
        with self._scope(name):
            return self._blockwise(
                rhs,
                not adjoint,
                -1,
                -1,
                lambda parts: self._on_vectors(self._divide, parts, adjoint),
            )

    def _on_vectors(self, act, parts, adjoint):
        columns = act([shapes.to_column(p) for p in parts], adjoint, False)
        return [shapes.from_column(c) for c in columns]

    def _joined(self, vectors):
        """Concatenated vectors `[..., n_i]`."""
        columns = shapes.broadcast_matrices(*(shapes.to_column(v) for v in vectors))
        flat = [shapes.from_column(c) for c in columns]
        return raw.ConcatV2(values=flat, axis=np.int32(-1))

    def _diag_part(self):
        return self._joined([o.diag_part() for o in self._diagonal()])

    def _total(self, values, combine):
        return combine(self._joined([shapes.to_column(v) for v in values]), -1)

    def _trace(self):
        return self._total([o.trace() for o in self._diagonal()], reduce_sum)

    def _determinant(self):
        return self._total([o.determinant() for o in self._diagonal()], reduce_prod)

    def _log_abs_determinant(self):
        return self._total([o.log_abs_determinant() for o in self._diagonal()], reduce_sum)

    def _assert_non_singular(self):
        return group(*(o.assert_non_singular() for o in self._diagonal()))

    def _zeros(self, rows, columns, batch):
        zero = np.asarray(0, self.dtype.as_numpy_dtype)
        return raw.Fill(dims=shapes.joined(batch, rows, columns), value=zero)


@export("linalg.LinearOperatorBlockDiag")
class LinearOperatorBlockDiag(_Blocks):
    """A linear operator that has other operators as blocks along its diagonal.

    Args:
      operators: a list of `LinearOperator` objects of one dtype.
      is_non_singular: whether all blocks are invertible, if that is known.
      is_self_adjoint: whether all blocks are their own adjoints, if that is known.
      is_positive_definite: whether all blocks are positive definite, if that is known.
      is_square: whether the operator is square, if that is known.
      name: a name for the operation.

    Raises:
      ValueError: the list is empty.
      TypeError: the dtypes differ.

    >>> one = tf.linalg.LinearOperatorDiag([1.0, 2.0])
    >>> two = tf.linalg.LinearOperatorFullMatrix([[3.0]])
    >>> tf.linalg.LinearOperatorBlockDiag([one, two]).to_dense().numpy()
    array([[1., 0., 0.],
           [0., 2., 0.],
           [0., 0., 3.]], dtype=float32)
    """

    @with_hints(is_square=True, name=None)
    def __init__(self, operators, hints):
        self._operators, names = shapes.check_operators(operators, "_ds_")
        for hint in ("is_non_singular", "is_self_adjoint", "is_positive_definite"):
            words = hint[3:].replace("_", "-")
            hints.promise(
                hint,
                all_true(getattr(o, hint) for o in self._operators),
                f"The direct sum of {words} operators is always {words}",
            )
        hints["name"] = hints["name"] or names
        super().__init__(self._operators[0].dtype, **hints)

    def _diagonal(self):
        return self._operators

    def _shape(self):
        batch = shapes.broadcast_static(*(o.batch_shape for o in self._operators))
        rows = _summed(o._row_count for o in self._operators)
        return batch.concatenate([rows, _summed(o._column_count for o in self._operators)])

    def _shape_tensor(self):
        batch = shapes.broadcast_vectors(*(o._shape_vector()[:-2] for o in self._operators))
        rows = sum(o._rows() for o in self._operators)
        return shapes.joined(batch, rows, sum(o._columns() for o in self._operators))

    def _multiply(self, parts, adjoint, adjoint_arg):
        return [
            o.matmul(p, adjoint=adjoint, adjoint_arg=adjoint_arg)
            for o, p in zip(self._operators, parts)
        ]

    def _divide(self, parts, adjoint, adjoint_arg):
        return [
            o.solve(p, adjoint=adjoint, adjoint_arg=adjoint_arg)
            for o, p in zip(self._operators, parts)
        ]

    def _to_dense(self):
        batch, total = self._shape_vector()[:-2], self._columns()
        rows, before = [], np.int32(0)
        for operator in self._operators:
            block = shapes.broadcast_batch(operator.to_dense(), batch)
            count = operator._columns()
            left = self._zeros(operator._rows(), before, batch)
            right = self._zeros(operator._rows(), total - before - count, batch)
            rows.append(raw.ConcatV2(values=[left, block, right], axis=np.int32(-1)))
            before = before + count
        return raw.ConcatV2(values=rows, axis=np.int32(-2))

    def _eigvals(self):
        return self._joined([o.eigvals() for o in self._operators])

    def _assert_positive_definite(self):
        return group(*(o.assert_positive_definite() for o in self._operators))

    def _assert_self_adjoint(self):
        return group(*(o.assert_self_adjoint() for o in self._operators))


@export("linalg.LinearOperatorBlockLowerTriangular")
class LinearOperatorBlockLowerTriangular(_Blocks):
    """The matrix with the operators `operators[i][0] ... operators[i][i]` in block row i.

    Args:
      operators: a list of lists of LinearOperators, i + 1 in list i; those on the diagonal are
        square.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    @with_hints()
    def __init__(self, operators, hints):
        rows = [list(row) for row in operators]
        if not rows:
            raise ValueError(
                f"Argument `operators` must be a list of >=1 operators. Received: {rows}."
            )
        for i, row in enumerate(rows):
            if len(row) != i + 1:
                raise ValueError(
                    f"Argument `operators[{i}]` must contain `{i + 1}` blocks. Received: {len(row)} "
                    "blocks."
                )
        shapes.check_operators([o for row in rows for o in row], "_")
        self._operators = rows
        diagonal = [row[-1] for row in rows]
        if any(o.is_square is False for o in diagonal):
            raise ValueError(
                "Matrices on the diagonal of a block triangular operator must be square."
            )
        hints.require("is_square", True, "A block lower triangular operator is always square.")
        singular = [o.is_non_singular for o in diagonal]
        if False in singular:
            if hints["is_non_singular"]:
                raise ValueError("A block triangular operator with a singular block is singular.")
            hints["is_non_singular"] = False
        else:
            fact = "A block triangular operator with non-singular blocks is non-singular"
            hints.promise("is_non_singular", all_true(singular), fact)
        super().__init__(diagonal[0].dtype, **hints)
        self._check_blocks()

    def _check_blocks(self):
        for i, row in enumerate(self._operators):
            for j, block in enumerate(row):
                rows, columns = row[-1]._row_count, self._operators[j][-1]._column_count
                for mine, wanted in (
                    (block._row_count, rows),
                    (block._column_count, columns),
                ):
                    if None not in (mine, wanted) and mine != wanted:
                        raise ValueError(
                            f"LinearOperatorBlockLowerTriangular: block [{i}][{j}] of shape "
                            f"{block.shape} does not fit a row of {rows} and a column of {columns}."
                        )

    def _diagonal(self):
        return [row[-1] for row in self._operators]

    def _all_blocks(self):
        return [o for row in self._operators for o in row]

    def _shape(self):
        batch = shapes.broadcast_static(*(o.batch_shape for o in self._all_blocks()))
        n = _summed(o._column_count for o in self._diagonal())
        return batch.concatenate(TensorShape([n, n]))

    def _shape_tensor(self):
        batch = shapes.broadcast_vectors(*(o._shape_vector()[:-2] for o in self._all_blocks()))
        n = sum(o._columns() for o in self._diagonal())
        return shapes.joined(batch, n, n)

    def _entries(self, i, adjoint):
        """(j, operator) of block row i, of the adjoint if `adjoint`, the diagonal last."""
        if not adjoint:
            return list(enumerate(self._operators[i]))
        column = [(j, self._operators[j][i]) for j in range(len(self._operators) - 1, i - 1, -1)]
        return column

    def _multiply(self, parts, adjoint, adjoint_arg):
        results = []
        for i in range(len(self._operators)):
            total = None
            for j, block in self._entries(i, adjoint):
                term = block.matmul(parts[j], adjoint=adjoint, adjoint_arg=adjoint_arg)
                total = term if total is None else total + term
            results.append(total)
        return results

    def _divide(self, parts, adjoint, adjoint_arg):
        count = len(self._operators)
        results = [None] * count
        for i in reversed(range(count)) if adjoint else range(count):
            rest = shapes.adjoint_if(adjoint_arg, convert_to_tensor(parts[i]))
            *others, (_, diagonal) = self._entries(i, adjoint)
            for j, block in others:
                rest = rest - block.matmul(results[j], adjoint=adjoint)
            results[i] = diagonal.solve(rest, adjoint=adjoint)
        return results

    def _to_dense(self):
        batch, total = self._shape_vector()[:-2], self._columns()
        rows, width = [], np.int32(0)
        for row in self._operators:
            blocks = [shapes.broadcast_batch(o.to_dense(), batch) for o in row]
            width = width + row[-1]._columns()
            blocks.append(self._zeros(row[-1]._rows(), total - width, batch))
            rows.append(raw.ConcatV2(values=blocks, axis=np.int32(-1)))
        return raw.ConcatV2(values=rows, axis=np.int32(-2))

    def _eigvals(self):
        return self._joined([o.eigvals() for o in self._diagonal()])
