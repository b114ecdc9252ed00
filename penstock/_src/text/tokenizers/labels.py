"""Tokenizers that take the starts of tokens as labels."""

from typing import Any

from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged, known_rank, ragged_rows
from penstock._src.text.tokenizers.base import TokenizerWithOffsets
from penstock._src.text.tokenizers.wordpiece import NO_RANK
from penstock._src.util.export import export


@export("text.SplitMergeTokenizer", v1=[])
class SplitMergeTokenizer(TokenizerWithOffsets):
    """Cuts strings where labels of their characters are 0.

    Args:
      name: a name for the module, or None.

    >>> tf.text.SplitMergeTokenizer().tokenize(["abc"], [[0, 1, 0]]).to_list()
    [[b'ab', b'c']]
    """

    def tokenize(self, input: Any, labels: Any, force_split_at_break_character: bool = True) -> Any:  # type: ignore[override]
        """Cuts strings.

        Args:
          input: strings of any shape, dense or ragged.
          labels: int32, with one more dimension: 0 where a character begins a token, 1 where it goes on.
          force_split_at_break_character: whether a character behind white space begins a token in any case.

        Returns:
          The tokens, without white space, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
          InvalidArgumentError: there are fewer labels than characters.
        """
        return self.tokenize_with_offsets(input, labels, force_split_at_break_character)[0]

    def tokenize_with_offsets(  # type: ignore[override]
        self, input: Any, labels: Any, force_split_at_break_character: bool = True
    ) -> Any:
        """Cuts strings.

        Args:
          input: strings of any shape, dense or ragged.
          labels: int32, with one more dimension: 0 where a character begins a token, 1 where it goes on.
          force_split_at_break_character: whether a character behind white space begins a token in any case.

        Returns:
          The tokens, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
          InvalidArgumentError: there are fewer labels than characters.
        """
        input, labels = dense_or_ragged(input), dense_or_ragged(labels)
        rank = known_rank(input, NO_RANK)
        if rank == 0:
            parts = self.tokenize_with_offsets(
                input[None], labels[None], force_split_at_break_character
            )
            return tuple(part.values for part in parts)
        if rank > 1:
            if not isinstance(input, RaggedTensor):
                input = RaggedTensor.from_tensor(input, ragged_rank=rank - 1)
            if isinstance(labels, RaggedTensor):
                rows = RaggedTensor.from_row_splits(
                    labels.flat_values, labels.nested_row_splits[-1], validate=False
                )
            else:
                rows = RaggedTensor.from_tensor(
                    raw.Reshape(tensor=labels, shape=[-1, labels.shape[-1]])
                )
            parts = self.tokenize_with_offsets(
                input.flat_values, rows, force_split_at_break_character
            )
            kind = input.row_splits.dtype
            return tuple(input.with_flat_values(part.with_row_splits_dtype(kind)) for part in parts)
        if not isinstance(labels, RaggedTensor):
            labels = RaggedTensor.from_tensor(labels)
        values, splits, starts, ends = raw.SplitMergeTokenizeWithOffsets(
            input_values=input,
            labels=labels.flat_values,
            row_splits=cast(labels.row_splits, dtypes.int32),
            force_split_at_break_character=force_split_at_break_character,
        )
        return tuple(ragged_rows(part, splits) for part in (values, starts, ends))


@export("text.SplitMergeFromLogitsTokenizer", v1=[])
class SplitMergeFromLogitsTokenizer(TokenizerWithOffsets):
    """Cuts strings where the first of two numbers for a character is larger than the second.

    Args:
      force_split_at_break_character: whether a character behind white space begins a token in any case.

    >>> tokenizer = tf.text.SplitMergeFromLogitsTokenizer()
    >>> tokenizer.tokenize(["ab"], [[[1.0, 0.0], [0.0, 1.0]]]).to_list()
    [[b'ab']]
    """

    def __init__(self, force_split_at_break_character: bool = True) -> None:
        super().__init__()
        self._force_split_at_break_character = force_split_at_break_character

    def tokenize(self, strings: Any, logits: Any) -> Any:  # type: ignore[override]
        """Cuts strings.

        Args:
          strings: a vector of strings.
          logits: float32 [strings, characters, 2].

        Returns:
          The tokens, without white space, ragged.

        Raises:
          InvalidArgumentError: there are fewer logits than characters.
        """
        return self.tokenize_with_offsets(strings, logits)[0]

    def tokenize_with_offsets(self, strings: Any, logits: Any) -> Any:  # type: ignore[override]
        """Cuts strings.

        Args:
          strings: a vector of strings.
          logits: float32 [strings, characters, 2].

        Returns:
          The tokens, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          InvalidArgumentError: there are fewer logits than characters.
        """
        values, splits, starts, ends = raw.TokenizerFromLogits(
            strings=strings,
            logits=logits,
            force_split_at_break_character=self._force_split_at_break_character,
        )
        return tuple(ragged_rows(part, splits) for part in (values, starts, ends))
