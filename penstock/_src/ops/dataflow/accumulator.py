"""Gradient accumulators: sums or means of gradients, taken when there are enough."""

import threading
from typing import Literal

import numpy as np

from penstock._src.core.calls import deadlines
from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import NUMBER
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource
from penstock._src.ops.rules import show
from penstock._src.ops.variants import by_reference


class HostAccumulator(Resource):
    """The sum of gradients; gradients of earlier steps are dropped."""

    def __init__(self, dtype, shape, mean, name="", container=""):
        super().__init__(name, container)
        self.dtype, self.declared, self.mean = dtype, shape, mean
        self.step = self.count = 0
        self.total = None
        self.changed = threading.Condition()

    def apply(self, op, step, gradient):
        """Adds a gradient of a step."""
        with self.changed:
            if step < self.step:
                return
            self.add(op, gradient)
            self.count += 1
            self.changed.notify_all()

    def add(self, op, gradient):
        """Adds a gradient to the sum."""
        if not self.declared.is_compatible_with(gradient.shape):
            raise op.invalid(
                f"Shape mismatch: expected {show(self.declared.as_list())}, got "
                f"{show(gradient.shape)}"
            )
        if self.count and self.total.shape != gradient.shape:
            raise op.invalid(
                f"Shape mismatch: expected {show(self.total.shape)}, got {show(gradient.shape)}"
            )
        self.total = gradient.copy() if not self.count else self.total + gradient

    def take(self, op, required):
        """Waits for `required` gradients, returns their sum or mean, and resets."""
        if required <= 0:
            raise op.invalid(f"Argument num_required must be positive, but got {required}")
        with self.changed:
            deadlines.wait_for(self.changed, lambda: self.count >= required)
            taken = self.average()
            self.step += 1
            self.count, self.total = 0, None
            return taken

    def average(self):
        """The sum, or the mean."""
        divisor = self.total.dtype.type(self.count)
        return self.total / divisor if self.mean else self.total

    def set_step(self, op, step):
        """Moves on to a later step."""
        with self.changed:
            self.step = max(self.step, step)


class HostSparseAccumulator(HostAccumulator):
    """The sum of sparse gradients by row; each row is averaged over the gradients that contain it."""

    def add(self, op, gradient):
        """Adds rows to the sums."""
        indices, values, shape = gradient
        declared = self.declared.as_list() if self.declared.rank else []
        extents = shape.tolist() or [None, *values.shape[1:]]
        if len(extents) < len(declared) or any(
            None not in (d, n) and d != n for d, n in zip(declared, extents)
        ):
            raise op.invalid(
                f"Shape mismatch: expected shape {self.declared}, got {show(shape.tolist())}"
            )
        count = extents[0] if shape.size else self.declared[0] if declared else None
        if count is not None and any(not 0 <= index < count for index in indices.tolist()):
            raise op.invalid(
                f"Index of a slice out of range: the shape is {show(shape.tolist() or declared)}"
            )
        rows = {} if not self.count else self.total
        for index, value in zip(indices.tolist(), values):
            row_sum, times = rows.get(index, (0, 0))
            rows[index] = (row_sum + value, times + 1)
        self.total, self.inner = rows, values.shape[1:]

    inner = ()

    def average(self):
        """The indices, their rows, and the shape of the whole."""
        indices = np.array(sorted(self.total), np.int64)
        rows = np.zeros((len(indices), *self.inner), self.dtype.np)
        for at, index in enumerate(indices.tolist()):
            row_sum, times = self.total[index]
            rows[at] = row_sum / self.dtype.as_numpy_dtype(times) if self.mean else row_sum
        # As in TensorFlow, the number of rows is the declared one, whatever the gradients said.
        count = self.declared[0] if self.declared.rank else None
        shape = [-1 if count is None else count, *self.inner]
        return indices, rows, np.array(shape, np.int64)


