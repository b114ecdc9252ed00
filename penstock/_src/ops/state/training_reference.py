"""The update rules of optimizers over TensorFlow 1's reference variables."""

from penstock._src.core.op import Op
from penstock._src.core.registry import find
from penstock._src.core.values.resources import as_variable
from penstock._src.ops.state import training
from penstock._src.ops.variants import variant


class ByReference(Op):
    """Mixin that turns an op over resources into one over references."""

    stateful = False
    lower = None

    def output_shape(self, *inputs):
        return self.common_shape(inputs)

    def eager(self, *inputs):
        super().eager(*inputs)
        return as_variable(inputs[0], self.op_type)


def by_reference(name: str, rule: type[Op]) -> type[Op]:
    """Make the op with references instead of resources as variables. It returns the first reference."""
    signature = rule.signature.replace(": resource", ": Ref(T)") + " out: Ref(T)"
    return variant(name, ByReference, rule, handle="Ref(T)", signature=signature)


by_reference("ApplyAdaMax", training.ResourceApplyAdaMax)
by_reference("ApplyAdadelta", training.ResourceApplyAdadelta)
by_reference("ApplyAdagrad", training.ResourceApplyAdagrad)
by_reference("ApplyAdagradDA", training.ResourceApplyAdagradDA)
by_reference("ApplyAdagradV2", training.ResourceApplyAdagradV2)
by_reference("ApplyAdam", training.ResourceApplyAdam)
by_reference("ApplyAddSign", training.ResourceApplyAddSign)
by_reference("ApplyCenteredRMSProp", training.ResourceApplyCenteredRMSProp)
by_reference("ApplyFtrl", training.ResourceApplyFtrl)
by_reference("ApplyFtrlV2", training.ResourceApplyFtrlV2)
by_reference("ApplyGradientDescent", training.ResourceApplyGradientDescent)
by_reference("ApplyMomentum", training.ResourceApplyMomentum)
by_reference("ApplyPowerSign", training.ResourceApplyPowerSign)
by_reference("ApplyProximalAdagrad", training.ResourceApplyProximalAdagrad)
by_reference("ApplyProximalGradientDescent", training.ResourceApplyProximalGradientDescent)
by_reference("ApplyRMSProp", training.ResourceApplyRMSProp)
by_reference("SparseApplyAdadelta", find("ResourceSparseApplyAdadelta"))
by_reference("SparseApplyAdagrad", find("ResourceSparseApplyAdagrad"))
by_reference("SparseApplyAdagradDA", find("ResourceSparseApplyAdagradDA"))
by_reference("SparseApplyAdagradV2", find("ResourceSparseApplyAdagradV2"))
by_reference("SparseApplyCenteredRMSProp", find("ResourceSparseApplyCenteredRMSProp"))
by_reference("SparseApplyFtrl", find("ResourceSparseApplyFtrl"))
by_reference("SparseApplyFtrlV2", find("ResourceSparseApplyFtrlV2"))
by_reference("SparseApplyMomentum", find("ResourceSparseApplyMomentum"))
by_reference("SparseApplyProximalAdagrad", find("ResourceSparseApplyProximalAdagrad"))
by_reference(
    "SparseApplyProximalGradientDescent", find("ResourceSparseApplyProximalGradientDescent")
)
by_reference("SparseApplyRMSProp", find("ResourceSparseApplyRMSProp"))
