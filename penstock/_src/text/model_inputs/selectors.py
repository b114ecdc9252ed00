"""Which items of rows are selected, for masking and trimming."""

from collections.abc import Callable
from typing import Any

from penstock._src.api.array.creation import zeros_like
from penstock._src.api.array.indexing import gather
from penstock._src.api.array.joining import unstack
from penstock._src.api.mapping.functional import map_fn
from penstock._src.api.math.elementwise import cast
from penstock._src.api.math.reduction import reduce_all
from penstock._src.api.ragged.construction import range as ragged_range
from penstock._src.api.ragged.indexing import boolean_mask
from penstock._src.api.ragged.ragged_tensor import RaggedTensor, RaggedTensorSpec
from penstock._src.api.random.functions import shuffle
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export


def _rank(ids: Any) -> int:
    return ids.ragged_rank + ids.flat_values.shape.rank


def _positive(axis: int, ids: Any) -> int:
    rank = _rank(ids)
    if not -rank <= axis < rank:
        raise ValueError(f"axis must be from {-rank} to {rank - 1}. Received {axis}.")
    return axis % rank


def _positions(ids: Any) -> Any:
    """The index of each value among the flat values, in the shape of `ids`."""
    size = raw.Size(input=ids.flat_values)
    return ids.with_flat_values(raw.Range(start=0, limit=size, delta=1))


def _marked(ids: Any, places: Any) -> Any:
    """True at some indices among the flat values, in the shape of `ids`."""
    flat = ids.flat_values
    places = raw.ExpandDims(input=places, axis=-1)
    none = raw.Fill(dims=raw.Shape(input=flat), value=False)
    return ids.with_flat_values(
        raw.TensorScatterUpdate(tensor=none, indices=places, updates=_all_true(places))
    )


def _all_true(places: Any) -> Any:
    return raw.Fill(dims=raw.Shape(input=places)[:1], value=True)


class ItemSelector:
    """Selects the items of rows that are none of some numbers.

    Args:
      unselectable_ids: a list or vector of numbers that are not selected.

    Raises:
      ValueError: `unselectable_ids` is neither.
    """

    def __init__(self, unselectable_ids: Any = None) -> None:
        if unselectable_ids is None:
            unselectable_ids = []
        if isinstance(unselectable_ids, Tensor):
            rank = unselectable_ids.shape.rank
            if rank not in (1, None):
                raise ValueError(
                    f"`unselectable_ids` must have a rank of 1 or None, but was: {rank}"
                )
            unselectable_ids = unstack(unselectable_ids)
        elif not isinstance(unselectable_ids, list):
            raise ValueError(
                f"`unselectable_ids` must be either a list or `1 dimensional Tensor`, instead it is a {unselectable_ids}"
            )
        self._unselectable_ids = unselectable_ids

    @property
    def unselectable_ids(self) -> Any:
        """The numbers that are not selected."""
        return self._unselectable_ids

    def get_selectable(self, input_ids: Any, axis: int) -> Any:
        """Gives the items that may be selected.

        Args:
          input_ids: a ragged tensor of numbers.
          axis: of the items: all numbers of an item below must be selectable.

        Returns:
          A ragged tensor of bools with an entry for each item.
        """
        if axis > 1:
            input_ids = input_ids.merge_dims(1, axis)
        flat = input_ids.flat_values
        mask = raw.Fill(dims=raw.Shape(input=flat), value=True)
        for number in self._unselectable_ids:
            mask = raw.LogicalAnd(x=mask, y=raw.NotEqual(x=flat, y=cast(number, flat.dtype)))
        axis = axis if axis >= 0 else axis + _rank(input_ids)
        mask = input_ids.with_flat_values(mask)
        return (
            reduce_all(mask, list(range(input_ids.ragged_rank, axis, -1)))
            if axis < input_ids.ragged_rank
            else mask
        )

    def get_selection_mask(self, input_ids: Any, axis: int = 1) -> Any:
        """Gives the items that are selected.

        Args:
          input_ids: a ragged tensor of numbers.
          axis: of the items.

        Returns:
          A ragged tensor of bools with an entry for each item.
        """
        return self.get_selectable(input_ids, axis)


