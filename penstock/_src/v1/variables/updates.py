"""Changes of parts of variables: tf.compat.v1.scatter_add and the like, and count_up_to."""

from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.util.export import export


def _slices(ref, indices, updates):
    return IndexedSlices(convert_to_tensor(updates, dtype=ref.dtype), convert_to_tensor(indices))


@export(v1=["scatter_update"])
def scatter_update(ref, indices, updates, use_locking=True, name=None):
    """Sets rows of a variable; returns the variable."""
    return ref.scatter_update(_slices(ref, indices, updates), use_locking, name)


@export(v1=["scatter_add"])
def scatter_add(ref, indices, updates, use_locking=False, name=None):
    """Adds to rows of a variable; returns the variable."""
    return ref.scatter_add(_slices(ref, indices, updates), use_locking, name)


@export(v1=["scatter_sub"])
def scatter_sub(ref, indices, updates, use_locking=False, name=None):
    """Subtracts from rows of a variable; returns the variable."""
    return ref.scatter_sub(_slices(ref, indices, updates), use_locking, name)


@export(v1=["scatter_mul"])
def scatter_mul(ref, indices, updates, use_locking=False, name=None):
    """Multiplies rows of a variable; returns the variable."""
    return ref.scatter_mul(_slices(ref, indices, updates), use_locking, name)


@export(v1=["scatter_div"])
def scatter_div(ref, indices, updates, use_locking=False, name=None):
    """Divides rows of a variable; returns the variable."""
    return ref.scatter_div(_slices(ref, indices, updates), use_locking, name)


@export(v1=["scatter_min"])
def scatter_min(ref, indices, updates, use_locking=False, name=None):
    """Bounds rows of a variable from above; returns the variable."""
    return ref.scatter_min(_slices(ref, indices, updates), use_locking, name)


@export(v1=["scatter_max"])
def scatter_max(ref, indices, updates, use_locking=False, name=None):
    """Bounds rows of a variable from below; returns the variable."""
    return ref.scatter_max(_slices(ref, indices, updates), use_locking, name)


@export(v1=["scatter_nd_update"])
def scatter_nd_update(ref, indices, updates, use_locking=True, name=None):
    """Sets slices of a variable at index vectors; returns the variable."""
    del use_locking
    return ref.scatter_nd_update(indices, convert_to_tensor(updates, dtype=ref.dtype), name)


@export(v1=["scatter_nd_add"])
def scatter_nd_add(ref, indices, updates, use_locking=False, name=None):
    """Adds to slices of a variable at index vectors; returns the variable."""
    del use_locking
    return ref.scatter_nd_add(indices, convert_to_tensor(updates, dtype=ref.dtype), name)


@export(v1=["scatter_nd_sub"])
def scatter_nd_sub(ref, indices, updates, use_locking=False, name=None):
    """Subtracts from slices of a variable at index vectors; returns the variable."""
    del use_locking
    return ref.scatter_nd_sub(indices, convert_to_tensor(updates, dtype=ref.dtype), name)


@export(v1=["batch_scatter_update"])
def batch_scatter_update(ref, indices, updates, use_locking=True, name=None):
    """Sets rows of every entry of a batch that a variable holds; returns the variable."""
    return ref.batch_scatter_update(_slices(ref, indices, updates), use_locking, name)


@export(v1=["count_up_to"])
def count_up_to(ref, limit, name=None):
    """Adds 1 to an integer variable; returns what it was.

    Raises:
      tf.errors.OutOfRangeError: it was `limit`.
    """
    del name
    return ref.count_up_to(limit)
