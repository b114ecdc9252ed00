"""The update rules of optimizers over some rows of TensorFlow 1's variables."""

from penstock._src.ops.state import training_sparse
from penstock._src.ops.state.training_reference import ByReference, by_reference


class SparseApplyAdadelta(ByReference, training_sparse.ResourceSparseApplyAdadelta):
    """The rule of ResourceApplyAdadelta for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyAdadelta)


class SparseApplyAdagrad(ByReference, training_sparse.ResourceSparseApplyAdagrad):
    """The rule of ResourceApplyAdagrad for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyAdagrad)


class SparseApplyAdagradDA(ByReference, training_sparse.ResourceSparseApplyAdagradDA):
    """The rule of ResourceApplyAdagradDA for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyAdagradDA)


class SparseApplyAdagradV2(ByReference, training_sparse.ResourceSparseApplyAdagradV2):
    """The rule of ResourceApplyAdagradV2 for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyAdagradV2)


class SparseApplyCenteredRMSProp(ByReference, training_sparse.ResourceSparseApplyCenteredRMSProp):
    """The rule of ResourceApplyCenteredRMSProp for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyCenteredRMSProp)


class SparseApplyFtrl(ByReference, training_sparse.ResourceSparseApplyFtrl):
    """The rule of ResourceApplyFtrl for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyFtrl)


class SparseApplyFtrlV2(ByReference, training_sparse.ResourceSparseApplyFtrlV2):
    """The rule of ResourceApplyFtrlV2 for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyFtrlV2)


class SparseApplyMomentum(ByReference, training_sparse.ResourceSparseApplyMomentum):
    """The rule of ResourceApplyMomentum for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyMomentum)


class SparseApplyProximalAdagrad(ByReference, training_sparse.ResourceSparseApplyProximalAdagrad):
    """The rule of ResourceApplyProximalAdagrad for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyProximalAdagrad)


class SparseApplyProximalGradientDescent(
    ByReference, training_sparse.ResourceSparseApplyProximalGradientDescent
):
    """The rule of ResourceApplyProximalGradientDescent for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyProximalGradientDescent)


class SparseApplyRMSProp(ByReference, training_sparse.ResourceSparseApplyRMSProp):
    """The rule of ResourceApplyRMSProp for some rows."""

    signature = by_reference(training_sparse.ResourceSparseApplyRMSProp)
