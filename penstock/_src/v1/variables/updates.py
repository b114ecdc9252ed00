"""Updates of parts of variables: tf.compat.v1.scatter_add and similar functions, and count_up_to."""

from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.util.export import export
from penstock._src.v1.names.declared import declare


def _slices(ref, indices, updates):
    return IndexedSlices(convert_to_tensor(updates, dtype=ref.dtype), convert_to_tensor(indices))


def _scatter(method, meaning, use_locking=False):
    """Creates a public function that updates rows (or, for `_nd_`, slices at index vectors) of a variable."""

    def call(arguments):
        ref, indices, updates = arguments["ref"], arguments["indices"], arguments["updates"]
        if "_nd_" in method:
            updates = convert_to_tensor(updates, dtype=ref.dtype)
            return getattr(ref, method)(indices, updates, arguments["name"])
        slices = _slices(ref, indices, updates)
        return getattr(ref, method)(slices, arguments["use_locking"], arguments["name"])

    parameters = f"ref, indices, updates, use_locking={use_locking}, name=None"
    meaning = f"{meaning} of a variable; returns the variable."
    return declare(__name__, method, parameters, call, meaning)


scatter_update = _scatter("scatter_update", "Sets rows", True)
scatter_add = _scatter("scatter_add", "Adds to rows")
scatter_sub = _scatter("scatter_sub", "Subtracts from rows")
scatter_mul = _scatter("scatter_mul", "Multiplies rows")
scatter_div = _scatter("scatter_div", "Divides rows")
scatter_min = _scatter("scatter_min", "Bounds rows from above")
scatter_max = _scatter("scatter_max", "Bounds rows from below")
scatter_nd_update = _scatter("scatter_nd_update", "Sets slices at index vectors", True)
scatter_nd_add = _scatter("scatter_nd_add", "Adds to slices at index vectors")
scatter_nd_sub = _scatter("scatter_nd_sub", "Subtracts from slices at index vectors")
batch_scatter_update = _scatter("batch_scatter_update", "Sets rows of every entry of a batch", True)


@export(v1=["count_up_to"])
def count_up_to(ref, limit, name=None):
    """Adds 1 to an integer variable; returns its previous value.

    Raises:
      tf.errors.OutOfRangeError: the value is already `limit`.
    """
    del name
    return ref.count_up_to(limit)
