"""The update rules of optimizers applied to the rows of variables at `indices`."""

from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.core.shapes import UNKNOWN, TensorShape
from penstock._src.core.typesets import INDEX
from penstock._src.core.values.resources import as_variable, owned
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import quiet, show
from penstock._src.ops.state import training
from penstock._src.ops.state.training import HostMath
from penstock._src.ops.variants import variant


class _SparseApply(Op):
    """Mixin for the op of a dense rule: gathers rows of the variables, applies the rule, and writes the rows back.

    A row that occurs several times is updated once for each occurrence, in order.
    """

    Tindices = INDEX
    ranks = {"indices": (1,)}
    effects = Effects(updates=True)

    def compares_gradient(self, variables):
        return variables[0].is_ref

    def updated_shape(self, variable, inputs):
        if variable.rank == 0:  # the kernel refuses it
            return UNKNOWN
        rows = inputs["indices"].with_rank(1)
        return TensorShape([rows[0]]).concatenate(variable[1:])

    @quiet
    def eager(self, *inputs):
        names = [a.name for a in self.inputs]
        grad, indices = inputs[names.index("grad")], inputs[names.index("indices")]
        handles = [
            as_variable(value, type(self).__name__)
            for argument, value in zip(self.inputs, inputs, strict=True)
            if training.is_variable(argument)
        ]
        arrays = [h.read().copy() for h in handles]
        self.check_scalars(inputs)
        self.check_limits(inputs)
        for name, array in zip(names, arrays):
            if array.shape != arrays[0].shape:
                raise self.invalid(
                    f"var and {name} do not have the same shape{show(arrays[0].shape)} {show(array.shape)}"
                )
        self._check(arrays[0], grad, indices)
        rest = [n for n in names[len(handles) :] if n != "indices"]
        arguments = dict(zip(names, inputs, strict=True))
        for rows in _rounds(indices):
            at = indices[rows]
            tensors = [grad[rows] if n == "grad" else arguments[n] for n in rest]
            updated = self.step(HostMath, *(a[at] for a in arrays), *tensors)
            updated = updated if isinstance(updated, tuple) else (updated,)
            for array, new in zip(arrays, updated, strict=True):
                array[at] = new
        for handle, array in zip(handles, arrays, strict=True):
            handle.value = owned(array)

    def lower(self, p, *inputs):
        return self.lower_rows(p, None, *inputs)

    def lower_rows(self, p, counts, *inputs):
        """`lower` restricted to the valid indices: `counts` is a boolean vector, or None for all."""
        arguments = dict(zip([a.name for a in self.inputs], inputs, strict=True))
        grad, indices = arguments["grad"], arguments["indices"]
        handles = [
            value
            for argument, value in zip(self.inputs, inputs, strict=True)
            if training.is_variable(argument)
        ]
        arrays = [p.read_variable(h) for h in handles]
        self.check_scalars(inputs)
        self.lower_limits(p, inputs)
        if any(array.shape != arrays[0].shape for array in arrays):
            raise NotLowerable("variables of different shapes")
        if indices.rank != 1 or grad.shape != (*indices.shape, *arrays[0].shape[1:]):
            raise NotLowerable("a gradient that does not fit the indices or the variable")
        if not indices.size:
            return ()
        extent = p.scalar(arrays[0].shape[0], indices.dtype)
        within = p.and_(p.ge(indices, 0), p.lt(indices, extent))
        if counts is not None:
            within = p.or_(within, p.not_(counts))
            indices = p.select(counts, indices, -1)
        p.check(p.reduce_all(within), f"{self.op_type}: an index in indices is out of range")
        tensors = [arguments[name] for name in list(arguments)[len(handles) :] if name != "indices"]
        turns, slots = _turns(p, indices)
        turns = turns if counts is None else p.select(counts, turns, -1)
        slot = p.expand_dims(slots, 1)

        def once(turn, *rows):
            place = p.select(p.eq(p.expand_dims(turns, 1), turn), slot, -1)
            gathered = [p.gather(row, slots, 0) for row in rows]
            updated = self.step(p, *gathered, *tensors)
            updated = updated if isinstance(updated, tuple) else (updated,)
            pairs = zip(rows, updated, strict=True)
            return [p.add(turn, 1), *[p.scatter(row, place, new, op="set") for row, new in pairs]]

        last = p.reduce_max(turns, [0])
        # loop over the gathered rows only, so that the variables are updated in place
        rows = [p.gather(array, indices, 0) for array in arrays]
        init = [p.constant(0, dtypes.int32), *rows]
        _, *rows = p.while_(lambda turn, *rows: p.le(turn, last), once, init)
        place = p.expand_dims(p.select(p.eq(turns, 0), indices, -1), 1)
        for handle, array, row in zip(handles, arrays, rows, strict=True):
            p.assign_variable(handle, p.scatter(array, place, row, op="set"))
        return ()

    def _check(self, var, grad, indices):
        if indices.ndim != 1:
            raise self.invalid("indices must be one-dimensional")
        if grad.ndim < 1 or grad.shape[0] != indices.shape[0]:
            raise self.invalid(
                "grad must be the same size as indices in the first dimension. "
                f"Received grad {show(grad.shape)}, indices {show(indices.shape)}"
            )
        if grad.shape[1:] != var.shape[1:]:
            raise self.invalid(
                f"var and grad must match in all but the first dimension. Received var "
                f"{show(var.shape)}, grad {show(grad.shape)}"
            )
        wrong = (indices < 0) | (indices >= var.shape[0])
        if wrong.any():
            at = int(np.argmax(wrong))
            raise self.invalid(f"Index {indices[at]} at offset {at} in indices is out of range")