class _MakeAccumulator(Op):
    kind = HostAccumulator
    dtype: NUMBER
    shape: TensorShape
    container: str = ""
    shared_name: str = ""
    reduction_type: Literal["MEAN", "SUM"] = "MEAN"
    stateful = True

    def eager(self):
        def make():
            mean = self.reduction_type == "MEAN"
            shape = self.attrs["shape"]
            return self.kind(self.dtype, shape, mean, self.shared_name, self.container)

        return resources.shared(self.kind, self.container, self.shared_name, make)


class ResourceConditionalAccumulator(_MakeAccumulator):
    """An accumulator of dense gradients."""

    signature = "-> handle: resource[]"


class ConditionalAccumulator(_MakeAccumulator):
    """The same, by reference."""

    signature = "-> handle: Ref(string)[]"


class SparseConditionalAccumulator(_MakeAccumulator):
    """An accumulator of sparse gradients, by reference."""

    signature = "-> handle: Ref(string)[]"
    kind = HostSparseAccumulator


class _AccumulatorOp(Op):
    def accumulator(self, handle):
        if not isinstance(handle, HostAccumulator):
            raise self.invalid(f"expected the handle of an accumulator. Received {handle!r}")
        return handle

    ranks = {"local_step": (0,), "new_global_step": (0,), "num_required": (0,)}

    def shape(self, *_inputs):
        return [None] * len(self.outputs) if len(self.outputs) > 1 else None


class ResourceAccumulatorApplyGradient(_AccumulatorOp):
    """Adds a gradient of a step."""

    signature = "handle: resource, local_step: int64, gradient: dtype ->"
    dtype = NUMBER

    def eager(self, handle, local_step, gradient):
        self.accumulator(handle).apply(self, int(local_step), gradient)


by_reference("AccumulatorApplyGradient", ResourceAccumulatorApplyGradient)


class ResourceAccumulatorNumAccumulated(_AccumulatorOp):
    """The number of gradients that were added."""

    signature = "handle: resource -> num_accumulated: int32[]"

    def eager(self, handle):
        return np.int32(self.accumulator(handle).count)


by_reference("AccumulatorNumAccumulated", ResourceAccumulatorNumAccumulated)


class ResourceAccumulatorSetGlobalStep(_AccumulatorOp):
    """Moves on to a later step; gradients of steps before it are dropped."""

    signature = "handle: resource, new_global_step: int64 ->"

    def eager(self, handle, new_global_step):
        self.accumulator(handle).set_step(self, int(new_global_step))


by_reference("AccumulatorSetGlobalStep", ResourceAccumulatorSetGlobalStep)


class ResourceAccumulatorTakeGradient(_AccumulatorOp):
    """The sum or mean of the gradients, once there are enough."""

    effects = Effects(may_wait=True)
    signature = "handle: resource, num_required: int32 -> average: dtype"
    dtype: NUMBER

    def eager(self, handle, num_required):
        return self.accumulator(handle).take(self, int(num_required))


by_reference("AccumulatorTakeGradient", ResourceAccumulatorTakeGradient)


class SparseAccumulatorApplyGradient(_AccumulatorOp):
    """Adds a sparse gradient of a step."""

    signature = """handle: Ref(string), local_step: int64, gradient_indices: int64,
        gradient_values: dtype, gradient_shape: int64 ->"""
    dtype = NUMBER
    has_known_shape: bool

    def eager(self, handle, local_step, gradient_indices, gradient_values, gradient_shape):
        shape = gradient_shape if self.has_known_shape else np.zeros(0, np.int64)
        if gradient_indices.ndim != 1 or len(gradient_indices) != len(gradient_values):
            raise self.invalid("there must be as many indices as rows of values")
        gradient = (gradient_indices, gradient_values, shape)
        self.accumulator(handle).apply(self, int(local_step), gradient)


class SparseAccumulatorTakeGradient(_AccumulatorOp):
    """The sums or means of the rows, once there are enough gradients."""

    effects = Effects(may_wait=True)
    signature = """handle: Ref(string), num_required: int32
        -> indices: int64, values: dtype, shape: int64"""
    dtype: NUMBER

    def eager(self, handle, num_required):
        return self.accumulator(handle).take(self, int(num_required))
