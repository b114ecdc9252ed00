"""tf.compat.v1.train.sdca_*: linear models by stochastic dual coordinate ascent."""

from penstock._src.core.registry import raw
from penstock._src.util.export import export


@export(v1=["train.sdca_optimizer"])
def sdca_optimizer(
    sparse_example_indices,
    sparse_feature_indices,
    sparse_feature_values,
    dense_features,
    example_weights,
    example_labels,
    sparse_indices,
    sparse_weights,
    dense_weights,
    example_state_data,
    loss_type,
    l1,
    l2,
    num_loss_partitions,
    num_inner_iterations,
    adaptative=True,
    name=None,
):
    """One pass of dual ascent over a batch: (states of the examples, changes of sparse and of dense weights)."""
    return raw.SdcaOptimizer(
        sparse_example_indices=sparse_example_indices,
        sparse_feature_indices=sparse_feature_indices,
        sparse_feature_values=sparse_feature_values,
        dense_features=dense_features,
        example_weights=example_weights,
        example_labels=example_labels,
        sparse_indices=sparse_indices,
        sparse_weights=sparse_weights,
        dense_weights=dense_weights,
        example_state_data=example_state_data,
        loss_type=loss_type,
        l1=l1,
        l2=l2,
        num_loss_partitions=num_loss_partitions,
        num_inner_iterations=num_inner_iterations,
        adaptative=adaptative,
        name=name,
    )


@export(v1=["train.sdca_shrink_l1"])
def sdca_shrink_l1(weights, l1, l2, name=None):
    """Moves variables towards 0 by l1 / l2."""
    return raw.SdcaShrinkL1(weights=weights, l1=l1, l2=l2, name=name)


@export(v1=["train.sdca_fprint"])
def sdca_fprint(input, name=None):
    """The 128-bit fingerprints of strings, as int64 [n, 2]."""
    return raw.SdcaFprint(input=input, name=name)
