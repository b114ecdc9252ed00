"""Scatters updates into TensorFlow 1's variables."""

from penstock._src.core.typesets import FLOAT, INDEX, NUMBER
from penstock._src.core.values.resources import as_variable
from penstock._src.ops.array.gather import rows_shape
from penstock._src.ops.state import scatter


class _ScatterToReference(scatter._VariableScatter):
    """Updates of rows of a reference variable; returns the reference."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"

    stateful = False
    lower = None

    def shape(self, ref, indices, updates):
        scatter.check_updates(ref, indices, updates)
        return ref

    def eager(self, ref, indices, updates):
        super().eager(ref, indices, updates)
        return as_variable(ref, self.op_type)


class _ScatterNdToReference(scatter._ScatterNd):
    """Updates of slices of a reference variable; returns the reference."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"

    stateful = False
    lower = None

    def shape(self, ref, indices, updates):
        rows_shape(indices, updates, ref)
        return ref

    def eager(self, ref, indices, updates):
        super().eager(ref, indices, updates)
        return as_variable(ref, self.op_type)


class ScatterAdd(_ScatterToReference):
    """Adds updates to rows."""

    T = NUMBER
    use_locking: bool = False
    differentiable = False


class ScatterDiv(_ScatterToReference):
    """Divides rows by updates."""

    T = NUMBER
    use_locking: bool = False
    combination = "div"
    differentiable = False


class ScatterMax(_ScatterToReference):
    """Sets rows to their elementwise maximum with updates."""

    T = FLOAT | INDEX
    use_locking: bool = False
    combination = "max"


class ScatterMin(_ScatterToReference):
    """Sets rows to their elementwise minimum with updates."""

    T = FLOAT | INDEX
    use_locking: bool = False
    combination = "min"


class ScatterMul(_ScatterToReference):
    """Multiplies rows by updates."""

    T = NUMBER
    use_locking: bool = False
    combination = "mul"
    differentiable = False


class ScatterNdAdd(_ScatterNdToReference):
    """Adds updates to slices."""

    T = NUMBER
    use_locking: bool = False
    differentiable = False


class ScatterNdMax(_ScatterNdToReference):
    """Sets slices to their elementwise maximum with updates."""

    T = NUMBER
    use_locking: bool = False
    combination = "max"


class ScatterNdMin(_ScatterNdToReference):
    """Sets slices to their elementwise minimum with updates."""

    T = NUMBER
    use_locking: bool = False
    combination = "min"


class ScatterNdSub(_ScatterNdToReference):
    """Subtracts updates from slices."""

    T = NUMBER
    use_locking: bool = False
    combination = "sub"
    differentiable = False


class ScatterNdUpdate(_ScatterNdToReference):
    """Replaces slices by updates."""

    use_locking: bool = True
    combination = "set"
    differentiable = False


class ScatterSub(_ScatterToReference):
    """Subtracts updates from rows."""

    T = NUMBER
    use_locking: bool = False
    combination = "sub"
    differentiable = False


class ScatterUpdate(_ScatterToReference):
    """Replaces rows by updates."""

    use_locking: bool = True
    combination = "set"
