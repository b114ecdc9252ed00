"""LinearOperatorToeplitz and LinearOperatorCirculant(2D, 3D): convolution matrices."""

import numpy as np

from penstock._src.api.debugging import asserts
from penstock._src.api.linalg.bands import matrix_transpose
from penstock._src.api.linalg.operators import shapes
from penstock._src.api.linalg.operators.base import LinearOperator
from penstock._src.api.linalg.operators.hints import with_hints
from penstock._src.api.math.complex_numbers import conj, imag
from penstock._src.api.math.elementwise import abs as magnitude
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_max, reduce_min, reduce_prod, reduce_sum
from penstock._src.api.signal import fourier
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

# The transforms over 1, 2 and 3 axes.
FORWARD = {1: fourier.fft, 2: fourier.fft2d, 3: fourier.fft3d}
INVERSE = {1: fourier.ifft, 2: fourier.ifft2d, 3: fourier.ifft3d}


def complex_of(dtype):
    """The complex dtype of the transforms of this dtype."""
    return dtypes.complex128 if dtype.real_dtype == dtypes.float64 else dtypes.complex64


def _as(x, dtype):
    """Casts `x` to `dtype`; complex to real takes the real part."""
    if x.dtype.is_complex and not dtype.is_complex:
        x = raw.Real(input=x, Tout=x.dtype.real_dtype)
    return cast(x, dtype)


