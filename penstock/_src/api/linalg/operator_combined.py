"""Linear operators made of others: products, adjoints, inverses, blocks, updates; circulant ones."""

from __future__ import annotations

import functools

import numpy as np

from penstock._src.api.math.elementwise import cast, conj
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export

from . import bands
from .operator import ADJOINT, COMPOSE, INVERT, LinearOperator, as_parameter, shape_of, spread
from .operator_basic import LinearOperatorDiag, _hints
from .products import matmul


@export("linalg.LinearOperatorComposition")
class LinearOperatorComposition(LinearOperator):
    """The product of operators, the last one acting first."""

    def __init__(
        self,
        operators,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name=None,
    ):
        self._operators = list(operators)
        if not self._operators:
            raise ValueError("Expected a non-empty list of operators. Found: " f"{operators}")
        if all(o.is_non_singular for o in self._operators) and is_non_singular is None:
            is_non_singular = True
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        name = name or "_o_".join(o.name for o in self._operators)
        super().__init__(self._operators[0].dtype, name=name, **hints)

    @property
    def operators(self):
        """The factors."""
        return self._operators

    def _shape(self):
        first, last = self._operators[0], self._operators[-1]
        batch = np.broadcast_shapes(*[tuple(o.batch_shape.as_list()) for o in self._operators])
        return TensorShape([*batch, first.range_dimension, last.domain_dimension])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        order = self._operators if adjoint else self._operators[::-1]
        result = order[0].matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        for operator in order[1:]:
            result = operator.matmul(result, adjoint=adjoint)
        return result

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        order = self._operators[::-1] if adjoint else self._operators
        result = order[0].solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        for operator in order[1:]:
            result = operator.solve(result, adjoint=adjoint)
        return result

    def _determinant(self):
        return functools.reduce(lambda a, b: a * b, [o.determinant() for o in self._operators])

    def _log_abs_determinant(self):
        return functools.reduce(
            lambda a, b: a + b, [o.log_abs_determinant() for o in self._operators]
        )


COMPOSE.append(lambda left, right: LinearOperatorComposition([left, right]))


