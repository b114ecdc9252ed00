"""The update rules of optimizers over some rows of TensorFlow 1's variables."""

from penstock._src.core.typesets import INDEX, NUMBER
from penstock._src.core.values.resources import as_variable
from penstock._src.ops.state import training
from penstock._src.ops.state.training_sparse import _SparseApply


class _ApplyToRows(_SparseApply):
    """A rule over rows of variables given by reference; gives the first of them."""

    is_abstract = True
    stateful = False
    lower = None

    def shape(self, *inputs):
        return inputs[0]

    def eager(self, *inputs):
        super().eager(*inputs)
        return as_variable(inputs[0], self.op_type)


class SparseApplyAdadelta(_ApplyToRows):
    """The rule of ResourceApplyAdadelta for some rows."""

    signature = (
        "var: Ref(T), accum: Ref(T), accum_update: Ref(T), lr: T, rho: T, epsilon: T, grad: T, "
        "indices: Tindices -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyAdadelta


class SparseApplyAdagrad(_ApplyToRows):
    """The rule of ResourceApplyAdagrad for some rows."""

    signature = "var: Ref(T), accum: Ref(T), lr: T, grad: T, indices: Tindices -> out: Ref(T)"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    update_slots: bool = True
    rule = training.ResourceApplyAdagrad


class SparseApplyAdagradDA(_ApplyToRows):
    """The rule of ResourceApplyAdagradDA for some rows."""

    signature = (
        "var: Ref(T), gradient_accumulator: Ref(T), gradient_squared_accumulator: Ref(T), grad: "
        "T, indices: Tindices, lr: T, l1: T, l2: T, global_step: int64 -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyAdagradDA


class SparseApplyAdagradV2(_ApplyToRows):
    """The rule of ResourceApplyAdagradV2 for some rows."""

    signature = (
        "var: Ref(T), accum: Ref(T), lr: T, epsilon: T, grad: T, indices: Tindices -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    update_slots: bool = True
    rule = training.ResourceApplyAdagradV2


class SparseApplyCenteredRMSProp(_ApplyToRows):
    """The rule of ResourceApplyCenteredRMSProp for some rows."""

    signature = (
        "var: Ref(T), mg: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: "
        "T, grad: T, indices: Tindices -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyCenteredRMSProp


class SparseApplyFtrl(_ApplyToRows):
    """The rule of ResourceApplyFtrl for some rows."""

    signature = (
        "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, indices: Tindices, lr: T, l1: T, "
        "l2: T, lr_power: T -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    multiply_linear_by_lr: bool = False
    rule = training.ResourceApplyFtrl


class SparseApplyFtrlV2(_ApplyToRows):
    """The rule of ResourceApplyFtrlV2 for some rows."""

    signature = (
        "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, indices: Tindices, lr: T, l1: T, "
        "l2: T, l2_shrinkage: T, lr_power: T -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    multiply_linear_by_lr: bool = False
    rule = training.ResourceApplyFtrlV2


class SparseApplyMomentum(_ApplyToRows):
    """The rule of ResourceApplyMomentum for some rows."""

    signature = (
        "var: Ref(T), accum: Ref(T), lr: T, grad: T, indices: Tindices, momentum: T -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    use_nesterov: bool = False
    rule = training.ResourceApplyMomentum


class SparseApplyProximalAdagrad(_ApplyToRows):
    """The rule of ResourceApplyProximalAdagrad for some rows."""

    signature = (
        "var: Ref(T), accum: Ref(T), lr: T, l1: T, l2: T, grad: T, indices: Tindices -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyProximalAdagrad


class SparseApplyProximalGradientDescent(_ApplyToRows):
    """The rule of ResourceApplyProximalGradientDescent for some rows."""

    signature = "var: Ref(T), alpha: T, l1: T, l2: T, grad: T, indices: Tindices -> out: Ref(T)"
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyProximalGradientDescent


class SparseApplyRMSProp(_ApplyToRows):
    """The rule of ResourceApplyRMSProp for some rows."""

    signature = (
        "var: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: T, grad: T, "
        "indices: Tindices -> out: Ref(T)"
    )
    T = NUMBER
    Tindices = INDEX
    use_locking: bool = False
    rule = training.ResourceApplyRMSProp
