"""Words cut into pieces of a vocabulary in a table."""

import re
from typing import Any

from penstock._src.api.array.indexing import gather
from penstock._src.api.control.scopes import control_dependencies
from penstock._src.api.debugging.asserts import Assert
from penstock._src.api.lookup.tables import (
    LookupInterface,
    StaticVocabularyTable,
    TextFileIndex,
    TextFileInitializer,
)
from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.strings.functions import reduce_join, regex_replace
from penstock._src.api.strings.splitting import split
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.text.inputs import dense_or_ragged, on_vectors, ragged_rows
from penstock._src.text.tokenizers.base import Detokenizer, TokenizerWithOffsets
from penstock._src.util.export import export

NO_RANK = "input must have a known rank."
_NOT_DENSE = "`detokenize` only works with vocabulary tables where the indices are dense on the interval `[0, vocab_size)`"


def _table(vocab: Any) -> Any:
    if isinstance(vocab, str) or (isinstance(vocab, Tensor) and vocab.dtype == dtypes.string):
        lines = TextFileInitializer(
            vocab, dtypes.string, TextFileIndex.WHOLE_LINE, dtypes.int64, TextFileIndex.LINE_NUMBER
        )
        return StaticVocabularyTable(lines, num_oov_buckets=1, lookup_key_dtype=dtypes.string)
    if not isinstance(vocab, LookupInterface):
        raise TypeError(f"Unable to build a lookup table from {vocab}")
    return vocab


@export("text.WordpieceTokenizer", v1=[])
class WordpieceTokenizer(TokenizerWithOffsets, Detokenizer):
    """Cuts words into pieces: from each place on, the longest that a vocabulary has.

    Args:
      vocab_lookup_table: a table from pieces to numbers, or the name of a file with a piece in each line.
      suffix_indicator: what pieces that go on within a word begin with in the vocabulary.
      max_bytes_per_word: longer words are unknown.
      max_chars_per_token: longer pieces are not looked up; None for no bound.
      token_out_type: `tf.string` for pieces, `tf.int32` or `tf.int64` for their numbers.
      unknown_token: what stands for words that cannot be cut; None for the words themselves.
      split_unknown_characters: whether characters that are in no piece are pieces by themselves.

    Raises:
      TypeError: `vocab_lookup_table` is not a table.

    >>> init = tf.lookup.KeyValueTensorInitializer(["[UNK]", "the", "##y"], tf.range(3, dtype=tf.int64))
    >>> table = tf.lookup.StaticVocabularyTable(init, num_oov_buckets=1)
    >>> tf.text.WordpieceTokenizer(table, token_out_type=tf.string).tokenize([["they", "x"]]).to_list()
    [[[b'the', b'##y'], [b'[UNK]']]]
    """

    def __init__(
        self,
        vocab_lookup_table: Any,
        suffix_indicator: str = "##",
        max_bytes_per_word: int = 100,
        max_chars_per_token: int | None = None,
        token_out_type: Any = dtypes.int64,
        unknown_token: str | None = "[UNK]",
        split_unknown_characters: bool = False,
    ) -> None:
        super().__init__()
        self._vocab_lookup_table = _table(vocab_lookup_table)
        self._suffix_indicator = suffix_indicator
        self._max_bytes_per_word = max_bytes_per_word
        self._max_chars_per_token = max_chars_per_token or 0
        self._token_out_type = dtypes.as_dtype(token_out_type)
        self._unknown_token = unknown_token or "[UNK]"
        self._use_unknown_token = bool(unknown_token)
        self._split_unknown_characters = split_unknown_characters

    def vocab_size(self, name: str | None = None) -> Any:
        """Gives the size of the table.

        Args:
          name: of the operation.

        Returns:
          An int64 scalar.
        """
        return self._vocab_lookup_table.size(name)

    def tokenize(self, input: Any) -> Any:
        """Cuts words into pieces.

        Args:
          input: words of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return self.tokenize_with_offsets(input)[0]

    def tokenize_with_offsets(self, input: Any) -> Any:
        """Cuts words into pieces.

        Args:
          input: words of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, and the bytes of the words at which they begin and end, all ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return on_vectors(self._cut, dense_or_ragged(input), NO_RANK)

    def _cut(self, words: Any) -> Any:
        values, splits, starts, ends = raw.WordpieceTokenizeWithOffsets(
            input_values=words,
            vocab_lookup_table=self._vocab_lookup_table.resource_handle,
            suffix_indicator=self._suffix_indicator,
            use_unknown_token=self._use_unknown_token,
            max_bytes_per_word=self._max_bytes_per_word,
            max_chars_per_token=self._max_chars_per_token,
            unknown_token=self._unknown_token,
            split_unknown_characters=self._split_unknown_characters,
            output_row_partition_type="row_splits",
        )
        if self._token_out_type in (dtypes.int32, dtypes.int64):
            values = cast(self._vocab_lookup_table.lookup(values), self._token_out_type)
        return [ragged_rows(column, splits) for column in (values, starts, ends)]

    def _in_order(self) -> tuple[Any, Any]:
        """The pieces and their numbers, by number."""
        table = self._vocab_lookup_table
        pieces, numbers = (table if hasattr(table, "export") else table._table).export()
        order = raw.TopKV2(input=-numbers, k=raw.Size(input=numbers), sorted=True).indices
        return gather(pieces, order), gather(numbers, order)

    def detokenize(self, token_ids: Any) -> Any:
        """Makes words of the numbers of pieces.

        Args:
          token_ids: numbers in rows, dense or ragged; those beyond the vocabulary are the unknown token.

        Returns:
          The words, ragged.

        Raises:
          InvalidArgumentError: the numbers of the table are not 0, 1, 2, ...
          ValueError: `token_ids` is a scalar or vector.
        """
        pieces, numbers = self._in_order()
        token_ids = dense_or_ragged(token_ids)
        count = raw.Size(input=numbers, out_type=numbers.dtype)
        expected = raw.Range(start=count * 0, limit=count, delta=count * 0 + 1)
        is_dense = raw.All(input=raw.Equal(x=numbers, y=expected), axis=[0])
        with control_dependencies([Assert(is_dense, data=[_NOT_DENSE])]):
            most = raw.Cast(x=raw.Size(input=pieces), DstT=token_ids.dtype)
        pieces = raw.ConcatV2(values=[pieces, [self._unknown_token]], axis=0)

        def texts(ids: Any) -> Any:
            return gather(pieces, raw.Minimum(x=ids, y=most))

        if not isinstance(token_ids, RaggedTensor):
            token_ids = RaggedTensor.from_tensor(token_ids)
        words = reduce_join(
            token_ids.with_flat_values(texts(token_ids.flat_values)), axis=-1, separator=" "
        )
        words = regex_replace(words, " " + re.escape(self._suffix_indicator), "")
        words = regex_replace(words, "^ +| +$", "")
        return split(words, sep=" ")
