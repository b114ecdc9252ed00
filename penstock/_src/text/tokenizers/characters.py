"""Tokenizers by classes of characters: white space, scripts, characters, bytes."""

from typing import Any

from penstock._src.api.array.conversion import convert_to_tensor
from penstock._src.api.array.joining import concat
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.indexing import boolean_mask
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.strings.functions import length
from penstock._src.api.strings.splitting import unicode_decode_with_offsets, unicode_encode
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.ops.text.characters.whitespace import whitespace_config
from penstock._src.text.inputs import dense_or_ragged, known_rank, on_vectors, ragged_rows, text_op
from penstock._src.text.tokenizers.base import (
    Detokenizer,
    SplitterWithOffsets,
    TokenizerWithOffsets,
)
from penstock._src.util.export import export


@export("text.WhitespaceTokenizer", v1=[])
class WhitespaceTokenizer(TokenizerWithOffsets):
    """Tokens between runs of white space, by Unicode's definition.

    >>> tf.text.WhitespaceTokenizer().tokenize(["to be", "or  not"]).to_list()
    [[b'to', b'be'], [b'or', b'not']]
    """

    def __init__(self) -> None:
        super().__init__()
        self._config = whitespace_config()

    def tokenize(self, input: Any) -> Any:
        """Cuts strings at white space.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return self.tokenize_with_offsets(input)[0]

    def tokenize_with_offsets(self, input: Any) -> Any:
        """Cuts strings at white space.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return on_vectors(self._cut, dense_or_ragged(input))

    def _cut(self, strings: Any) -> Any:
        tokens, splits, starts, ends = text_op("WhitespaceTokenizeWithOffsetsV2")(
            input_values=strings, input_config=self._config
        )
        return [ragged_rows(values, splits) for values in (tokens, starts, ends)]


@export("text.UnicodeScriptTokenizer", v1=[])
class UnicodeScriptTokenizer(TokenizerWithOffsets):
    """Tokens of one script: cut at white space, and between letters and punctuation.

    Args:
      keep_whitespace: whether white space makes tokens of its own.

    >>> tf.text.UnicodeScriptTokenizer().tokenize(["it's so"]).to_list()
    [[b'it', b"'", b's', b'so']]
    """

    def __init__(self, keep_whitespace: bool = False) -> None:
        super().__init__()
        self._keep_whitespace = keep_whitespace

    def tokenize(self, input: Any) -> Any:
        """Cuts strings where the script changes.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return self.tokenize_with_offsets(input)[0]

    def tokenize_with_offsets(self, input: Any) -> Any:
        """Cuts strings where the script changes.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return on_vectors(self._cut, dense_or_ragged(input))

    def _cut(self, strings: Any) -> Any:
        points, begins = unicode_decode_with_offsets(strings, "UTF-8")
        values, inner, first, behind, outer = raw.UnicodeScriptTokenizeWithOffsets(
            input_values=points.flat_values,
            input_splits=points.row_splits,
            keep_whitespace=self._keep_whitespace,
        )
        tokens = unicode_encode(ragged_rows(values, inner), "UTF-8")
        # The character after the last one of a token begins where the token ends.
        sizes = cast(length(strings), dtypes.int64)
        bounds = concat([begins, RaggedTensor.from_tensor(sizes[:, None])], axis=1)
        rows = ragged_rows(first, outer).value_rowids()
        shift = raw.GatherV2(params=bounds.row_splits, indices=rows, axis=0)
        starts, ends = (
            raw.GatherV2(params=bounds.values, indices=places + shift, axis=0)
            for places in (first, behind)
        )
        return [ragged_rows(column, outer) for column in (tokens, starts, ends)]


