"""The update rules of optimizers over TensorFlow 1's variables."""

from penstock._src.core.typesets import NUMBER
from penstock._src.core.values.resources import as_variable
from penstock._src.ops.state import training


class _ApplyToReference(training._Apply):
    """A rule over variables given by reference; gives the first of them."""

    is_abstract = True
    stateful = False
    lower = None

    def shape(self, *inputs):
        return inputs[0]

    def eager(self, *inputs):
        super().eager(*inputs)
        return as_variable(inputs[0], self.op_type)


class ApplyAdaMax(_ApplyToReference):
    """The rule of ResourceApplyAdaMax."""

    signature = (
        "var: Ref(T), m: Ref(T), v: Ref(T), beta1_power: T, lr: T, beta1: T, beta2: T, epsilon: "
        "T, grad: T -> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyAdaMax.step


class ApplyAdadelta(_ApplyToReference):
    """The rule of ResourceApplyAdadelta."""

    signature = (
        "var: Ref(T), accum: Ref(T), accum_update: Ref(T), lr: T, rho: T, epsilon: T, grad: T "
        "-> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyAdadelta.step


class ApplyAdagrad(_ApplyToReference):
    """The rule of ResourceApplyAdagrad."""

    signature = "var: Ref(T), accum: Ref(T), lr: T, grad: T -> out: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    update_slots: bool = True
    step = training.ResourceApplyAdagrad.step


class ApplyAdagradDA(_ApplyToReference):
    """The rule of ResourceApplyAdagradDA."""

    signature = (
        "var: Ref(T), gradient_accumulator: Ref(T), gradient_squared_accumulator: Ref(T), grad: "
        "T, lr: T, l1: T, l2: T, global_step: int64 -> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyAdagradDA.step


class ApplyAdagradV2(_ApplyToReference):
    """The rule of ResourceApplyAdagradV2."""

    signature = "var: Ref(T), accum: Ref(T), lr: T, epsilon: T, grad: T -> out: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    update_slots: bool = True
    step = training.ResourceApplyAdagradV2.step


class ApplyAdam(_ApplyToReference):
    """The rule of ResourceApplyAdam."""

    signature = (
        "var: Ref(T), m: Ref(T), v: Ref(T), beta1_power: T, beta2_power: T, lr: T, beta1: T, "
        "beta2: T, epsilon: T, grad: T -> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    use_nesterov: bool = False
    step = training.ResourceApplyAdam.step


class ApplyAddSign(_ApplyToReference):
    """The rule of ResourceApplyAddSign."""

    signature = (
        "var: Ref(T), m: Ref(T), lr: T, alpha: T, sign_decay: T, beta: T, grad: T -> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyAddSign.step


class ApplyCenteredRMSProp(_ApplyToReference):
    """The rule of ResourceApplyCenteredRMSProp."""

    signature = (
        "var: Ref(T), mg: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: "
        "T, grad: T -> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyCenteredRMSProp.step


class ApplyFtrl(_ApplyToReference):
    """The rule of ResourceApplyFtrl."""

    signature = (
        "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, lr: T, l1: T, l2: T, lr_power: T "
        "-> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    multiply_linear_by_lr: bool = False
    step = training.ResourceApplyFtrl.step


class ApplyFtrlV2(_ApplyToReference):
    """The rule of ResourceApplyFtrlV2."""

    signature = (
        "var: Ref(T), accum: Ref(T), linear: Ref(T), grad: T, lr: T, l1: T, l2: T, "
        "l2_shrinkage: T, lr_power: T -> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    multiply_linear_by_lr: bool = False
    step = training.ResourceApplyFtrlV2.step


class ApplyGradientDescent(_ApplyToReference):
    """The rule of ResourceApplyGradientDescent."""

    signature = "var: Ref(T), alpha: T, delta: T -> out: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyGradientDescent.step


class ApplyMomentum(_ApplyToReference):
    """The rule of ResourceApplyMomentum."""

    signature = "var: Ref(T), accum: Ref(T), lr: T, grad: T, momentum: T -> out: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    use_nesterov: bool = False
    step = training.ResourceApplyMomentum.step


class ApplyPowerSign(_ApplyToReference):
    """The rule of ResourceApplyPowerSign."""

    signature = (
        "var: Ref(T), m: Ref(T), lr: T, logbase: T, sign_decay: T, beta: T, grad: T -> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyPowerSign.step


class ApplyProximalAdagrad(_ApplyToReference):
    """The rule of ResourceApplyProximalAdagrad."""

    signature = "var: Ref(T), accum: Ref(T), lr: T, l1: T, l2: T, grad: T -> out: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyProximalAdagrad.step


class ApplyProximalGradientDescent(_ApplyToReference):
    """The rule of ResourceApplyProximalGradientDescent."""

    signature = "var: Ref(T), alpha: T, l1: T, l2: T, delta: T -> out: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyProximalGradientDescent.step


class ApplyRMSProp(_ApplyToReference):
    """The rule of ResourceApplyRMSProp."""

    signature = (
        "var: Ref(T), ms: Ref(T), mom: Ref(T), lr: T, rho: T, momentum: T, epsilon: T, grad: T "
        "-> out: Ref(T)"
    )
    T = NUMBER
    use_locking: bool = False
    step = training.ResourceApplyRMSProp.step
