"""Variables that TensorFlow 1 kept as references to their values."""

from penstock._src.v1.variables.collections import VariableV1


class RefVariable(VariableV1):
    """A variable of TensorFlow 1; as all variables of Penstock, it is kept as a resource."""
