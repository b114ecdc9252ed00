"""The variables and tables of the columns of a layer."""

from __future__ import annotations

import collections
from typing import Any

from penstock._src.core.tracking.data_structures import Mapping
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.util.export import export
from penstock._src.v1.variables.partitioned import PartitionedVariable
from penstock._src.v1.variables.scopes import get_variable


class StateManager:
    """Manager of columns' variables and other resources, such as tables."""

    def create_variable(
        self,
        feature_column: Any,
        name: str,
        shape: Any,
        dtype: Any = None,
        trainable: bool = True,
        use_resource: bool = True,
        initializer: Any = None,
    ) -> Any:
        """Creates a variable of a column."""
        raise NotImplementedError("StateManager.create_variable")

    def add_variable(self, feature_column: Any, var: Any) -> None:
        """Keeps an existing variable as one of a column."""
        raise NotImplementedError("StateManager.add_variable")

    def get_variable(self, feature_column: Any, name: str) -> Any:
        """Returns a variable of a column."""
        raise NotImplementedError("StateManager.get_variable")

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keeps a resource of a column."""
        raise NotImplementedError("StateManager.add_resource")

    def has_resource(self, feature_column: Any, name: str) -> bool:
        """Returns whether a column has a resource of this name."""
        raise NotImplementedError("StateManager.has_resource")

    def get_resource(self, feature_column: Any, name: str) -> Any:
        """Returns a resource of a column."""
        raise NotImplementedError("StateManager.get_resource")


@export("__internal__.feature_column.StateManager", v1=[])
class LayerStateManager(StateManager):
    """Keeps the state of columns in a layer, which tracks it for checkpoints.

    Args:
      layer: has `add_weight`.
      trainable: whether variables are trained.
    """

    def __init__(self, layer: Any, trainable: bool) -> None:
        self._layer, self._trainable = layer, trainable
        if layer is not None and not hasattr(layer, "_resources"):
            layer._resources = Mapping()
        self._cols_to_vars_map: Any = collections.defaultdict(dict)
        self._cols_to_resources_map: Any = collections.defaultdict(dict)

    def create_variable(
        self,
        feature_column: Any,
        name: str,
        shape: Any,
        dtype: Any = None,
        trainable: bool = True,
        use_resource: bool = True,
        initializer: Any = None,
    ) -> Any:
        """Creates a variable of a column, as `<column>/<name>` of the layer.

        Raises:
          ValueError: the column has one of this name.
        """
        variables = self._cols_to_vars_map[feature_column]
        if name in variables:
            raise ValueError(f"Variable already exists: {feature_column.name}/{name}.")
        variable = self._layer.add_weight(
            name=name,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            trainable=self._trainable and trainable,
            use_resource=use_resource,
            getter=get_variable,
        )
        if isinstance(variable, PartitionedVariable):
            for part in variable:
                place = part._get_save_slice_info().var_offset[0]
                self._layer._track_trackable(part, f"{feature_column.name}/{name}/{place}")
        elif isinstance(variable, Trackable):
            self._layer._track_trackable(variable, f"{feature_column.name}/{name}")
        variables[name] = variable
        return variable

    def get_variable(self, feature_column: Any, name: str) -> Any:
        """Returns a variable of a column.

        Raises:
          ValueError: there is none of this name.
        """
        variables = self._cols_to_vars_map[feature_column]
        if name not in variables:
            raise ValueError(f"Variable does not exist: {feature_column.name}/{name}.")
        return variables[name]

    def add_resource(self, feature_column: Any, name: str, resource: Any) -> None:
        """Keeps a resource of a column, and tracks it."""
        self._cols_to_resources_map[feature_column][name] = resource
        if self._layer is None or not isinstance(resource, Trackable):
            return
        tracked = self._layer._resources
        if feature_column.name not in tracked:
            tracked[feature_column.name] = Mapping()
        if name not in tracked[feature_column.name]:
            tracked[feature_column.name][name] = resource

    def has_resource(self, feature_column: Any, name: str) -> bool:
        """Returns whether a column has a resource of this name."""
        return name in self._cols_to_resources_map[feature_column]

    def get_resource(self, feature_column: Any, name: str) -> Any:
        """Returns a resource of a column.

        Raises:
          ValueError: there is none of this name.
        """
        if not self.has_resource(feature_column, name):
            raise ValueError(f"Resource does not exist: {feature_column.name}/{name}.")
        return self._cols_to_resources_map[feature_column][name]
