"""tf.sets: set operations on the last axis of tensors."""

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw

from .sparse_tensor import SparseTensor, to_sparse

_TYPES = (
    dtypes.int8,
    dtypes.int16,
    dtypes.int32,
    dtypes.int64,
    dtypes.uint8,
    dtypes.uint16,
    dtypes.string,
)


def _operands(a, b, flip):
    """Both as tensors, with a single sparse one second; and whether they were swapped."""
    a = a if isinstance(a, SparseTensor) else convert_to_tensor(a, name="a")
    b = b if isinstance(b, SparseTensor) else convert_to_tensor(b, name="b")
    if a.dtype != b.dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    if a.dtype not in _TYPES:
        raise TypeError(
            f"Value passed to parameter 'a' has DataType {a.dtype} not in list of allowed values: "
            f"{', '.join(t.name for t in _TYPES)}"
        )
    if isinstance(a, SparseTensor) and not isinstance(b, SparseTensor) and flip:
        return b, a, True
    return a, b, False


def _operation(a, b, operation, validate_indices):
    if isinstance(a, SparseTensor):
        parts = raw.SparseToSparseSetOperation(
            set1_indices=a.indices,
            set1_values=a.values,
            set1_shape=a.dense_shape,
            set2_indices=b.indices,
            set2_values=b.values,
            set2_shape=b.dense_shape,
            set_operation=operation,
            validate_indices=validate_indices,
        )
    elif isinstance(b, SparseTensor):
        parts = raw.DenseToSparseSetOperation(
            set1=a,
            set2_indices=b.indices,
            set2_values=b.values,
            set2_shape=b.dense_shape,
            set_operation=operation,
            validate_indices=validate_indices,
        )
    else:
        parts = raw.DenseToDenseSetOperation(
            set1=a, set2=b, set_operation=operation, validate_indices=validate_indices
        )
    return SparseTensor(*parts)


@dispatchable("sets.size", v1=["sets.size", "sets.set_size"])
def size(a, validate_indices=True):
    """The number of distinct entries of each set of a SparseTensor.

    Args:
      a: a SparseTensor `[..., n]` of integers or strings: a set for each row of its last axis.
      validate_indices: whether the order of indices is checked.

    Returns:
      An int32 tensor `[...]`.

    Raises:
      TypeError: `a` is of another dtype.
    """
    a = to_sparse(a)
    if a.dtype not in _TYPES:
        raise TypeError(f"Invalid dtype `{a.dtype}` not in supported dtypes: `{_TYPES}`.")
    return raw.SetSize(
        set_indices=a.indices,
        set_values=a.values,
        set_shape=a.dense_shape,
        validate_indices=validate_indices,
    )


@dispatchable("sets.intersection", v1=["sets.intersection", "sets.set_intersection"])
def intersection(a, b, validate_indices=True):
    """Returns the entries that the sets in the rows of two tensors have in common.

    Args:
      a: a tensor or `SparseTensor` of rank n, whose last axis holds a set: integers or strings.
      b: a tensor or `SparseTensor` with equal leading extents. If only one of both is sparse, it
        is this one.
      validate_indices: whether the indices of sparse tensors are checked for order.

    Returns:
      A `SparseTensor` of rank n, each row in ascending order.

    Raises:
      TypeError: the dtypes differ or are others.

    >>> both = tf.sets.intersection(tf.constant([[1, 2, 3]]), tf.constant([[3, 1, 7]]))
    >>> both.values.numpy()
    array([1, 3], dtype=int32)
    """
    a, b, _ = _operands(a, b, True)
    return _operation(a, b, "intersection", validate_indices)


@dispatchable("sets.difference", v1=["sets.difference", "sets.set_difference"])
def difference(a, b, aminusb=True, validate_indices=True):
    """The difference of the sets of each row: a - b, or b - a without `aminusb`.

    Args:
      a, b: tensors or SparseTensors `[..., n]` of one dtype, integers or strings, equal in all but
        the last size.
      aminusb: whether `b` is taken from `a`; otherwise `a` from `b`.
      validate_indices: whether the order of indices is checked.

    Returns:
      A SparseTensor of the same dtype, sorted in each row.
    """
    a, b, flipped = _operands(a, b, True)
    if flipped:
        aminusb = not aminusb
    return _operation(a, b, "a-b" if aminusb else "b-a", validate_indices)


@dispatchable("sets.union", v1=["sets.union", "sets.set_union"])
def union(a, b, validate_indices=True):
    """The union of the sets of each row, as a SparseTensor.

    Args:
      a, b: tensors or SparseTensors `[..., n]` of one dtype, integers or strings, equal in all but
        the last size.
      validate_indices: whether the order of indices is checked.

    Returns:
      A SparseTensor of the same dtype, sorted in each row.
    """
    a, b, _ = _operands(a, b, True)
    return _operation(a, b, "union", validate_indices)
