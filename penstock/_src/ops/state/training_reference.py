"""The update rules of optimizers over TensorFlow 1's variables, which they take and give by reference."""

from penstock._src.core.op import Op
from penstock._src.core.values.resources import as_variable
from penstock._src.ops.state import training


def by_reference(op: type[Op]) -> str:
    """The signature of an op over resources, with references in their place; the first one is what it gives."""
    return op.signature.replace(": resource", ": Ref(T)") + " out: Ref(T)"


class ByReference(Op):
    """What stands before an op over resources makes it one over references."""

    is_abstract = True
    stateful = False
    lower = None

    def output_shape(self, *inputs):
        return inputs[0]

    def eager(self, *inputs):
        super().eager(*inputs)
        return as_variable(inputs[0], self.op_type)


class ApplyAdaMax(ByReference, training.ResourceApplyAdaMax):
    """The rule of ResourceApplyAdaMax."""

    signature = by_reference(training.ResourceApplyAdaMax)


class ApplyAdadelta(ByReference, training.ResourceApplyAdadelta):
    """The rule of ResourceApplyAdadelta."""

    signature = by_reference(training.ResourceApplyAdadelta)


class ApplyAdagrad(ByReference, training.ResourceApplyAdagrad):
    """The rule of ResourceApplyAdagrad."""

    signature = by_reference(training.ResourceApplyAdagrad)


class ApplyAdagradDA(ByReference, training.ResourceApplyAdagradDA):
    """The rule of ResourceApplyAdagradDA."""

    signature = by_reference(training.ResourceApplyAdagradDA)


class ApplyAdagradV2(ByReference, training.ResourceApplyAdagradV2):
    """The rule of ResourceApplyAdagradV2."""

    signature = by_reference(training.ResourceApplyAdagradV2)


class ApplyAdam(ByReference, training.ResourceApplyAdam):
    """The rule of ResourceApplyAdam."""

    signature = by_reference(training.ResourceApplyAdam)


class ApplyAddSign(ByReference, training.ResourceApplyAddSign):
    """The rule of ResourceApplyAddSign."""

    signature = by_reference(training.ResourceApplyAddSign)


class ApplyCenteredRMSProp(ByReference, training.ResourceApplyCenteredRMSProp):
    """The rule of ResourceApplyCenteredRMSProp."""

    signature = by_reference(training.ResourceApplyCenteredRMSProp)


class ApplyFtrl(ByReference, training.ResourceApplyFtrl):
    """The rule of ResourceApplyFtrl."""

    signature = by_reference(training.ResourceApplyFtrl)


class ApplyFtrlV2(ByReference, training.ResourceApplyFtrlV2):
    """The rule of ResourceApplyFtrlV2."""

    signature = by_reference(training.ResourceApplyFtrlV2)


class ApplyGradientDescent(ByReference, training.ResourceApplyGradientDescent):
    """The rule of ResourceApplyGradientDescent."""

    signature = by_reference(training.ResourceApplyGradientDescent)


class ApplyMomentum(ByReference, training.ResourceApplyMomentum):
    """The rule of ResourceApplyMomentum."""

    signature = by_reference(training.ResourceApplyMomentum)


class ApplyPowerSign(ByReference, training.ResourceApplyPowerSign):
    """The rule of ResourceApplyPowerSign."""

    signature = by_reference(training.ResourceApplyPowerSign)


class ApplyProximalAdagrad(ByReference, training.ResourceApplyProximalAdagrad):
    """The rule of ResourceApplyProximalAdagrad."""

    signature = by_reference(training.ResourceApplyProximalAdagrad)


class ApplyProximalGradientDescent(ByReference, training.ResourceApplyProximalGradientDescent):
    """The rule of ResourceApplyProximalGradientDescent."""

    signature = by_reference(training.ResourceApplyProximalGradientDescent)


class ApplyRMSProp(ByReference, training.ResourceApplyRMSProp):
    """The rule of ResourceApplyRMSProp."""

    signature = by_reference(training.ResourceApplyRMSProp)