@export("text.UnicodeCharTokenizer", v1=[])
class UnicodeCharTokenizer(TokenizerWithOffsets, Detokenizer):
    """Tokens that are the code points of characters.

    Args:
      name: a name for the module, or None.

    >>> tokenizer = tf.text.UnicodeCharTokenizer()
    >>> tokenizer.tokenize("abc").numpy()
    array([97, 98, 99], dtype=int32)
    >>> tokenizer.detokenize([97, 98]).numpy()
    b'ab'
    """

    def tokenize(self, input: Any) -> Any:
        """Gives the code points of strings.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          int32 code points, ragged, with one more dimension.
        """
        return self.tokenize_with_offsets(input)[0]

    def tokenize_with_offsets(self, input: Any) -> Any:
        """Gives the code points of strings.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          int32 code points, the bytes at which they begin and the bytes at which they end, all ragged.
        """
        input = dense_or_ragged(input)
        points, begins = unicode_decode_with_offsets(input, "UTF-8")
        sizes = cast(length(input), dtypes.int64)
        sizes = sizes[..., None] if known_rank(sizes) else convert_to_tensor(sizes)[None]
        if known_rank(input) > 1 and not isinstance(input, RaggedTensor):
            sizes = RaggedTensor.from_tensor(sizes, ragged_rank=known_rank(input))
        last = boolean_mask(sizes, sizes > 0)
        return points, begins, concat([begins[..., 1:], last], -1)

    def detokenize(self, input: Any, name: str | None = None) -> Any:
        """Makes strings of code points.

        Args:
          input: int32 code points, dense or ragged.
          name: is not used.

        Returns:
          A string for each row.
        """
        return unicode_encode(dense_or_ragged(input), "UTF-8")


@export("text.ByteSplitter", v1=[])
class ByteSplitter(SplitterWithOffsets):
    """Parts that are bytes.

    Args:
      name: a name for the module, or None.

    >>> tf.text.ByteSplitter().split("ab").numpy()
    array([97, 98], dtype=uint8)
    """

    def split(self, input: Any) -> Any:
        """Gives the bytes of strings.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          uint8 bytes, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return self.split_with_offsets(input)[0]

    def split_with_offsets(self, input: Any) -> Any:
        """Gives the bytes of strings.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          uint8 bytes, where they begin and where they end, all ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
        """

        def cut(strings: Any) -> Any:
            values, splits, starts, ends = text_op("ByteSplitWithOffsets")(input_values=strings)
            return [ragged_rows(column, splits) for column in (values, starts, ends)]

        return on_vectors(cut, dense_or_ragged(input))

    def split_by_offsets(self, input: Any, start_offsets: Any, end_offsets: Any) -> Any:
        """Cuts parts out of strings.

        Args:
          input: strings of any shape, dense or ragged.
          start_offsets: the bytes at which parts begin, with one more dimension than `input`.
          end_offsets: the bytes at which they end.

        Returns:
          The parts, of the shape of the offsets.

        Raises:
          ValueError: ranks are unknown or do not fit.
          InvalidArgumentError: offsets are outside of a string.
        """
        input, starts, ends = (
            dense_or_ragged(value) for value in (input, start_offsets, end_offsets)
        )
        rank = known_rank(input)
        names = {"start_offsets": starts, "end_offsets": ends}
        ranks = [
            known_rank(value, f"Rank of {name} must be statically known.")
            for name, value in names.items()
        ]
        if ranks[0] != ranks[1]:
            raise ValueError("Rank of start_offsets should be the same as ends.")
        if ranks[0] != rank + 1:
            raise ValueError("Rank of offsets should be the as input values.")
        if rank == 0:
            return self.split_by_offsets(input[None], starts[None], ends[None]).values
        starts, ends = (
            v if isinstance(v, RaggedTensor) else RaggedTensor.from_tensor(v, ragged_rank=rank)
            for v in (starts, ends)
        )
        if not isinstance(input, RaggedTensor):
            if rank == 1:
                values, splits = text_op("ByteSplitByOffsets")(
                    input_values=input,
                    input_start_offsets=starts.values,
                    input_end_offsets=ends.values,
                    input_row_splits=cast(starts.row_splits, dtypes.int64),
                )
                return ragged_rows(values, splits)
            input = RaggedTensor.from_tensor(input, ragged_rank=rank - 1)
        parts = self.split_by_offsets(input.values, starts.values, ends.values)
        return input.with_values(parts.with_row_splits_dtype(input.row_splits.dtype))
