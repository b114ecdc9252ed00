"""Conditional accumulators of compat.v1, which collect gradients until there are enough."""

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only


def _step(local_step):
    return convert_to_tensor(local_step, dtypes.int64)


@export(v1=["ConditionalAccumulatorBase"])
class ConditionalAccumulatorBase:
    """Collects gradients until enough have arrived to take their mean or sum.

    Args:
      dtype: of the gradients.
      shape: of the gradients.
      accumulator_ref: the handle.
    """

    def __init__(self, dtype, shape, accumulator_ref):
        self._dtype = dtypes.as_dtype(dtype)
        self._shape = TensorShape(None) if shape is None else as_shape(shape)
        self._accumulator_ref = accumulator_ref

    def _create(self, op, dtype, shape, shared_name, name, reduction_type):
        if STATE.graph is None:
            raise RuntimeError("Accumulators are not supported when executing eagerly.")
        options = {"shared_name": shared_name or "", "reduction_type": reduction_type}
        handle = op(dtype=dtype, shape=shape, name=name, **options)
        ConditionalAccumulatorBase.__init__(self, dtype, shape, handle)

    accumulator_ref = read_only("_accumulator_ref", "The handle.")
    name = read_only("_accumulator_ref.op.name", "The name of the operation.")
    dtype = read_only("_dtype", "The type of the gradients.")

    def num_accumulated(self, name=None):
        """Returns the number of accumulated gradients."""
        return raw.AccumulatorNumAccumulated(handle=self._accumulator_ref, name=name)

    def set_global_step(self, new_global_step, name=None):
        """Returns an operation that sets the step; gradients of earlier steps are dropped."""
        return raw.AccumulatorSetGlobalStep(
            handle=self._accumulator_ref, new_global_step=_step(new_global_step), name=name
        )


@export(v1=["ConditionalAccumulator"])
class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Collects dense gradients until enough have arrived to take their mean or sum.

    Args:
      dtype: of the gradients.
      shape: of them.
      shared_name: under which sessions share it.
      name: of the operation.
      reduction_type: "MEAN" or "SUM".
    """

    def __init__(
        self,
        dtype,
        shape=None,
        shared_name=None,
        name="conditional_accumulator",
        reduction_type="MEAN",
    ):
        self._create(raw.ConditionalAccumulator, dtype, shape, shared_name, name, reduction_type)

    def apply_grad(self, grad, local_step=0, name=None):
        """Returns an operation that adds a gradient, unless its step is outdated."""
        grad = convert_to_tensor(grad, self._dtype)
        grad.shape.assert_is_compatible_with(self._shape)
        return raw.AccumulatorApplyGradient(
            handle=self._accumulator_ref, local_step=_step(local_step), gradient=grad, name=name
        )

    def take_grad(self, num_required, name=None):
        """Returns the mean or sum of the gradients once there are `num_required`, and resets the accumulator."""
        taken = raw.AccumulatorTakeGradient(
            handle=self._accumulator_ref, num_required=num_required, dtype=self._dtype, name=name
        )
        taken.set_shape(self._shape)
        return taken


@export(v1=["SparseConditionalAccumulator", "sparse.SparseConditionalAccumulator"])
class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Collects sparse gradients until enough have arrived to take their mean or sum.

    Args:
      dtype: of the gradients.
      shape: of them.
      shared_name: under which sessions share it.
      name: of the operation.
      reduction_type: "MEAN" or "SUM".
    """

    def __init__(
        self,
        dtype,
        shape=None,
        shared_name=None,
        name="sparse_conditional_accumulator",
        reduction_type="MEAN",
    ):
        self._create(
            raw.SparseConditionalAccumulator, dtype, shape, shared_name, name, reduction_type
        )

    def apply_indexed_slices_grad(self, grad, local_step=0, name=None):
        """Returns an operation that adds an IndexedSlices, unless its step is outdated."""
        shape = grad.dense_shape
        return self.apply_grad(grad.indices, grad.values, shape, local_step, name)

    def apply_grad(self, grad_indices, grad_values, grad_shape=None, local_step=0, name=None):
        """Returns an operation that adds the rows of a gradient, unless its step is outdated."""
        return raw.SparseAccumulatorApplyGradient(
            handle=self._accumulator_ref,
            local_step=_step(local_step),
            gradient_indices=cast(convert_to_tensor(grad_indices), dtypes.int64),
            gradient_values=convert_to_tensor(grad_values, self._dtype),
            gradient_shape=cast(
                np.zeros(0, np.int64) if grad_shape is None else convert_to_tensor(grad_shape),
                dtypes.int64,
            ),
            has_known_shape=grad_shape is not None,
            name=name,
        )

    def take_grad(self, num_required, name=None):
        """Returns indices, values and shape of the mean or sum of the gradients, and resets the accumulator."""
        return raw.SparseAccumulatorTakeGradient(
            handle=self._accumulator_ref, num_required=num_required, dtype=self._dtype, name=name
        )

    def take_indexed_slices_grad(self, num_required, name=None):
        """Returns the mean or sum of the gradients as an IndexedSlices, and resets the accumulator."""
        taken = self.take_grad(num_required, name)
        return IndexedSlices(taken.values, taken.indices, taken.shape)
