"""The protected methods of TensorFlow 1's optimizers, which optimizers of other libraries override and call.

`apply_gradients` calls `_create_slots`, `_prepare`, one of the `_apply` hooks for each variable, and `_finish`. There are two hooks for a gradient, since
TensorFlow has two kinds of variables: `_apply_dense` for reference variables, `_resource_apply_dense` for the others. By default each runs the
optimizer's own rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.v1.variables.reference import ReferenceVariable


class OptimizerHooks(Trackable):
    """Methods that subclasses of `tf.compat.v1.train.Optimizer` may override or call."""

    # Given by the optimizer.
    _update_densely: Callable[[Any, Any], Any]
    _update_rows: Callable[[IndexedSlices, Any], Any]
    _update_unique_rows: Callable[[IndexedSlices, Any], Any]

    # -- hooks

    def _prepare(self) -> None:
        """Creates tensors for a step, such as that of the learning rate."""

    def _apply_dense(self, grad: Any, var: Any) -> Any:
        """Returns the update of a reference variable."""
        return self._update_densely(grad, var)

    def _resource_apply_dense(self, grad: Any, handle: Any) -> Any:
        """Returns the update of a variable."""
        return self._update_densely(grad, handle)

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Any) -> Any:
        """Returns the update of a reference variable by slices, which may be several for a row."""
        if self._overrides("_apply_sparse"):
            return self._apply_sparse(with_unique_rows(grad), var)
        return self._update_rows(grad, var)

    def _apply_sparse(self, grad: IndexedSlices, var: Any) -> Any:
        """Returns the update of a reference variable by slices of different rows."""
        return self._update_unique_rows(grad, var)

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        """Returns the update of a variable by slices, which may be several for a row."""
        slices = IndexedSlices(grad, indices, convert_to_tensor(handle.shape))
        if self._overrides("_resource_apply_sparse"):
            unique = with_unique_rows(slices)
            return self._resource_apply_sparse(unique.values, handle, unique.indices)
        return self._update_rows(slices, handle)

    def _resource_apply_sparse(self, grad: Any, handle: Any, indices: Any) -> Any:
        """Returns the update of a variable by slices of different rows."""
        slices = IndexedSlices(grad, indices, convert_to_tensor(handle.shape))
        return self._update_unique_rows(slices, handle)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        """Returns the operation that runs all updates, of the given name; None outside of graphs."""
        if STATE.graph is None:
            return None
        with STATE.graph.control_dependencies(update_ops):
            return raw.NoOp(name=name_scope)

    # -- their choice

    def _overrides(self, name: str) -> bool:
        return getattr(type(self), name) is not getattr(OptimizerHooks, name)

    def _updated(self, gradient: Any, variable: Any) -> Any:
        """Calls the hook for a gradient, then the variable's constraint."""
        if isinstance(gradient, IndexedSlices):
            if variable.constraint is not None:
                raise RuntimeError("Cannot use a constraint function on a sparse variable.")
            of_reference = ("_apply_sparse_duplicate_indices", "_apply_sparse")
            of_resource = tuple(f"_resource{name}" for name in of_reference)
            if self._prefers(of_reference, of_resource, variable):
                return self._apply_sparse_duplicate_indices(gradient, variable)
            return self._resource_apply_sparse_duplicate_indices(
                gradient.values, variable, gradient.indices
            )
        gradient = convert_to_tensor(gradient)
        by_reference = self._prefers(("_apply_dense",), ("_resource_apply_dense",), variable)
        hook = self._apply_dense if by_reference else self._resource_apply_dense
        update = hook(gradient, variable)
        if variable.constraint is None:
            return update
        if STATE.graph is None:
            return variable.assign(variable.constraint(variable))
        with STATE.graph.control_dependencies([update]):
            return variable.assign(variable.constraint(variable))

    def _prefers(
        self, of_reference: Sequence[str], of_resource: Sequence[str], variable: Any
    ) -> bool:
        """True if the hooks for reference variables are called. If a subclass overrides those of one kind, they are for all variables."""
        is_one, is_other = (
            any(map(self._overrides, names)) for names in (of_reference, of_resource)
        )
        return isinstance(variable, ReferenceVariable) if is_one == is_other else is_one

    # -- what subclasses call

    def _call_if_callable(self, param: Any) -> Any:
        """Returns a hyperparameter, or what it returns if it is a function."""
        return param() if callable(param) else param


def with_unique_rows(gradient: IndexedSlices) -> IndexedSlices:
    """Returns a gradient with the slices of each row summed."""
    rows, places = raw.Unique(gradient.indices)
    count = raw.Shape(input=rows)
    count = raw.StridedSlice(count, [0], [1], [1], shrink_axis_mask=1)
    sums = raw.UnsortedSegmentSum(gradient.values, places, count)
    return IndexedSlices(sums, rows, gradient.dense_shape)
