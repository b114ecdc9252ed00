"""Transpositions, reversals and rolls."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import SLOWEST, HostKernel, Values
from penstock._src.core.calls.refusals import RefusedValue
from penstock._src.core.op import Op
from penstock._src.core.registry import raw
from penstock._src.core.shapes import UNKNOWN, unknown_shape
from penstock._src.core.typesets import ANY, BOOL, COMPLEX, FLOAT, INDEX, INTEGER, STRING
from penstock._src.ir.errors import NotLowerable
from penstock._src.ir.extents import dims
from penstock._src.native.algorithms.orders.permutations import inverses
from penstock._src.native.systems import runs_native_code
from penstock._src.ops import infer
from penstock._src.ops.array.slice import contiguous
from penstock._src.ops.rules import conj, numbers_of, show, static_value, value_of

_FEWEST = 256  # elements of a permutation for which native code pays
REVERSIBLE = FLOAT | INTEGER | COMPLEX | BOOL | STRING


class Transpose(Op):
    """The tensor with its axes in the order of `perm`."""

    ranks = {"perm": (1,)}
    signature = "x: T, perm: Tperm -> y: T"
    host_kernel = HostKernel(opens="wide", alike="perm")
    values = Values(rounds_nothing=True, keeps_finite=True)
    T = ANY
    Tperm: INDEX = dtypes.int32

    def shape(self, x, perm):
        order, count = infer.value_or_none(perm), infer.vector_length(perm)
        if None not in (x.rank, count) and x.rank != count:
            raise ValueError(f"Dimension must be {x.rank} but is {count}")
        if order is None:
            return unknown_shape(x.rank if x.rank is not None else infer.vector_length(perm))
        if x.rank is None:
            return unknown_shape(len(order))
        for a in order:
            if not -x.rank <= a < x.rank:
                raise ValueError(f"perm dim {a} is out of range of input rank {x.rank}")
        # An axis that is named twice is refused when the op runs.
        return [x[a % x.rank] for a in order]

    def gradient(self, _x, perm, _y, dy):
        order = static_value(perm)
        if order is not None:
            rank = max(order.size, 1)
            inverse = np.argsort(order % rank, kind="stable").astype(np.int32)
            return raw.Transpose(dy, inverse), None
        return raw.Transpose(dy, raw.InvertPermutation(perm)), None

    def eager(self, x, perm):
        return contiguous(x.transpose(self.order(x, perm)))

    def eager_given(self, constant, x, perm):
        if not constant[1]:
            return None
        order = self.order(x, perm)
        return lambda x: contiguous(x.transpose(order))

    def order(self, x, perm):
        """Returns the permutation as a tuple.

        Raises:
          InvalidArgumentError: it is not one of the axes of x.
        """
        rank = x.ndim
        if perm.ndim != 1:
            raise self.invalid(f"perm must be rank 1, got shape {show(perm.shape)}")
        if perm.size != rank:
            raise self.invalid(
                f"transpose expects a vector of size {rank}. But input(1) is a vector of size "
                f"{perm.size}"
            )
        order = []
        for a in perm.tolist():
            if not -rank <= a < rank:
                raise self.invalid(f"{a} is out of range [0 .. {rank})")
            order.append(a % rank)
        for a in range(rank):
            if a not in order:
                listed = ",".join(map(str, order))
                raise self.invalid(f"{a} is missing from {{{listed}}}.")
        return tuple(order)

    def lower(self, p, x, perm):
        order = [int(a) for a in value_of(p, perm, "the permutation")]
        rank = len(x.shape)
        if sorted(a % max(rank, 1) for a in order) != list(range(rank)):
            raise NotLowerable("an invalid permutation")
        return p.transpose(x, [a % rank for a in order])


class ConjugateTranspose(Transpose):
    """The complex conjugate with its axes in the order of `perm`."""

    def gradient(self, _x, perm, _y, dy):
        return conj(raw.Transpose(dy, raw.InvertPermutation(perm))), None

    def eager(self, x, perm):
        transposed = super().eager(x, perm)
        return np.conj(transposed) if self.T.is_complex else transposed

    def lower(self, p, x, perm):
        transposed = super().lower(p, x, perm)
        return p.conj(transposed) if self.T.is_complex else transposed


class InvertPermutation(Op):
    """The inverse permutation: y[x[i]] = i."""

    signature = "x: T[?] -> y: T[x]"
    T: INDEX = dtypes.int32
    differentiable = False

    def eager(self, x):
        if x.ndim != 1:
            raise self.invalid("invert_permutation expects a 1D vector.")
        if x.size >= _FEWEST and runs_native_code():
            out, order = np.empty(x.size, x.dtype), np.ascontiguousarray(x)
            if inverses(f"i{8 * x.itemsize}").invert(order, x.size, out):
                raise self._refusal(x)
            return out
        out = np.full(x.size, -1, x.dtype)
        if not x.size:
            return out
        if x.min() < 0 or x.max() >= x.size:
            raise self._refusal(x)
        out[x] = np.arange(x.size, dtype=x.dtype)
        if out.min() < 0:  # no element has this number, so two have another
            raise self._refusal(x)
        return out

    def _refusal(self, x):
        seen = set()
        for number in x.tolist():
            if not 0 <= number < x.size:
                return self.invalid(f"{number} is not between 0 and {x.size}")
            if number in seen:
                return self.invalid(f"{number} is duplicated in the input.")
            seen.add(number)

    def lower(self, p, x):
        value = value_of(p, x, "the permutation")
        if value.ndim != 1 or sorted(value.tolist()) != list(range(value.size)):
            raise NotLowerable("an invalid permutation")
        return p.constant(np.argsort(value).astype(self.T.np), self.T)


# -- reversals -------------------------------------------------------------------------------------


class ReverseV2(Op):
    """The tensor reversed along axes."""

    ranks = {"axis": (1,)}
    signature = "tensor: T, axis: Tidx -> output: T"
    values = Values(rounds_nothing=True)
    T = REVERSIBLE
    Tidx: INDEX = dtypes.int32
    vectorize = "rows, axis"

    def shape(self, tensor, axis):
        axes = infer.value_or_none(axis)
        if axes is not None and tensor.rank is not None:
            self.checked(axes, tensor.rank)
        return tensor

    def gradient(self, _tensor, axis, _output, dy):
        return raw.ReverseV2(dy, axis), None

    def eager(self, tensor, axis):
        if not tensor.ndim:
            return tensor
        if axis.ndim != 1:
            raise self.invalid(f"'dims' must be 1-dimension, not {axis.ndim}")
        try:
            axes = self.checked(axis.tolist(), tensor.ndim)
        except RefusedValue as error:
            raise self.invalid(str(error)) from None
        return contiguous(np.flip(tensor, axes))

    @staticmethod
    def checked(axes, rank):
        """Returns axes counted from the front.

        Raises:
          RefusedValue: one is out of range, or given twice.
        """
        axes_from_front = []
        for i, a in enumerate(axes):
            if not -rank <= a < rank:
                raise RefusedValue(f"'axis'[{i}] = {a} is out of valid range [0, {rank - 1}")
            if a % rank in axes_from_front:
                raise RefusedValue(f"axis {a % rank} specified more than once.")
            axes_from_front.append(a % rank)
        return tuple(axes_from_front)

    def lower(self, p, tensor, axis):
        rank = len(tensor.shape)
        axes = [int(a) for a in value_of(p, axis, "the axes").ravel()]
        if any(not -rank <= a < rank for a in axes) or len({a % rank for a in axes}) != len(axes):
            raise NotLowerable("axes out of range, or twice")
        return p.reverse(tensor, [a % rank for a in axes]) if axes else tensor


class Reverse(Op):
    """The tensor reversed along the axes for which `dims` is true."""

    ranks = {"dims": (1,)}
    signature = "tensor: T, dims: bool -> output: T"
    T = REVERSIBLE

    def shape(self, tensor, dims):
        return tensor.with_rank(infer.vector_length(dims))

    def gradient(self, _tensor, dims, _output, dy):
        return raw.Reverse(dy, dims), None

    def eager(self, tensor, dims):
        if dims.ndim != 1 or dims.size != tensor.ndim:
            raise self.invalid(
                f"'dims' must have one entry for each of the {tensor.ndim} dimensions. Received "
                f"{show(dims.shape)}"
            )
        return contiguous(np.flip(tensor, tuple(np.flatnonzero(dims).tolist())))

    def lower(self, p, tensor, dims):
        chosen = value_of(p, dims, "which axes").ravel()
        if chosen.size != len(tensor.shape):
            raise NotLowerable("dims of another length")
        axes = np.flatnonzero(chosen).tolist()
        return p.reverse(tensor, axes) if axes else tensor


class ReverseSequence(Op):
    """Reverses the first seq_lengths elements of each batch along an axis; the rest is unchanged."""

    host_kernel = HostKernel(compiles_from=SLOWEST)
    signature = "input: T, seq_lengths: Tlen -> output: T"
    T = ANY
    Tlen: INDEX = dtypes.int64
    seq_dim: int
    batch_dim: int = 0

    def shape(self, input, seq_lengths):
        lengths = seq_lengths.with_rank(1)
        if input.rank is None:
            return UNKNOWN
        for name, axis in (("seq_dim", self.seq_dim), ("batch_dim", self.batch_dim)):
            if axis >= input.rank:
                raise ValueError(f"{name} must be < input rank: {axis} vs. {input.rank}")
        dims, size = input.as_list(), lengths[0]
        if None not in (size, dims[self.batch_dim]) and size != dims[self.batch_dim]:
            raise ValueError(f"Dimensions must be equal, but are {dims[self.batch_dim]} and {size}")
        dims[self.batch_dim] = size if dims[self.batch_dim] is None else dims[self.batch_dim]
        return dims

    def gradient(self, _input, seq_lengths, _output, dy):
        back = raw.ReverseSequence(dy, seq_lengths, seq_dim=self.seq_dim, batch_dim=self.batch_dim)
        return back, None

    def eager(self, input, seq_lengths):
        batch, line = self.batch_dim, self.seq_dim
        if batch == line:
            raise self.invalid(f"batch_dim == seq_dim == {batch}")
        for name, axis in (("seq_dim", line), ("batch_dim", batch)):
            if axis < 0:
                raise self.invalid(f"Invalid {name} {axis}")
            if axis >= input.ndim:
                raise self.invalid(f"{name} must be < input rank ( {axis} vs. {input.ndim})")
        if seq_lengths.ndim != 1:
            raise self.invalid(f"seq_lengths must be 1-dim, not {seq_lengths.ndim}")
        if seq_lengths.size != input.shape[batch]:
            raise self.invalid(
                f"Length of seq_lengths != input.dims({batch}), ({seq_lengths.size} vs. "
                f"{input.shape[batch]})"
            )
        whole = input.shape[line]
        for i, length in enumerate(seq_lengths.tolist()):
            if length < 0:
                raise self.invalid(f"seq_lens({i}) < 0")
            if length > whole:
                raise self.invalid(f"seq_lens({i}) > input.dims({line})")
        places = np.arange(whole)
        lengths = seq_lengths.reshape(-1, 1)
        source = np.where(places < lengths, lengths - 1 - places, places)
        shape = [1] * input.ndim
        shape[batch], shape[line] = input.shape[batch], whole
        if line < batch:
            source = source.T
        return np.take_along_axis(input, source.reshape(shape), line)

    def lower(self, p, input, seq_lengths):
        batch, line, rank = self.batch_dim, self.seq_dim, len(input.shape)
        fits = batch != line and max(batch, line) < rank and min(batch, line) >= 0
        if not fits or tuple(seq_lengths.shape) != (input.shape[batch],) or self.T.np.hasobject:
            raise NotLowerable("lengths that do not fit")
        lengths = p.cast(seq_lengths, dtypes.int32)
        whole = input.shape[line]
        size = p.scalar(whole, dtypes.int32)
        inside = p.and_(p.ge(lengths, 0), p.le(lengths, size))
        p.check(p.reduce_all(inside), "ReverseSequence: a length is not within the axis")
        order = [batch, line, *[i for i in range(rank) if i not in (batch, line)]]
        rows = p.transpose(input, order)
        shape = rows.shape[:2]
        places = p.iota(shape, 1, dtypes.int32)
        wide = p.broadcast_to(p.expand_dims(lengths, 1), shape)
        source = p.select(p.lt(places, wide), p.sub(p.sub(wide, 1), places), places)
        rows_reversed = p.gather(rows, source, 1, 1)
        return p.transpose(rows_reversed, np.argsort(order).tolist())


class Roll(Op):
    """The elements shifted cyclically along axes."""

    signature = "input: T, shift: Tshift, axis: Taxis -> output: T"
    T = ANY
    Tshift = INDEX
    Taxis = INDEX

    def shape(self, input, shift, axis):
        input.with_rank_at_least(1)
        shift.with_rank_at_most(1)
        axis.with_rank_at_most(1)
        infer.merged(shift, axis)
        return input

    def gradient(self, _input, shift, axis, _output, dy):
        return raw.Roll(dy, raw.Neg(shift), axis), None, None

    def eager(self, input, shift, axis):
        if not input.ndim:
            raise self.invalid("input must be 1-D or higher")
        for name, vector in (("shift", shift), ("axis", axis)):
            if vector.ndim > 1:
                raise self.invalid(
                    f"{name} must be a scalar or a 1-D vector. Found: {show(vector.shape)}"
                )
        if shift.shape != axis.shape:
            raise self.invalid("shift and axis must have the same size")
        axes = axis.ravel().tolist()
        for a in axes:
            if not -input.ndim <= a < input.ndim:
                a += input.ndim if a < 0 else 0
                raise self.invalid(f"axis {a} is out of range")
        return np.roll(input, shift.ravel().tolist(), axes)

    def lower(self, p, input, shift, axis):
        shifts = numbers_of(p, shift, "the shift").ravel().tolist()
        axes = [int(a) for a in value_of(p, axis, "the axis").ravel()]
        rank = len(input.shape)
        if shift.shape != axis.shape or any(not -rank <= a < rank for a in axes):
            raise NotLowerable("an axis out of range")
        for amount, a in zip(shifts, axes):
            at, size = a % rank, input.shape[a]
            cut = amount % size if size else 0
            if dims.same(cut, 0):
                continue
            head = p.slice_axis(input, at, 0, size - cut)
            input = p.concat([p.slice_axis(input, at, size - cut, size), head], at)
        return input