def for_rows(name: str, rule: type[Op], **members: Any) -> type[Op]:
    """Makes the op that applies a rule to some rows; the input `indices` follows the gradient."""
    signature = rule.signature.replace("delta: T", "grad: T")
    signature = signature.replace("grad: T", "grad: T, indices: Tindices")
    return variant(name, _SparseApply, rule, signature=signature, **members)


def _rounds(indices):
    """Splits the positions of `indices` into rounds without repeated indices."""
    remaining = np.arange(indices.size)
    while remaining.size:
        _, first = np.unique(indices[remaining], return_index=True)
        first.sort()
        yield remaining[first]
        remaining = np.delete(remaining, first)


def _turns(p, indices):
    """Lowers the number of earlier occurrences of each index, and the position of its first occurrence."""
    count = indices.shape[0]
    places = p.iota([count], 0, dtypes.int32)
    ordered, origin = p.sort([indices, places], 0)
    before = p.concat([p.slice_axis(ordered, 0, 0, 1), p.slice_axis(ordered, 0, 0, count - 1)], 0)
    starts = p.or_(p.eq(places, 0), p.ne(ordered, before))
    start = p.cumulative(p.select(starts, places, 0), "max", 0)
    zeros, back = p.full([count], 0, dtypes.int32), p.expand_dims(origin, 1)
    turns = p.scatter(zeros, back, p.sub(places, start), op="set")
    return turns, p.scatter(zeros, back, p.gather(origin, start, 0), op="set")


FTRL_LIMITS = {
    "lr": "positive",
    "l1": "non-negative",
    "l2": "non-negative",
    "l2_shrinkage": "non-negative",
    "lr_power": "non-positive",
}

for_rows("ResourceSparseApplyAdadelta", training.ResourceApplyAdadelta)
for_rows("ResourceSparseApplyAdagrad", training.ResourceApplyAdagrad)
for_rows("ResourceSparseApplyAdagradDA", training.ResourceApplyAdagradDA)
for_rows("ResourceSparseApplyAdagradV2", training.ResourceApplyAdagradV2)
for_rows("ResourceSparseApplyCenteredRMSProp", training.ResourceApplyCenteredRMSProp)
for_rows("ResourceSparseApplyFtrl", training.ResourceApplyFtrl, limits=FTRL_LIMITS)
for_rows("ResourceSparseApplyFtrlV2", training.ResourceApplyFtrlV2, limits=FTRL_LIMITS)
for_rows("ResourceSparseApplyKerasMomentum", training.ResourceApplyKerasMomentum)
for_rows("ResourceSparseApplyMomentum", training.ResourceApplyMomentum)
for_rows("ResourceSparseApplyProximalAdagrad", training.ResourceApplyProximalAdagrad)
for_rows(
    "ResourceSparseApplyProximalGradientDescent", training.ResourceApplyProximalGradientDescent
)
for_rows("ResourceSparseApplyRMSProp", training.ResourceApplyRMSProp)
