"""Checks of row splits of ragged tensors."""

from penstock._src.ops.rules import show


def check_splits(op, splits, count):
    """Refuses splits that do not cut a number of values into rows.

    Raises:
      InvalidArgumentError: they do not begin at 0, do not ascend, or do not end at `count`.
    """
    if splits.ndim != 1 or not splits.size:
        raise op.invalid(
            f"Invalid ragged splits: they must be a vector of at least one. Received {show(splits.shape)}"
        )
    if splits[0]:
        raise op.invalid(
            f"Invalid ragged splits: first element of ragged splits must be 0 but is {splits[0]}"
        )
    falls = splits[1:] < splits[:-1]
    if falls.any():
        at = int(falls.argmax()) + 1
        raise op.invalid(
            "Invalid ragged splits: ragged splits must be monotonically increasing, but "
            f"ragged_splits[{at}]={splits[at]} is smaller than row_splits[{at - 1}]={splits[at - 1]}"
        )
    if splits[-1] != count:
        raise op.invalid(
            "Invalid ragged splits: last element of ragged splits must be the number of ragged "
            f"values({count}) but is {splits[-1]}"
        )
