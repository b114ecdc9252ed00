"""Broadcasting axis by axis: where each slice of the result is found in the source, and which rows two sources have in common."""

from __future__ import annotations

from typing import Any

from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.row_checks import INDEX_TYPES, depending, scalar
from penstock._src.api.ragged.row_partition import RowPartition
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import DType
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.signatures import read_only

from .arguments import require_equal

MISMATCH = "Cannot broadcast"
_UNEQUAL = "Unable to broadcast: dimension size mismatch in dimension"


class LayerBroadcaster:
    """Broadcasts the slices of one axis: `gather_index` says for each slice of the target which one of the source it is.

    Raises:
      ValueError: the index is neither int32 nor int64.
    """

    def __init__(self, gather_index: Any) -> None:
        self._gather_index = convert_to_tensor(gather_index)
        if self._gather_index.dtype not in INDEX_TYPES:
            raise ValueError("gather_index must be int64 or int32")

    gather_index = read_only(
        "_gather_index", "For each slice of the target, the one of the source."
    )
    dtype = read_only("_gather_index.dtype", "The type of the index.")

    @classmethod
    def from_gather_index(cls, gather_index: Any) -> LayerBroadcaster:
        """Returns the broadcaster with this index."""
        return cls(gather_index)

    @classmethod
    def first_layer(cls, nrows_source: Tensor, nrows_target: Tensor) -> LayerBroadcaster:
        """Returns the broadcaster between outermost axes of these lengths."""
        one = _is_one(nrows_source)
        fits = _either(one, raw.Equal(x=nrows_source, y=nrows_target))
        index = _zero_where(one, _range(nrows_target))
        return cls(depending(index, require_equal(fits, True, MISMATCH)))

    @classmethod
    def get_singleton_broadcaster(cls, target_size: Tensor) -> LayerBroadcaster:
        """Returns the broadcaster that repeats one slice `target_size` times."""
        return cls(raw.ZerosLike(x=_range(target_size)))

    @classmethod
    def get_identity_broadcaster(cls, nvals: Any, dtype: DType | None = None) -> LayerBroadcaster:
        """Return the broadcaster from `nvals` slices to themselves."""
        size = convert_to_tensor(nvals)
        return cls(_range(size if dtype is None else cast(size, dtype)))

    def with_dtype(self, dtype: DType) -> LayerBroadcaster:
        """Returns the same broadcaster with an index of another type."""
        return LayerBroadcaster(cast(self._gather_index, dtype))

    def with_dependencies(self, checks: list[Any]) -> LayerBroadcaster:
        """Returns the same broadcaster, once assertions hold."""
        return LayerBroadcaster(depending(self._gather_index, checks))

    def broadcast_tensor(self, tensor: Any) -> Tensor:
        """Returns the slices of the target, of those of the source."""
        return raw.GatherV2(params=tensor, indices=self._gather_index, axis=0)

    def dest_nrows(self) -> Tensor:
        """Returns the number of slices of the target."""
        return raw.Shape(input=self._gather_index, out_type=self.dtype)[0]

    def broadcast_row_partition(self, rp: RowPartition) -> RowPartition:
        """Returns the rows of the target, of those of the source."""
        if not rp.is_uniform():
            return RowPartition.from_row_lengths(self.broadcast_tensor(rp.row_lengths()))
        rows, length = self.dest_nrows(), rp.uniform_row_length()
        return RowPartition.from_uniform_row_length(length, nvals=length * rows, nrows=rows)

    def next_layer(self, original_rp: RowPartition, broadcast_rp: RowPartition) -> LayerBroadcaster:
        """Returns the broadcaster of the next axis, which has these rows in the source and in the target."""
        one = _is_one(original_rp.uniform_row_length())
        checks: list[Any] = []
        if one is not True:
            lengths, wanted = (
                self.broadcast_tensor(original_rp.row_lengths()),
                broadcast_rp.row_lengths(),
            )
            checks = _require_rows(one, lengths, wanted, MISMATCH)
        return LayerBroadcaster(depending(_below(self, original_rp, broadcast_rp, one), checks))

    def __repr__(self) -> str:
        return str(self._gather_index)


def _is_one(length: Tensor | None) -> Any:
    """True if a length is 1: a Python bool, or a bool tensor if the length is not static. A missing length is not 1."""
    if length is None:
        return False
    known = get_static_value(length)
    return raw.Equal(x=length, y=scalar(1, length.dtype)) if known is None else bool(known == 1)


def _range(limit: Tensor) -> Tensor:
    return raw.Range(start=scalar(0, limit.dtype), limit=limit, delta=scalar(1, limit.dtype))


def _zero_where(condition: Any, values: Tensor) -> Tensor:
    if condition is False:
        return values
    zeros = raw.ZerosLike(x=values)
    return zeros if condition is True else raw.SelectV2(condition=condition, t=zeros, e=values)


def _below(layer: LayerBroadcaster, source: RowPartition, target: RowPartition, one: Any) -> Tensor:
    """The index below a layer: at a target's position in its row, or at the row's only value where `one`."""
    rows = raw.GatherV2(params=layer.gather_index, indices=target.value_rowids(), axis=0)
    starts = raw.GatherV2(params=source.row_splits(), indices=rows, axis=0)
    return starts if one is True else starts + _zero_where(one, target.offsets_in_rows())


def _either(one: Any, holds: Tensor) -> Any:
    return holds if one is False else True if one is True else raw.LogicalOr(x=one, y=holds)


