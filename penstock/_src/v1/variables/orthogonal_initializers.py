"""Initializers of v1 that are linear isometries: identity and orthogonal matrices, orthogonal kernels of convolutions."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.api import initializers as v2
from penstock._src.api.array.creation import plain_constant as constant
from penstock._src.api.linalg.bands import eye
from penstock._src.api.random.functions import normal
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.util.export import export
from penstock._src.v1.variables.initializers import Floating


def _orthonormal(matrix: Any) -> Any:
    """A matrix with orthonormal columns: the Q of a normal one, with signs that make it uniform (Mezzadri 2007)."""
    q, r = raw.Qr(input=matrix)
    return q * raw.Sign(x=raw.MatrixDiagPart(input=r))


def made_orthogonal(shape: Any, numbers: Callable[[list[int]], Any]) -> Any:
    """Return a tensor that is a matrix with orthonormal rows or columns if all axes but the last are merged.

    Args:
      shape: of the tensor.
      numbers: draws normal numbers in a shape.
    """
    extents = [int(extent) for extent in shape]
    if len(extents) < 2:
        raise ValueError(
            f"The tensor to initialize must be at least two-dimensional. Received shape={shape}"
        )
    rows, columns = math.prod(extents[:-1]), extents[-1]
    matrix = _orthonormal(numbers([max(rows, columns), min(rows, columns)]))
    if rows < columns:
        matrix = raw.Transpose(x=matrix, perm=[1, 0])
    return raw.Reshape(tensor=matrix, shape=extents)


class _WithGain(Floating, v2.Initializer):
    """An initializer of a gain, a seed and a dtype."""

    _arguments: tuple[str, ...] = ("gain", "seed")

    def __init__(self, gain: float = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.gain, self.seed = gain, seed


@export(v1=["orthogonal_initializer", "initializers.orthogonal"])
class Orthogonal(_WithGain):
    """A matrix with orthogonal rows or columns (Saxe et al. 2014); all axes but the last are its rows."""

    def _value(self, shape: Any, dtype: Any, whole: Any) -> Any:
        return self.gain * made_orthogonal(
            shape, lambda flat: normal(flat, 0.0, 1.0, dtype, self.seed)
        )


@export(v1=["initializers.identity"])
class Identity(Floating, v2.Initializer):
    """A matrix with `gain` on its diagonal; of a partitioned variable, the part of that matrix."""

    _arguments = ("gain",)

    def __init__(self, gain: float = 1.0, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """The first value of a variable."""
        whole = shape if partition_info is None else partition_info.full_shape
        if len(whole) != 2:
            raise ValueError(
                "Identity matrix initializer: the tensor to initialize must be two-dimensional. "
                f"Received shape={shape}"
            )
        offset = [0, 0] if partition_info is None else partition_info.var_offset
        rows, columns = (
            np.arange(start, start + int(extent)) for start, extent in zip(offset, shape)
        )
        return constant(
            self.gain * (rows[:, None] == columns), dtypes.as_dtype(dtype or self.dtype)
        )


class _Kernel(_WithGain):
    """An orthogonal kernel of a convolution, with axes (spatial axes, inputs, outputs), inputs <= outputs."""

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """The first value of a variable."""
        extents = [int(extent) for extent in shape]
        self._check(extents)
        if extents[-2] > extents[-1]:
            raise ValueError(
                f"In_filters, specified by shape[-2]={extents[-2]} cannot be greater than "
                f"out_filters, specified by shape[-1]={extents[-1]}."
            )
        return self._kernel(extents, dtypes.as_dtype(dtype or self.dtype))

    def _check(self, extents: list[int]) -> None:
        raise NotImplementedError

    def _kernel(self, extents: list[int], dtype: Any) -> Any:
        raise NotImplementedError


class ConvolutionDeltaOrthogonal(_Kernel):
    """A kernel that is zero but at its center, where it is orthogonal (Xiao et al. 2018, algorithm 2)."""

    def _check(self, extents: list[int]) -> None:
        if not 3 <= len(extents) <= 5:
            raise ValueError(
                "The tensor to initialize must be at least three-dimensional and at most "
                f"five-dimensional. Received shape={extents}"
            )

    def _kernel(self, extents: list[int], dtype: Any) -> Any:
        *spatial, inputs, outputs = extents
        matrix = _orthonormal(normal([outputs, outputs], 0.0, 1.0, dtype, self.seed))
        matrix = matrix[:inputs] * self.gain
        center = [(extent - 1) // 2 for extent in spatial]
        return raw.ScatterNd(indices=[center], updates=matrix[None], shape=extents)


class _ConvolutionOrthogonal(_Kernel):
    """A kernel of extent k per axis that keeps norms in a convolution with circular padding (Xiao et al. 2018, algorithm 1).

    It is the convolution of k - 1 kernels of extent 2, each made of a symmetric projection P per axis: P at 0 and I - P at 1,
    or the other way round. Each random matrix takes the next seed.
    """

    # The number of spatial axes; whether the projections stand at 1 instead of at 0.
    spatial_rank = 0
    reflected = False

    def _check(self, extents: list[int]) -> None:
        if len(extents) != self.spatial_rank + 2:
            words = {3: "three", 4: "four", 5: "five"}
            raise ValueError(
                f"The tensor to initialize must be {words[self.spatial_rank + 2]}-dimensional. "
                f"Received shape={extents}"
            )
        if len(set(extents[:-2])) != 1:
            raise ValueError(f"Kernel sizes must be equal. Received {extents[:-2]}.")

    def _kernel(self, extents: list[int], dtype: Any) -> Any:
        size, (inputs, outputs) = extents[0], extents[-2:]
        first = self._matrix(outputs)[:inputs]
        parts = {(0,) * self.spatial_rank: eye(outputs, dtype=self.dtype)}
        for step in range(size - 1):
            block = self._block(outputs)
            parts = block if step == 0 else _convolved(parts, block)
        flat = [raw.MatMul(a=first, b=parts[place]) for place in sorted(parts)]
        return raw.Reshape(tensor=raw.Pack(values=flat), shape=extents) * self.gain

    def _matrix(self, size: int) -> Any:
        matrix = _orthonormal(normal([size, size], 0.0, 1.0, self.dtype, self.seed))
        self._advance()
        return matrix

    def _advance(self) -> None:
        if self.seed:
            self.seed += 1

    def _projection(self, size: int) -> Any:
        """A random symmetric projection: onto about half of the columns of an orthogonal matrix."""
        columns = self._matrix(size)
        chosen = normal([size], seed=self.seed) > 0
        self._advance()
        kept = columns * raw.Cast(x=chosen, DstT=self.dtype)
        return raw.MatMul(a=kept, b=kept, transpose_b=True)

    def _block(self, size: int) -> dict[tuple[int, ...], Any]:
        """The matrices of a kernel of extent 2, by their positions."""
        whole = eye(size, dtype=self.dtype)
        pairs = [(p, whole - p) for p in (self._projection(size) for _ in range(self.spatial_rank))]
        block = {}
        for place in itertools.product((0, 1), repeat=self.spatial_rank):
            factors = [pair[at != self.reflected] for pair, at in zip(pairs, place)]
            matrix = factors[0]
            for factor in factors[1:]:
                matrix = raw.MatMul(a=matrix, b=factor)
            block[place] = matrix
        return block


def _convolved(left: dict[Any, Any], right: dict[Any, Any]) -> dict[tuple[int, ...], Any]:
    """The convolution of two kernels of matrices."""
    sums: dict[tuple[int, ...], Any] = {}
    for (i, a), (j, b) in itertools.product(sorted(left.items()), sorted(right.items())):
        place, product = tuple(map(sum, zip(i, j))), raw.MatMul(a=a, b=b)
        sums[place] = product if place not in sums else sums[place] + product
    return sums


class ConvolutionOrthogonal1D(_ConvolutionOrthogonal):
    """An orthogonal kernel of a convolution along one axis."""

    spatial_rank = 1


class ConvolutionOrthogonal2D(_ConvolutionOrthogonal):
    """An orthogonal kernel of a convolution along two axes."""

    spatial_rank = 2


class ConvolutionOrthogonal3D(_ConvolutionOrthogonal):
    """An orthogonal kernel of a convolution along three axes."""

    spatial_rank = 3
    reflected = True
