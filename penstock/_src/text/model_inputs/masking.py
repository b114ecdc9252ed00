"""Tokens masked for language models: some are chosen, and replaced by the mask or by random ones."""

from typing import Any

from penstock._src.api.array.indexing import gather, where
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import Assert
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.construction import range as ragged_range
from penstock._src.api.ragged.indexing import boolean_mask
from penstock._src.api.random.functions import uniform
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged
from penstock._src.text.model_inputs.selectors import ItemSelector
from penstock._src.util.export import export


def _flat_rows(value: Any) -> Any:
    return value.merge_dims(1, -1) if value.ragged_rank > 1 else value


@export("text.MaskValuesChooser", v1=[])
class MaskValuesChooser:
    """Chooses what masked tokens become: the mask, a random token, or what they were.

    Args:
      vocab_size: the number of tokens, from which random ones are drawn.
      mask_token: the number of the mask.
      mask_token_rate: the part of the tokens that become the mask.
      random_token_rate: the part of the tokens that become random ones.

    Raises:
      ValueError: a rate is None.

    >>> chooser = tf.text.MaskValuesChooser(100, 9, mask_token_rate=1.0, random_token_rate=0.0)
    >>> chooser.get_mask_values(tf.ragged.constant([[1, 2], [3]])).to_list()
    [[9, 9], [9]]
    """

    def __init__(
        self,
        vocab_size: Any,
        mask_token: Any,
        mask_token_rate: Any = 0.8,
        random_token_rate: Any = 0.1,
    ) -> None:
        if mask_token_rate is None:
            raise ValueError("`mask_token_rate` cannot be None")
        if random_token_rate is None:
            raise ValueError("`random_token_rate` cannot be None")
        self._mask_token_rate, self._random_token_rate = mask_token_rate, random_token_rate
        self._mask_token, self._vocab_size = mask_token, vocab_size

    @property
    def mask_token(self) -> Any:
        """The number of the mask."""
        return self._mask_token

    @property
    def random_token_rate(self) -> Any:
        """The part of the tokens that become random ones."""
        return self._random_token_rate

    @property
    def vocab_size(self) -> Any:
        """The number of tokens."""
        return self._vocab_size

    def get_mask_values(self, masked_lm_ids: Any) -> Any:
        """Chooses what tokens become.

        Args:
          masked_lm_ids: a ragged tensor of the numbers of tokens.

        Returns:
          A ragged tensor of the same shape.

        Raises:
          InvalidArgumentError: the rates are more than 1 together.
        """
        masked, random = (
            cast(self._mask_token_rate, dtypes.float32),
            cast(self._random_token_rate, dtypes.float32),
        )
        is_possible = self._mask_token_rate + self._random_token_rate <= 1
        with control_dependencies(
            [Assert(is_possible, ["mask_token_rate + random_token_rate must be <= 1"])]
        ):
            flat = masked_lm_ids.flat_values
            shape = raw.Shape(input=flat)
            drawn = uniform(shape, 0, 1, dtype=dtypes.float32)
            others = cast(uniform(shape, maxval=cast(self._vocab_size, dtypes.float32)), flat.dtype)
            chosen = where(drawn < masked, cast(self._mask_token, flat.dtype), flat)
            becomes_other = raw.LogicalAnd(x=drawn > masked, y=drawn < masked + random)
            return masked_lm_ids.with_flat_values(where(becomes_other, others, chosen))


@export("text.mask_language_model", v1=[])
def mask_language_model(
    input_ids: Any, item_selector: Any, mask_values_chooser: Any, axis: int = 1
) -> tuple[Any, Any, Any]:
    """Returns rows of tokens with some masked, where these are, and what they were.

    Args:
      input_ids: a ragged tensor of the numbers of tokens.
      item_selector: selects the items that are masked, such as `RandomItemSelector`.
      mask_values_chooser: a `MaskValuesChooser`.
      axis: of the items.

    Returns:
      The rows, the places of masked tokens in their rows, and the tokens that stood there, all ragged.

    Raises:
      ValueError: an argument is none of these.

    >>> chooser = tf.text.MaskValuesChooser(100, 9, mask_token_rate=1.0, random_token_rate=0.0)
    >>> made, places, before = tf.text.mask_language_model(tf.ragged.constant([[1, 2]]), tf.text.FirstNItemSelector(1), chooser)
    >>> made.to_list(), places.to_list(), before.to_list()
    ([[9, 2]], [[0]], [[1]])
    """
    if not isinstance(item_selector, ItemSelector):
        raise ValueError("`item_selector` must be an instance of `ItemSelector`")
    if not isinstance(mask_values_chooser, MaskValuesChooser):
        raise ValueError("`mask_values_chooser` must be an instance of `MaskValuesChooser`")
    input_ids = dense_or_ragged(input_ids)
    selected = item_selector.get_selection_mask(input_ids, axis)
    rows = _flat_rows(input_ids)
    in_row = input_ids.with_flat_values(ragged_range(rows.row_lengths()).flat_values)
    places = _flat_rows(boolean_mask(in_row, selected))
    size = raw.Size(input=rows.flat_values)
    flat_places = gather(
        rows.with_flat_values(raw.Range(start=0, limit=size, delta=1)), places, batch_dims=1
    ).flat_values
    before = places.with_flat_values(gather(rows.flat_values, flat_places))
    after = mask_values_chooser.get_mask_values(before)
    masked = raw.TensorScatterUpdate(
        tensor=rows.flat_values,
        indices=raw.ExpandDims(input=flat_places, axis=-1),
        updates=cast(after.flat_values, rows.dtype),
    )
    return rows.with_flat_values(masked), places, before
