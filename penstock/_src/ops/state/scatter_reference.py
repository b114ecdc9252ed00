"""Scatters updates into TensorFlow 1's variables."""

from penstock._src.core.typesets import FLOAT, INDEX, NUMBER
from penstock._src.core.values.resources import as_variable
from penstock._src.ops.state import scatter


class _ScatterToReference(scatter._Scatter):
    """Updates of rows of a variable given by reference, which it gives."""

    stateful = False
    lower = None
    Tindices = INDEX

    def shape(self, ref, indices, updates):
        return ref

    def eager(self, ref, indices, updates):
        super().eager(ref, indices, updates)
        return as_variable(ref, self.op_type)


class _ScatterNdToReference(scatter._ScatterNd):
    """Updates of slices of a variable given by reference, which it gives."""

    stateful = False
    lower = None
    Tindices = INDEX
    bad_indices_policy: str = ""

    def shape(self, ref, indices, updates):
        return ref

    def eager(self, ref, indices, updates):
        super().eager(ref, indices, updates)
        return as_variable(ref, self.op_type)


class ScatterAdd(_ScatterToReference):
    """Adds updates to rows."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    differentiable = False


class ScatterDiv(_ScatterToReference):
    """Divides rows by updates."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    combination = "div"
    differentiable = False


class ScatterMax(_ScatterToReference):
    """Raises rows to updates that are larger."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = FLOAT | INDEX
    use_locking: bool = False
    combination = "max"


class ScatterMin(_ScatterToReference):
    """Lowers rows to updates that are smaller."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = FLOAT | INDEX
    use_locking: bool = False
    combination = "min"


class ScatterMul(_ScatterToReference):
    """Multiplies rows by updates."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    combination = "mul"
    differentiable = False


class ScatterNdAdd(_ScatterNdToReference):
    """Adds updates to slices."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    differentiable = False


class ScatterNdMax(_ScatterNdToReference):
    """Raises slices to updates that are larger."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    combination = "max"


class ScatterNdMin(_ScatterNdToReference):
    """Lowers slices to updates that are smaller."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    combination = "min"


class ScatterNdSub(_ScatterNdToReference):
    """Subtracts updates from slices."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    combination = "sub"
    differentiable = False


class ScatterNdUpdate(_ScatterNdToReference):
    """Puts updates in the place of slices."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    use_locking: bool = True
    combination = "set"
    differentiable = False


class ScatterSub(_ScatterToReference):
    """Subtracts updates from rows."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False
    combination = "sub"
    differentiable = False


class ScatterUpdate(_ScatterToReference):
    """Puts updates in the place of rows."""

    signature = "ref: Ref(T), indices: Tindices, updates: T -> output_ref: Ref(T)"
    use_locking: bool = True
    combination = "set"