def _require_rows(one: Any, lengths: Tensor, wanted: Tensor, message: str) -> list[Any]:
    """Requires that rows have these lengths, unless they are of length `one`."""
    if one is False:
        return require_equal(lengths, wanted, message)
    return require_equal(_either(one, raw.Equal(x=lengths, y=wanted)), True, message)


def first_layers(
    a_0: Tensor, b_0: Tensor, message: str = _UNEQUAL
) -> tuple[LayerBroadcaster, LayerBroadcaster]:
    """Returns the broadcasters from two outermost axes, of these lengths, to the axis that both broadcast to."""
    size, checks = common_length(a_0, b_0, message)
    layers = [
        LayerBroadcaster(depending(_zero_where(_unless_both(a, b), _range(size)), checks))
        for a, b in ((a_0, b_0), (b_0, a_0))
    ]
    return layers[0], layers[1]


def _unless_both(mine: Tensor, theirs: Tensor) -> Any:
    """Return the condition that the axis of length `mine` is repeated."""
    one = _is_one(mine)
    return False if one is True and _is_one(theirs) is True else one


def common_length(a: Tensor, b: Tensor, message: str = _UNEQUAL) -> tuple[Tensor, list[Any]]:
    """Returns the length that axes of two lengths broadcast to, and assertions that there is one."""
    one, two = _is_one(a), _is_one(b)
    if one is True:
        return b, []
    if two is True:
        return a, []
    fits = _either(one, _either(two, raw.Equal(x=a, y=b)))
    size = a if one is False else raw.SelectV2(condition=one, t=b, e=a)
    return size, require_equal(fits, True, message)


def next_layers(
    ac_0: LayerBroadcaster, bc_0: LayerBroadcaster, a_1: RowPartition, b_1: RowPartition
) -> tuple[RowPartition, LayerBroadcaster, LayerBroadcaster]:
    """Returns the rows of the next axis that two sources broadcast to, and the broadcasters to it.

    Args:
      ac_0, bc_0: the broadcasters to the axis before.
      a_1, b_1: the rows of the next axis of the two sources.
    """
    _check_layers(ac_0, bc_0, a_1, b_1)
    if a_1.is_uniform() and b_1.is_uniform():
        return next_layers_of_uniform(ac_0, bc_0, a_1, b_1)
    if a_1.is_uniform():
        return next_layers_of_half_ragged(ac_0, bc_0, a_1, b_1)
    if b_1.is_uniform():
        rows, bc_1, ac_1 = next_layers_of_half_ragged(bc_0, ac_0, b_1, a_1)
        return rows, ac_1, bc_1
    rows, others = ac_0.broadcast_row_partition(a_1), bc_0.broadcast_row_partition(b_1)
    checks = require_equal(rows.row_splits(), others.row_splits(), _UNEQUAL)
    ac_1 = LayerBroadcaster(depending(_below(ac_0, a_1, rows, False), checks))
    bc_1 = LayerBroadcaster(depending(_below(bc_0, b_1, rows, False), checks))
    return rows._with(row_splits=depending(rows.row_splits(), checks)), ac_1, bc_1


def next_layers_of_half_ragged(
    ac_0: LayerBroadcaster, bc_0: LayerBroadcaster, a_1: RowPartition, b_1: RowPartition
) -> tuple[RowPartition, LayerBroadcaster, LayerBroadcaster]:
    """`next_layers` for uniform rows `a_1` and ragged rows `b_1`."""
    _check_layers(ac_0, bc_0, a_1, b_1)
    one, length = _is_one(a_1.uniform_row_length()), a_1.uniform_row_length()
    rows, checks = bc_0.broadcast_row_partition(b_1), []
    if one is not True:
        checks = _require_rows(one, length, rows.row_lengths(), _UNEQUAL)
    rows = RowPartition.from_row_splits(depending(rows.row_splits(), checks), validate=False)
    ac_1 = LayerBroadcaster(_below(ac_0, a_1, rows, one))
    return rows, ac_1, LayerBroadcaster(_below(bc_0, b_1, rows, False))


def next_layers_of_uniform(
    ac_0: LayerBroadcaster, bc_0: LayerBroadcaster, a_1: RowPartition, b_1: RowPartition
) -> tuple[RowPartition, LayerBroadcaster, LayerBroadcaster]:
    """`next_layers` for uniform rows."""
    _check_layers(ac_0, bc_0, a_1, b_1)
    lengths = a_1.uniform_row_length(), b_1.uniform_row_length()
    length, checks = common_length(*lengths)
    count, length = ac_0.dest_nrows(), depending(length, checks)
    rows = RowPartition.from_uniform_row_length(length, nvals=length * count, nrows=count)
    ac_1 = LayerBroadcaster(_below(ac_0, a_1, rows, _unless_both(lengths[0], lengths[1])))
    bc_1 = LayerBroadcaster(_below(bc_0, b_1, rows, _unless_both(lengths[1], lengths[0])))
    return rows, ac_1, bc_1


def _check_layers(ac_0: Any, bc_0: Any, a_1: Any, b_1: Any) -> None:
    for name, value in (("ac_0", ac_0), ("bc_0", bc_0)):
        if not isinstance(value, LayerBroadcaster):
            raise TypeError(f"{name} should be a _LayerBroadcaster")
    for name, value in (("a_1", a_1), ("b_1", b_1)):
        if not isinstance(value, RowPartition):
            raise TypeError(f"{name} should be a RowPartition")