@export("linalg.LinearOperatorToeplitz")
class LinearOperatorToeplitz(LinearOperator):
    """The matrix with constant diagonals, first column `col` and first row `row`.

    Args:
      col: `[..., n]`; `col[..., 0]` is the diagonal.
      row: `[..., n]`; its first number is not read.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    _matrix_axes = {"col": 1, "row": 1}

    @with_hints()
    def __init__(self, col, row, hints):
        self._row = shapes.parameter(row, "row")
        self._col = shapes.parameter(col, "col")
        shapes.check_matrix(self._row, "row", rank=1, floating=False)
        shapes.check_matrix(self._col, "col", rank=1, floating=False)
        if self._row.dtype != self._col.dtype:
            raise TypeError(
                f"Expected `row` and `col` of the same dtype. Received {self._row.dtype}, {self._col.dtype}."
            )
        square = "Only square Toeplitz operators currently supported."
        hints.require("is_square", True, square)
        extents = self._row.shape[-1], self._col.shape[-1]
        if None not in extents and extents[0] != extents[1]:
            raise ValueError("Expected square matrix, got row and col with mismatched dimensions.")
        super().__init__(self._row.dtype, **hints)

    col = read_only("_col", "The first column.")
    row = read_only("_row", "The first row.")

    def _shape(self):
        batch = shapes.broadcast_static(self._row.shape[:-1], self._col.shape[:-1])
        n = self._row.shape[-1] if self._col.shape[-1] is None else self._col.shape[-1]
        return batch.concatenate([n, n])

    def _shape_tensor(self):
        row, col = shapes.vector(self._row), shapes.vector(self._col)
        batch = shapes.broadcast_vectors(row[:-1], col[:-1])
        return shapes.joined(batch, row[-1], row[-1])

    def _circle(self):
        """The first column of the embedding circulant: the first column, then the reversed row without its first
        element."""
        col, row = shapes.broadcast_matrices(
            shapes.to_column(shapes.read(self._col)), shapes.to_column(shapes.read(self._row))
        )
        col, row = shapes.from_column(col), shapes.from_column(row)
        back = raw.ReverseV2(tensor=row[..., 1:], axis=[-1])
        return raw.ConcatV2(values=[col, back], axis=np.int32(-1))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        # a Toeplitz matrix is a corner of a circulant one of 2n - 1 rows
        x = matrix_transpose(shapes.adjoint_if(adjoint_arg, x))
        n, kind = self._columns(), complex_of(self.dtype)
        spectrum = fourier.fft(cast(self._circle(), kind))
        spectrum = raw.ExpandDims(input=spectrum, axis=np.int32(-2))
        spectrum = conj(spectrum) if adjoint else spectrum
        full = shapes.vector(x)
        zeros = raw.Fill(dims=shapes.joined(full[:-1], n - 1), value=np.asarray(0, self.dtype.np))
        padded = cast(raw.ConcatV2(values=[x, zeros], axis=np.int32(-1)), kind)
        product = fourier.ifft(fourier.fft(padded) * spectrum)
        return matrix_transpose(_as(product[..., :n], self.dtype))

    def _to_dense(self):
        n = self._columns()
        places = raw.Range(start=np.int32(0), limit=n, delta=np.int32(1))
        distance = raw.ExpandDims(input=places, axis=np.int32(1)) - places
        indices = raw.FloorMod(x=distance, y=2 * n - 1)
        return raw.GatherV2(params=self._circle(), indices=indices, axis=np.int32(-1))

    def _diag_part(self):
        batch, n = self._shape_vector()[:-2], self._columns()
        return raw.BroadcastTo(input=shapes.read(self._col)[..., :1], shape=shapes.joined(batch, n))

    def _trace(self):
        first = shapes.read(self._col)[..., 0]
        batch = self._shape_vector()[:-2]
        return cast(self._columns(), self.dtype) * raw.BroadcastTo(input=first, shape=batch)

    def _assert_self_adjoint(self):
        return asserts.assert_equal(
            shapes.read(self._row)[..., 1:],
            conj(shapes.read(self._col))[..., 1:],
            message="row and col are not the same, and so this operator is not self-adjoint.",
        )


class _BaseLinearOperatorCirculant(LinearOperator):
    """A matrix that is diagonalized by the discrete Fourier transform over `block_depth` axes."""

    _depth = 1

    @with_hints(is_square=True, name="LinearOperatorCirculant")
    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, hints=None):
        self._spectrum = shapes.parameter(spectrum, "spectrum")
        shapes.check_matrix(self._spectrum, "spectrum", rank=self._depth)
        if not hints["is_square"]:
            raise ValueError("A circulant operator is always square.")
        hints["is_square"] = True
        dtype = dtypes.as_dtype(input_output_dtype)
        if not self._spectrum.dtype.is_complex:
            self_adjoint = "A real spectrum always corresponds to a self-adjoint operator."
            hints.require("is_self_adjoint", True, self_adjoint)
        super().__init__(dtype, **hints)

    @property
    def _matrix_axes(self):
        return {"spectrum": self._depth}

    block_depth = read_only("_depth", "Number of axes of the transform.")

    @property
    def block_shape(self):
        """The static extents of those axes."""
        return self._spectrum.shape[-self._depth :]

    def block_shape_tensor(self):
        """The extents of those axes as an int32 vector.

        Returns:
          An int32 vector.
        """
        return raw.Identity(input=self._block())

    def _block(self):
        return shapes.vector(self._spectrum)[-self._depth :]

    spectrum = read_only("_spectrum", "The eigenvalues, in the form of the transform's axes.")

    def _shape(self):
        n = self.block_shape.num_elements()
        return self._spectrum.shape[: -self._depth].concatenate([n, n])

    def _shape_tensor(self):
        n = raw.Prod(input=self._block(), axis=np.int32(0))
        return shapes.joined(shapes.vector(self._spectrum)[: -self._depth], n, n)

    @property
    def _kind(self):
        """The complex dtype of the transforms."""
        wide = dtypes.float64 in (self.dtype.real_dtype, self._spectrum.dtype.real_dtype)
        return dtypes.complex128 if wide else dtypes.complex64

    def _values(self):
        return shapes.read(self._spectrum)

    def _complex_spectrum(self):
        return cast(self._values(), self._kind)

    def _flat_spectrum(self):
        values = self._values()
        batch = shapes.vector(values)[: -self._depth]
        return raw.Reshape(tensor=values, shape=shapes.joined(batch, self._columns()))

    def _transformed(self, x, apply):
        """`apply(values, spectrum)` on the transform of the columns of `x`, transformed back."""
        columns = matrix_transpose(x)
        lead = shapes.vector(columns)[:-1]
        blocks = raw.Reshape(
            tensor=cast(columns, self._kind), shape=shapes.joined(lead, self._block())
        )
        spectrum = raw.ExpandDims(input=self._complex_spectrum(), axis=np.int32(-self._depth - 1))
        result = INVERSE[self._depth](apply(FORWARD[self._depth](blocks), spectrum))
        batch = shapes.vector(result)[: -self._depth]
        flat = raw.Reshape(tensor=result, shape=shapes.joined(batch, self._columns()))
        return matrix_transpose(_as(flat, self.dtype))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        def apply(values, spectrum):
            return values * (conj(spectrum) if adjoint else spectrum)

        return self._transformed(shapes.adjoint_if(adjoint_arg, x), apply)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        def apply(values, spectrum):
            return values / (conj(spectrum) if adjoint else spectrum)

        return self._transformed(shapes.adjoint_if(adjoint_arg, rhs), apply)

    def convolution_kernel(self, name="convolution_kernel"):
        """The convolution kernel: the inverse transform of the spectrum.

        Args:
          name: of the operations.

        Returns:
          A tensor of the operator's dtype.
        """
        with self._scope(name):
            kernel = INVERSE[self._depth](self._complex_spectrum())
            return cast(kernel, self.dtype)

    def _eigvals(self):
        return self._flat_spectrum()

    def _determinant(self):
        return _as(reduce_prod(self._flat_spectrum(), -1), self.dtype)

    def _log_abs_determinant(self):
        logs = raw.Log(x=magnitude(self._flat_spectrum()))
        return cast(reduce_sum(logs, -1), self.dtype)

    def _trace(self):
        return _as(reduce_sum(self._flat_spectrum(), -1), self.dtype)

    def _diag_part(self):
        n = self._columns()
        value = self._trace() / cast(n, self.dtype)
        return raw.BroadcastTo(
            input=shapes.to_column(value), shape=shapes.joined(shapes.vector(value), n)
        )

    def _cond(self):
        sizes = magnitude(self._flat_spectrum())
        return reduce_max(sizes, -1) / reduce_min(sizes, -1)

    def assert_hermitian_spectrum(self, name="assert_hermitian_spectrum"):
        """An assertion that the operator is a matrix of real numbers.

        Args:
          name: of the operations.

        Returns:
          In a graph the operation that checks, else None.
        """
        with self._scope(name):
            kernel = INVERSE[self._depth](self._complex_spectrum())
            imaginary = magnitude(imag(kernel))
            limit = 5 * np.finfo(imaginary.dtype.np).eps * reduce_max(magnitude(kernel))
            return asserts.assert_less_equal(imaginary, limit, message="Spectrum was not Hermitian")

    def _assert_non_singular(self):
        sizes = magnitude(self._values())
        return asserts.assert_less(
            cast(0, sizes.dtype),
            sizes,
            message="Singular operator:  Spectrum contained zero values.",
        )

    def _assert_positive_definite(self):
        values = self._values()
        return asserts.assert_positive(
            raw.Real(input=values, Tout=values.dtype.real_dtype)
            if values.dtype.is_complex
            else values,
            message="Not positive definite:  Real part of spectrum was not all positive.",
        )

    def _assert_self_adjoint(self):
        return shapes.assert_real(
            self._values(),
            "Not self-adjoint:  The spectrum contained non-zero imaginary part.",
        )

    def _like(self, spectrum, **hints):
        """The same kind of operator with another spectrum."""
        return type(self)(spectrum, self.dtype, is_square=True, **hints)


@export("linalg.LinearOperatorCirculant")
class LinearOperatorCirculant(_BaseLinearOperatorCirculant):
    """The circulant matrix with eigenvalues `spectrum` `[..., n]`; column 0 is their inverse FFT.

    Args:
      spectrum: the FFT of the first column.
      input_output_dtype: the type of the operator, complex or real.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    @with_hints(is_square=True)
    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, hints=None):
        super().__init__(spectrum, input_output_dtype, **hints)


@export("linalg.LinearOperatorCirculant2D")
class LinearOperatorCirculant2D(_BaseLinearOperatorCirculant):
    """The block circulant matrix with eigenvalues `spectrum` `[..., m, n]`, by FFTs of two axes.

    Args:
      spectrum: the two-dimensional FFT of the first column, as an image `[..., m, n]`; complex or
        real.
      input_output_dtype: the type of the operator, complex or real.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    _depth = 2

    @with_hints(is_square=True)
    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, hints=None):
        super().__init__(spectrum, input_output_dtype, **hints)


@export("linalg.LinearOperatorCirculant3D")
class LinearOperatorCirculant3D(_BaseLinearOperatorCirculant):
    """The block circulant matrix with eigenvalues `spectrum` `[..., k, m, n]`, by FFTs of three axes.

    Args:
      spectrum: the three-dimensional FFT of the first column, as a volume `[..., k, m, n]`;
        complex or real.
      input_output_dtype: the type of the operator, complex or real.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints; see LinearOperator.
      name: a name.
    """

    _depth = 3

    @with_hints(is_square=True)
    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, hints=None):
        super().__init__(spectrum, input_output_dtype, **hints)
