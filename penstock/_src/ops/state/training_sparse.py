"""The update rules of optimizers applied to some rows of the variables: those that `indices` name."""

from typing import ClassVar

import numpy as np

from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX, NUMBER
from penstock._src.core.values.resources import as_variable, owned
from penstock._src.ops.rules import invalid, quiet, show
from penstock._src.ops.state import training
from penstock._src.ops.state.training import HostMath


class _SparseApply(Op):
    """Gathers the rows of the variables, applies the dense rule to them, and puts them back.

    A row that occurs several times is updated once for each time, in order.
    """

    stateful = True
    rule: ClassVar[type[Op]]

    def shape(self, *inputs):
        return ()

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
        self._check(arrays[0], grad, indices)
        rest = [n for n in names[len(handles) :] if n != "indices"]
        given = dict(zip(names, inputs, strict=True))
        for rows in _rounds(indices):
            at = indices[rows]
            tensors = [grad[rows] if n == "grad" else given[n] for n in rest]
            updated = self.rule.step(self, HostMath, *(a[at] for a in arrays), *tensors)
            updated = updated if isinstance(updated, tuple) else (updated,)
            for array, new in zip(arrays, updated, strict=True):
                array[at] = new
        for handle, array in zip(handles, arrays, strict=True):
            handle.value = owned(array)

    def _check(self, var, grad, indices):
        if indices.ndim != 1:
            raise invalid(self, "indices must be one-dimensional")
        if grad.ndim < 1 or grad.shape[0] != indices.shape[0]:
            raise invalid(
                self,
                "grad must be the same size as indices in the first dimension. "
                f"Received grad {show(grad.shape)}, indices {show(indices.shape)}",
            )
        if grad.shape[1:] != var.shape[1:]:
            raise invalid(
                self,
                f"var and grad must match in all but the first dimension. Received var "
                f"{show(var.shape)}, grad {show(grad.shape)}",
            )
        wrong = (indices < 0) | (indices >= var.shape[0])
        if wrong.any():
            at = int(np.argmax(wrong))
            raise invalid(self, f"Index {indices[at]} at offset {at} in indices is out of range")


def _rounds(indices):
    """Splits the positions of `indices` into rounds in which no index comes twice."""
    remaining = np.arange(indices.size)
    while remaining.size:
        _, first = np.unique(indices[remaining], return_index=True)
        first.sort()
        yield remaining[first]
        remaining = np.delete(remaining, first)


class ResourceSparseApplyAdadelta(_SparseApply):
    """The rule of ResourceApplyAdadelta for some rows."""

    signature = (
        "var: resource, accum: resource, accum_update: resource, lr: T, rho: T, "
        "epsilon: T, grad: T, indices: Tindices ->"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyAdadelta


class ResourceSparseApplyAdagrad(_SparseApply):
    """The rule of ResourceApplyAdagrad for some rows."""

    signature = "var: resource, accum: resource, lr: T, grad: T, indices: Tindices ->"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    update_slots: bool = True
    rule = training.ResourceApplyAdagrad


class ResourceSparseApplyAdagradDA(_SparseApply):
    """The rule of ResourceApplyAdagradDA for some rows."""

    signature = (
        "var: resource, gradient_accumulator: resource, "
        "gradient_squared_accumulator: resource, grad: T, indices: Tindices, lr: T, "
        "l1: T, l2: T, global_step: int64 ->"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyAdagradDA


class ResourceSparseApplyAdagradV2(_SparseApply):
    """The rule of ResourceApplyAdagradV2 for some rows."""

    signature = "var: resource, accum: resource, lr: T, epsilon: T, grad: T, indices: Tindices ->"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    update_slots: bool = True
    rule = training.ResourceApplyAdagradV2


class ResourceSparseApplyCenteredRMSProp(_SparseApply):
    """The rule of ResourceApplyCenteredRMSProp for some rows."""

    signature = (
        "var: resource, mg: resource, ms: resource, mom: resource, lr: T, rho: T, "
        "momentum: T, epsilon: T, grad: T, indices: Tindices ->"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyCenteredRMSProp


class ResourceSparseApplyFtrl(_SparseApply):
    """The rule of ResourceApplyFtrl for some rows."""

    signature = (
        "var: resource, accum: resource, linear: resource, grad: T, indices: "
        "Tindices, lr: T, l1: T, l2: T, lr_power: T ->"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    multiply_linear_by_lr: bool = False
    rule = training.ResourceApplyFtrl


class ResourceSparseApplyFtrlV2(_SparseApply):
    """The rule of ResourceApplyFtrlV2 for some rows."""

    signature = (
        "var: resource, accum: resource, linear: resource, grad: T, indices: "
        "Tindices, lr: T, l1: T, l2: T, l2_shrinkage: T, lr_power: T ->"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    multiply_linear_by_lr: bool = False
    rule = training.ResourceApplyFtrlV2


class ResourceSparseApplyKerasMomentum(_SparseApply):
    """The rule of ResourceApplyKerasMomentum for some rows."""

    signature = "var: resource, accum: resource, lr: T, grad: T, indices: Tindices, momentum: T ->"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    use_nesterov: bool = False
    rule = training.ResourceApplyKerasMomentum


class ResourceSparseApplyMomentum(_SparseApply):
    """The rule of ResourceApplyMomentum for some rows."""

    signature = "var: resource, accum: resource, lr: T, grad: T, indices: Tindices, momentum: T ->"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    use_nesterov: bool = False
    rule = training.ResourceApplyMomentum


class ResourceSparseApplyProximalAdagrad(_SparseApply):
    """The rule of ResourceApplyProximalAdagrad for some rows."""

    signature = "var: resource, accum: resource, lr: T, l1: T, l2: T, grad: T, indices: Tindices ->"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyProximalAdagrad


class ResourceSparseApplyProximalGradientDescent(_SparseApply):
    """The rule of ResourceApplyProximalGradientDescent for some rows."""

    signature = "var: resource, alpha: T, l1: T, l2: T, grad: T, indices: Tindices ->"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyProximalGradientDescent


class ResourceSparseApplyRMSProp(_SparseApply):
    """The rule of ResourceApplyRMSProp for some rows."""

    signature = (
        "var: resource, ms: resource, mom: resource, lr: T, rho: T, momentum: T, "
        "epsilon: T, grad: T, indices: Tindices ->"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyRMSProp
