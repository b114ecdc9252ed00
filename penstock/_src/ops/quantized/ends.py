"""Checks of the ends of ranges: single numbers, or one for each index along an axis."""


def check_ends(op, **ends):
    """Rejects ends of ranges that are not single numbers."""
    for name, value in ends.items():
        if value.size != 1:
            raise op.invalid(f"{name} must be a scalar, received shape {list(value.shape)}")


def check_channels(op, x, axis, **ends):
    """Rejects ends of ranges without a number for each index along an axis, or without a single one if that is -1."""
    count = 1 if axis == -1 else x.shape[axis]
    for name, value in ends.items():
        if value.size != count or len(value.shape) > 1:
            raise op.invalid(
                f"{name} must have {count} elements for axis {axis} of an input of shape "
                f"{list(x.shape)}, received shape {list(value.shape)}"
            )


def merge_channels(x, axis, low, high):
    """Returns the static shape of a range's ends: one for each index along an axis, or single numbers if that is -1."""
    if axis == -1:
        return low.with_rank(0).merge_with(high.with_rank(0))
    ends = low.with_rank(1).merge_with(high.with_rank(1))
    if x.rank is None or axis >= x.rank:
        return ends
    return ends.merge_with([x[axis]])