@export("linalg.LinearOperatorAdjoint")
class LinearOperatorAdjoint(LinearOperator):
    """The adjoint of an operator."""

    def __init__(
        self,
        operator,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name=None,
    ):
        self._operator = operator
        hints = _hints(
            operator.is_non_singular if is_non_singular is None else is_non_singular,
            operator.is_self_adjoint if is_self_adjoint is None else is_self_adjoint,
            operator.is_positive_definite if is_positive_definite is None else is_positive_definite,
            operator.is_square if is_square is None else is_square,
        )
        super().__init__(operator.dtype, name=name or f"{operator.name}_adjoint", **hints)

    @property
    def operator(self):
        """The operator."""
        return self._operator

    def _shape(self):
        shape = self._operator.shape
        return shape[:-2].concatenate([shape[-1], shape[-2]])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._operator.matmul(x, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._operator.solve(rhs, adjoint=not adjoint, adjoint_arg=adjoint_arg)

    def _to_dense(self):
        return bands.adjoint(self._operator.to_dense())

    def _determinant(self):
        return conj(self._operator.determinant())

    def _log_abs_determinant(self):
        return self._operator.log_abs_determinant()

    def _adjoint(self):
        return self._operator


ADJOINT.append(LinearOperatorAdjoint)


@export("linalg.LinearOperatorInversion")
class LinearOperatorInversion(LinearOperator):
    """The inverse of an operator."""

    def __init__(
        self,
        operator,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name=None,
    ):
        if operator.is_non_singular is False or is_non_singular is False:
            raise ValueError("Operator and supplied hints must have `is_non_singular=True` or `None`.")
        self._operator = operator
        hints = _hints(
            True,
            operator.is_self_adjoint if is_self_adjoint is None else is_self_adjoint,
            operator.is_positive_definite if is_positive_definite is None else is_positive_definite,
            True,
        )
        super().__init__(operator.dtype, name=name or f"{operator.name}_inv", **hints)

    @property
    def operator(self):
        """The operator."""
        return self._operator

    def _shape(self):
        return self._operator.shape

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._operator.solve(x, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._operator.matmul(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)

    def _determinant(self):
        return 1.0 / self._operator.determinant()

    def _log_abs_determinant(self):
        return -self._operator.log_abs_determinant()

    def _inverse(self):
        return self._operator


INVERT.append(LinearOperatorInversion)


def _batch_of(operators):
    return np.broadcast_shapes(*[tuple(o.batch_shape.as_list()) for o in operators])


def _joined_names(operators, separator):
    return separator.join(o.name for o in operators)


class _Blocks(LinearOperator):
    """An operator made of a grid of operators."""

    def _grid(self):
        """Rows of blocks, None for zeros."""
        raise NotImplementedError

    def _shape(self):
        grid = self._grid()
        flat = [o for row in grid for o in row if o is not None]
        rows = sum(next(o for o in row if o is not None).range_dimension for row in grid)
        columns = sum(
            next(row[j] for row in grid if row[j] is not None).domain_dimension
            for j in range(len(grid[0]))
        )
        return TensorShape([*_batch_of(flat), rows, columns])

    def _to_dense(self):
        grid = self._grid()
        batch = tuple(self.batch_shape.as_list())
        widths = [
            next(row[j] for row in grid if row[j] is not None).domain_dimension
            for j in range(len(grid[0]))
        ]
        rows = []
        for row in grid:
            height = next(o for o in row if o is not None).range_dimension
            parts = [
                spread(o.to_dense(), batch)
                if o is not None
                else convert_to_tensor(np.zeros([*batch, height, w], self.dtype.as_numpy_dtype))
                for o, w in zip(row, widths, strict=True)
            ]
            rows.append(raw.ConcatV2(values=parts, axis=-1))
        return raw.ConcatV2(values=rows, axis=-2)

    def _diagonal_blocks(self):
        return [row[i] for i, row in enumerate(self._grid())]

    def _determinant(self):
        return functools.reduce(
            lambda a, b: a * b, [o.determinant() for o in self._diagonal_blocks()]
        )

    def _log_abs_determinant(self):
        return functools.reduce(
            lambda a, b: a + b, [o.log_abs_determinant() for o in self._diagonal_blocks()]
        )


@export("linalg.LinearOperatorBlockDiag")
class LinearOperatorBlockDiag(_Blocks):
    """Operators along the diagonal."""

    def __init__(
        self,
        operators,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=True,
        name=None,
    ):
        self._operators = list(operators)
        if not self._operators:
            raise ValueError("Expected a non-empty list of operators. Found: " f"{operators}")
        if all(o.is_non_singular for o in self._operators) and is_non_singular is None:
            is_non_singular = True
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        name = name or _joined_names(self._operators, "_ds_")
        super().__init__(self._operators[0].dtype, name=name, **hints)

    @property
    def operators(self):
        """The blocks."""
        return self._operators

    def _grid(self):
        count = len(self._operators)
        return [
            [self._operators[i] if i == j else None for j in range(count)] for i in range(count)
        ]

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = bands.adjoint(x) if adjoint_arg else x
        sizes = [o.range_dimension if adjoint else o.domain_dimension for o in self._operators]
        parts = raw.SplitV(
            value=x, size_splits=np.array(sizes, np.int32), axis=-2, num_split=len(sizes)
        )
        return raw.ConcatV2(
            values=[o.matmul(p, adjoint=adjoint) for o, p in zip(self._operators, parts, strict=True)],
            axis=-2,
        )

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = bands.adjoint(rhs) if adjoint_arg else rhs
        sizes = [o.domain_dimension for o in self._operators]
        parts = raw.SplitV(
            value=rhs, size_splits=np.array(sizes, np.int32), axis=-2, num_split=len(sizes)
        )
        return raw.ConcatV2(
            values=[o.solve(p, adjoint=adjoint) for o, p in zip(self._operators, parts, strict=True)],
            axis=-2,
        )


@export("linalg.LinearOperatorBlockLowerTriangular")
class LinearOperatorBlockLowerTriangular(_Blocks):
    """Rows of operators up to the diagonal."""

    def __init__(
        self,
        operators,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorBlockLowerTriangular",
    ):
        self._operators = [list(row) for row in operators]
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, True)
        super().__init__(self._operators[0][0].dtype, name=name, **hints)

    @property
    def operators(self):
        """The rows of blocks."""
        return self._operators

    def _grid(self):
        count = len(self._operators)
        return [row + [None] * (count - len(row)) for row in self._operators]


@export("linalg.LinearOperatorKronecker")
class LinearOperatorKronecker(LinearOperator):
    """The Kronecker product of operators."""

    def __init__(
        self,
        operators,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name=None,
    ):
        self._operators = list(operators)
        if not self._operators:
            raise ValueError(f"Expected a list of >=1 operators. Found: {operators}")
        if all(o.is_non_singular for o in self._operators) and is_non_singular is None:
            is_non_singular = True
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        name = name or _joined_names(self._operators, "_x_")
        super().__init__(self._operators[0].dtype, name=name, **hints)

    @property
    def operators(self):
        """The factors."""
        return self._operators

    def _shape(self):
        rows = int(np.prod([o.range_dimension for o in self._operators]))
        columns = int(np.prod([o.domain_dimension for o in self._operators]))
        return TensorShape([*_batch_of(self._operators), rows, columns])

    def _to_dense(self):
        batch = _batch_of(self._operators)
        product = spread(self._operators[0].to_dense(), batch)
        for operator in self._operators[1:]:
            factor = spread(operator.to_dense(), batch)
            mixed = product[..., :, None, :, None] * factor[..., None, :, None, :]
            shape = [
                *batch,
                product.shape[-2] * factor.shape[-2],
                product.shape[-1] * factor.shape[-1],
            ]
            product = raw.Reshape(tensor=mixed, shape=np.array(shape, np.int32))
        return product

    def _determinant(self):
        total = self.domain_dimension
        parts = [
            raw.Pow(
                x=o.determinant(),
                y=np.asarray(total // o.domain_dimension, self.dtype.as_numpy_dtype),
            )
            for o in self._operators
        ]
        return functools.reduce(lambda a, b: a * b, parts)

    def _log_abs_determinant(self):
        total = self.domain_dimension
        real = self.dtype.real_dtype.as_numpy_dtype
        parts = [
            o.log_abs_determinant() * np.asarray(total // o.domain_dimension, real)
            for o in self._operators
        ]
        return functools.reduce(lambda a, b: a + b, parts)


@export("linalg.LinearOperatorLowRankUpdate")
class LinearOperatorLowRankUpdate(LinearOperator):
    """L + U D V*, for an operator L and thin matrices U, V."""

    def __init__(
        self,
        base_operator,
        u,
        diag_update=None,
        v=None,
        is_diag_update_positive=None,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=None,
        name="LinearOperatorLowRankUpdate",
    ):
        dtype = base_operator.dtype
        self._base, self._u = base_operator, as_parameter(u, dtype)
        self._v = self._u if v is None else as_parameter(v, dtype)
        self._diag_update = None if diag_update is None else as_parameter(diag_update, dtype)
        positive = is_diag_update_positive or diag_update is None
        self._positive = positive
        if v is None and base_operator.is_self_adjoint and not dtype.is_complex:
            is_self_adjoint = True if is_self_adjoint is None else is_self_adjoint
            if positive and base_operator.is_positive_definite and is_positive_definite is None:
                is_positive_definite = True
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(dtype, name=name, **hints)

    @property
    def base_operator(self):
        """L."""
        return self._base

    @property
    def u(self):
        """U."""
        return self._u

    @property
    def v(self):
        """V."""
        return self._v

    @property
    def is_diag_update_positive(self):
        """Whether D was said to be positive."""
        return self._positive

    @property
    def diag_update(self):
        """The diagonal of D."""
        return self._diag_update

    @property
    def diag_operator(self):
        """D, as operator."""
        if self._diag_update is not None:
            return LinearOperatorDiag(self._diag_update)
        rank = self._u.shape[-1]
        return LinearOperatorDiag(convert_to_tensor(np.ones(rank, self.dtype.as_numpy_dtype)))

    def _shape(self):
        batch = np.broadcast_shapes(
            tuple(self._base.batch_shape.as_list()), tuple(self._u.shape.as_list()[:-2])
        )
        return TensorShape([*batch, self._base.range_dimension, self._base.domain_dimension])

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = bands.adjoint(x) if adjoint_arg else x
        outer, inner = (self._v, self._u) if adjoint else (self._u, self._v)
        projected = self.diag_operator.matmul(matmul(inner, x, adjoint_a=True), adjoint=adjoint)
        return self._base.matmul(x, adjoint=adjoint) + matmul(outer, projected)

    def _to_dense(self):
        scaled = convert_to_tensor(self._u)
        if self._diag_update is not None:
            scaled = scaled * raw.ExpandDims(input=self._diag_update, axis=-2)
        return self._base.to_dense() + matmul(scaled, self._v, adjoint_b=True)


class _Circulant(LinearOperator):
    """An operator that is diagonal after a Fourier transform over `depth` axes."""

    depth = 1

    def __init__(
        self,
        spectrum,
        input_output_dtype=dtypes.complex64,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=True,
        name="LinearOperatorCirculant",
    ):
        self._spectrum = as_parameter(spectrum)
        if not self._spectrum.dtype.is_complex and is_self_adjoint is None:
            is_self_adjoint = True
        hints = _hints(is_non_singular, is_self_adjoint, is_positive_definite, True)
        super().__init__(input_output_dtype, name=name, **hints)

    @property
    def spectrum(self):
        """The eigenvalues, in the shape of the transform."""
        return self._spectrum

    @property
    def block_depth(self):
        """The number of axes of the transform."""
        return self.depth

    @property
    def block_shape(self):
        """The shape of the transform."""
        return shape_of(self._spectrum)[-self.depth :]

    def _shape(self):
        shape = shape_of(self._spectrum)
        size = int(np.prod(shape.as_list()[-self.depth :]))
        return shape[: -self.depth].concatenate([size, size])

    def _transforms(self):
        return {
            1: (raw.FFT, raw.IFFT),
            2: (raw.FFT2D, raw.IFFT2D),
            3: (raw.FFT3D, raw.IFFT3D),
        }[self.depth]

    def _complex(self, x):
        wide = self.dtype in (dtypes.float64, dtypes.complex128)
        return cast(x, dtypes.complex128 if wide else dtypes.complex64)

    def _filtered(self, x, spectrum):
        """Columns of x, transformed, scaled, and transformed back."""
        forward, backward = self._transforms()
        rows = bands.matrix_transpose(self._complex(x))
        lead = rows.shape.as_list()[:-1]
        block = self.block_shape.as_list()
        grid = raw.Reshape(tensor=rows, shape=np.array([*lead, *block], np.int32))
        scale = spectrum
        if scale.shape.rank > self.depth:
            scale = raw.ExpandDims(input=scale, axis=-self.depth - 1)
        result = backward(input=forward(input=grid) * scale)
        lead = result.shape.as_list()[: -self.depth]
        flat = raw.Reshape(tensor=result, shape=np.array([*lead, int(np.prod(block))], np.int32))
        flat = bands.matrix_transpose(flat)
        if self.dtype.is_complex:
            return cast(flat, self.dtype)
        return raw.Real(input=flat, Tout=self.dtype)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = bands.adjoint(x) if adjoint_arg else x
        spectrum = self._complex(convert_to_tensor(self._spectrum))
        return self._filtered(x, conj(spectrum) if adjoint else spectrum)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = bands.adjoint(rhs) if adjoint_arg else rhs
        spectrum = self._complex(convert_to_tensor(self._spectrum))
        spectrum = conj(spectrum) if adjoint else spectrum
        return self._filtered(rhs, 1.0 / spectrum)

    def _flat_spectrum(self):
        spectrum = convert_to_tensor(self._spectrum)
        lead = spectrum.shape.as_list()[: -self.depth]
        return raw.Reshape(tensor=spectrum, shape=np.array([*lead, -1], np.int32))

    def _determinant(self):
        product = raw.Prod(input=self._flat_spectrum(), axis=[-1])
        if product.dtype.is_complex and not self.dtype.is_complex:
            return raw.Real(input=product, Tout=self.dtype)
        return cast(product, self.dtype)

    def _log_abs_determinant(self):
        spectrum = self._flat_spectrum()
        size = raw.ComplexAbs(x=spectrum, Tout=spectrum.dtype.real_dtype) if (
            spectrum.dtype.is_complex
        ) else raw.Abs(x=spectrum)
        total = raw.Sum(input=raw.Log(x=size), axis=[-1])
        return cast(total, self.dtype.real_dtype if self.dtype.is_complex else self.dtype)

    def convolution_kernel(self, name="convolution_kernel"):
        """The first column: the inverse transform of the spectrum."""
        _, backward = self._transforms()
        kernel = backward(input=self._complex(convert_to_tensor(self._spectrum)))
        if self.dtype.is_complex:
            return cast(kernel, self.dtype)
        return raw.Real(input=kernel, Tout=self.dtype)


@export("linalg.LinearOperatorCirculant")
class LinearOperatorCirculant(_Circulant):
    """Circulant matrices, given by their spectrum."""


@export("linalg.LinearOperatorCirculant2D")
class LinearOperatorCirculant2D(_Circulant):
    """Block circulant matrices with circulant blocks, given by their spectrum."""

    depth = 2

    def __init__(
        self,
        spectrum,
        input_output_dtype=dtypes.complex64,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=True,
        name="LinearOperatorCirculant2D",
    ):
        super().__init__(
            spectrum,
            input_output_dtype,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )


@export("linalg.LinearOperatorCirculant3D")
class LinearOperatorCirculant3D(_Circulant):
    """Circulant matrices nested twice, given by their spectrum."""

    depth = 3

    def __init__(
        self,
        spectrum,
        input_output_dtype=dtypes.complex64,
        is_non_singular=None,
        is_self_adjoint=None,
        is_positive_definite=None,
        is_square=True,
        name="LinearOperatorCirculant3D",
    ):
        super().__init__(
            spectrum,
            input_output_dtype,
            is_non_singular,
            is_self_adjoint,
            is_positive_definite,
            is_square,
            name,
        )
