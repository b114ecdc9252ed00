"""The classes of feature columns below `tf.__internal__`."""

from __future__ import annotations

from penstock._src.api.feature_column.base import (
    DenseColumn,
    FeatureColumn,
    Features,
    SequenceDenseColumn,
)
from penstock._src.util.export import export

export("__internal__.feature_column.FeatureColumn", v1=[])(FeatureColumn)
export("__internal__.feature_column.DenseColumn", v1=[])(DenseColumn)
export("__internal__.feature_column.SequenceDenseColumn", v1=[])(SequenceDenseColumn)
export("__internal__.feature_column.FeatureTransformationCache", v1=[])(Features)


@export("__internal__.feature_column.StateManager", v1=[])
class StateManager:
    """Keeps the variables of feature columns."""

    def create_variable(
        self,
        feature_column,
        name,
        shape,
        dtype=None,
        trainable=True,
        use_resource=True,
        initializer=None,
    ):
        """Creates a variable of a column."""
        raise NotImplementedError("StateManager.create_variable")

    def get_variable(self, feature_column, name):
        """Returns a variable of a column."""
        raise NotImplementedError("StateManager.get_variable")
