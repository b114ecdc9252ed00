"""Variables that are made and restored without ops, where nothing sees ops (`execute.is_unobserved`)."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.dtypes import DType
from penstock._src.core.shapes import TensorShape
from penstock._src.core.values import resources
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable, Variable
from penstock._src.eager.variable_handle import scoped
from penstock._src.eager.variable_modes import VariableAggregation, VariableSynchronization

# Attributes by which a variable may have a way of its own to be restored.
_OWN_WAYS = frozenset({"_restore_from_tensors", "_self_saveable_object_factories"})


def variable_holding(
    value: np.ndarray,
    dtype: DType,
    shape: TensorShape,
    name: str | None,
    trainable: bool | None,
    synchronization: VariableSynchronization,
    aggregation: VariableAggregation,
) -> Variable:
    """Returns a variable as `tf.Variable` makes it eagerly.

    Args:
      value: an array of the dtype and of such a shape, which becomes the variable's.
      dtype: the dtype.
      shape: the static shape.
      name: the name.
      trainable: whether tapes watch it; None for the synchronization's default.
      synchronization: when copies are brought together.
      aggregation: how values that replicas assign become one.
    """
    variable = ResourceVariable.__new__(ResourceVariable)
    variable._take_modes(trainable, None, synchronization, aggregation)
    variable._name = scoped(name or "Variable")
    variable._dtype, variable._shape = dtype, shape
    resource = resources.VariableHandle(shape, dtype, variable._name, value=value)
    variable._handle = EagerTensor(resource, dtypes.resource)
    variable._handle._handle_data = [(shape, dtype)]
    variable._initializer = variable._initial_value = variable._graph_element = None
    return variable


def restore(variable: Variable, array: np.ndarray) -> bool:
    """Sets the value to an array of the dtype; False if its shape does not fit, or the variable is restored in another way."""
    resource = variable._handle._value if variable._handle_is_own() else None
    if resource is None or resource.device is not None or not _OWN_WAYS.isdisjoint(vars(variable)):
        return False
    if array.shape != variable._shape._dims and not variable._shape.is_compatible_with(array.shape):
        return False
    resource.value = resources.owned(array)
    return True