@export("text.RandomItemSelector", v1=[])
class RandomItemSelector(ItemSelector):
    """Selects items at random.

    Args:
      max_selections_per_batch: the largest number of selections in a row.
      selection_rate: the part of the selectable items of each row that is selected, rounded up.
      unselectable_ids: a list or vector of numbers that are not selected.
      shuffle_fn: brings a vector into a random order; the first ones are selected. By default `tf.random.shuffle`.

    Raises:
      ValueError: `selection_rate` is None.

    >>> ids = tf.ragged.constant([[1, 2, 3, 4]])
    >>> mask = tf.text.RandomItemSelector(2, 0.5).get_selection_mask(ids, axis=1)
    >>> tf.reduce_sum(tf.cast(mask, tf.int32)).numpy()
    np.int32(2)
    """

    def __init__(
        self,
        max_selections_per_batch: Any,
        selection_rate: Any,
        unselectable_ids: Any = None,
        shuffle_fn: Callable[[Any], Any] | None = None,
    ) -> None:
        if selection_rate is None:
            raise ValueError("`selection_rate` cannot be None")
        self._shuffle_fn = shuffle if shuffle_fn is None else shuffle_fn
        self._max_selections_per_batch = max_selections_per_batch
        self._selection_rate = selection_rate
        super().__init__(unselectable_ids)

    @property
    def shuffle_fn(self) -> Callable[[Any], Any]:
        """Random keys that shuffle items."""
        return self._shuffle_fn

    @property
    def max_selections_per_batch(self) -> Any:
        """The most items that are selected of a row."""
        return self._max_selections_per_batch

    @property
    def selection_rate(self) -> Any:
        """The part of the selectable items that is selected."""
        return self._selection_rate

    def get_selection_mask(self, input_ids: Any, axis: int = 1) -> Any:
        """Selects items at random.

        Args:
          input_ids: a ragged tensor of numbers.
          axis: of the items.

        Returns:
          A ragged tensor of bools with an entry for each item.
        """
        positions = boolean_mask(_positions(input_ids), self.get_selectable(input_ids, axis))
        if axis > 1:
            positions = positions.merge_dims(1, axis)
        wanted = raw.Ceil(x=cast(positions.row_lengths(), dtypes.float32) * self.selection_rate)
        wanted = cast(
            raw.Minimum(x=wanted, y=cast(self.max_selections_per_batch, dtypes.float32)),
            dtypes.int64,
        )

        def select(row: Any) -> Any:
            places, count = row
            if isinstance(places, RaggedTensor):
                rows = places.nrows()
                order = self._shuffle_fn(raw.Range(start=rows * 0, limit=rows, delta=rows * 0 + 1))
                return gather(places, order[:count])
            return self._shuffle_fn(places)[:count]

        spec = RaggedTensorSpec(ragged_rank=positions.ragged_rank - 1, dtype=positions.dtype)
        chosen = map_fn(select, (positions, wanted), fn_output_signature=spec)
        mask = _marked(
            input_ids, chosen.flat_values if isinstance(chosen, RaggedTensor) else chosen
        )
        if axis < mask.ragged_rank:
            mask = reduce_all(mask, list(range(mask.ragged_rank, axis, -1)))
        return mask


def _selected_at_ends(ids: Any, axis: int, selectable: Any, count: Any, from_end: bool) -> Any:
    """Masks of the first, or the last, selectable items of each row, limited in number."""
    axis = _positive(axis, ids)
    positions = boolean_mask(_positions(ids), selectable)
    if axis > 1:
        positions = positions.merge_dims(1, axis)
    lengths = positions.row_lengths()
    count = cast(raw.Reshape(tensor=convert_to_tensor(count), shape=[-1]), lengths.dtype)
    count = raw.Minimum(x=raw.BroadcastTo(input=count, shape=raw.Shape(input=lengths)), y=lengths)
    in_row = ragged_range(lengths)
    rows = in_row.value_rowids()
    places, own = in_row.values, gather(count, rows)
    taken = (
        raw.GreaterEqual(x=places, y=gather(lengths, rows) - own)
        if from_end
        else raw.Less(x=places, y=own)
    )
    chosen = boolean_mask(
        positions, in_row.with_values(taken).with_row_splits_dtype(positions.row_splits.dtype)
    )
    mask = _marked(ids, chosen.flat_values)
    for _ in range(ids.shape.rank - axis - 1):
        mask = reduce_all(mask, -1)
    return mask


class _EndSelector(ItemSelector):
    _from_end = False

    def __init__(self, num_to_select: Any, unselectable_ids: Any = None) -> None:
        super().__init__(unselectable_ids)
        self._num_to_select = num_to_select

    def get_selectable(self, input_ids: Any, axis: int) -> Any:
        """Gives the items that are selected.

        Args:
          input_ids: a ragged tensor of numbers.
          axis: of the items.

        Returns:
          A ragged tensor of bools with an entry for each item.
        """
        selectable = super().get_selectable(input_ids, axis)
        return _selected_at_ends(input_ids, axis, selectable, self._num_to_select, self._from_end)


@export("text.FirstNItemSelector", v1=[])
class FirstNItemSelector(_EndSelector):
    """Selects the first items of each row that may be selected.

    Args:
      num_to_select: how many; a number, or one for each row.
      unselectable_ids: a list or vector of numbers that are not selected.

    >>> tf.text.FirstNItemSelector(1, [4]).get_selection_mask(tf.ragged.constant([[4, 5, 6]]), 1).to_list()
    [[False, True, False]]
    """


@export("text.LastNItemSelector", v1=[])
class LastNItemSelector(_EndSelector):
    """Selects the last items of each row that may be selected.

    Args:
      num_to_select: how many; a number, or one for each row.
      unselectable_ids: a list or vector of numbers that are not selected.

    >>> tf.text.LastNItemSelector(1, [6]).get_selection_mask(tf.ragged.constant([[4, 5, 6]]), 1).to_list()
    [[False, True, False]]
    """

    _from_end = True


class NothingSelector(ItemSelector):
    """Selects nothing."""

    def __init__(self) -> None:
        super().__init__([])

    def get_selectable(self, input_ids: Any, axis: int) -> Any:
        """Gives False for each item.

        Args:
          input_ids: a ragged tensor of numbers.
          axis: of the items.

        Returns:
          A ragged tensor of bools with an entry for each item.
        """
        mask = input_ids.with_flat_values(cast(zeros_like(input_ids.flat_values), dtypes.bool_))
        for _ in range(input_ids.ragged_rank - axis):
            mask = reduce_all(mask, -1)
        return mask
