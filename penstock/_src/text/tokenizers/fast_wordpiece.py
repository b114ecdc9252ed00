"""Texts cut into pieces of a vocabulary in a model of bytes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.api.math.elementwise import cast
from penstock._src.api.module import Module
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.ops.text.models import normalizer, wordpiece
from penstock._src.text.inputs import dense_or_ragged, known_rank, on_vectors, ragged_rows, text_op
from penstock._src.text.tokenizers.base import Detokenizer, TokenizerWithOffsets
from penstock._src.text.tokenizers.wordpiece import NO_RANK
from penstock._src.util.export import export


def bytes_tensor(model: Any) -> Any:
    """A model's bytes as a uint8 vector; a tensor as it is."""
    if isinstance(model, Tensor):
        return model
    return convert_to_tensor(np.frombuffer(bytes(model), np.uint8), dtype=dtypes.uint8)


@export("text.build_fast_wordpiece_model", v1=[])
def build_fast_wordpiece_model(
    vocab: Sequence[str],
    max_bytes_per_word: int,
    suffix_indicator: str,
    unknown_token: str,
    no_pretokenization: bool,
    support_detokenization: bool,
) -> bytes:
    """Returns the model of `FastWordpieceTokenizer` as bytes.

    Args:
      vocab: the pieces, each at its number.
      max_bytes_per_word: longer words are unknown.
      suffix_indicator: what pieces that go on within a word begin with.
      unknown_token: the piece for words that cannot be cut.
      no_pretokenization: whether inputs are words, which are not cut at white space and punctuation.
      support_detokenization: whether the model holds the texts of the pieces, for `detokenize`.

    Returns:
      The bytes.

    Raises:
      RuntimeError: pieces are repeated, too long, or lack the unknown one.
    """
    return wordpiece.build_model(
        vocab,
        max_bytes_per_word,
        suffix_indicator,
        unknown_token,
        no_pretokenization,
        support_detokenization,
    )


@export("text.build_fast_bert_normalizer_model", v1=[])
def build_fast_bert_normalizer_model(lower_case_nfd_strip_accents: bool) -> bytes:
    """Returns the model of `FastBertNormalizer` as bytes.

    Args:
      lower_case_nfd_strip_accents: whether case is folded and accents are left out; control characters become spaces in both cases.

    Returns:
      The bytes.
    """
    return normalizer.build_model(bool(lower_case_nfd_strip_accents))


@export("text.FastWordpieceTokenizer", v1=[])
class FastWordpieceTokenizer(TokenizerWithOffsets, Detokenizer):
    """Cuts texts into pieces of a vocabulary: at white space and around punctuation, then the longest pieces from the begin of each word on.

    Args:
      vocab: the pieces, each at its number; or None, with `model_buffer`.
      suffix_indicator: what pieces that go on within a word begin with.
      max_bytes_per_word: longer words are unknown.
      token_out_type: `tf.string` for pieces, `tf.int32` or `tf.int64` for their numbers.
      unknown_token: the piece for words that cannot be cut.
      no_pretokenization: whether inputs are words, which are not cut at white space and punctuation.
      support_detokenization: whether `detokenize` is possible.
      model_buffer: the bytes of `build_fast_wordpiece_model`, in place of all arguments but `token_out_type`.

    Raises:
      RuntimeError: pieces are repeated, too long, or lack the unknown one.

    >>> tokenizer = tf.text.FastWordpieceTokenizer(["[UNK]", "the", "##y", "!"], token_out_type=tf.string)
    >>> tokenizer.tokenize(["they!"]).to_list()
    [[b'the', b'##y', b'!']]
    """

    def __init__(
        self,
        vocab: Sequence[str] | None = None,
        suffix_indicator: str = "##",
        max_bytes_per_word: int = 100,
        token_out_type: Any = dtypes.int64,
        unknown_token: str = "[UNK]",
        no_pretokenization: bool = False,
        support_detokenization: bool = False,
        model_buffer: Any = None,
    ) -> None:
        super().__init__()
        if model_buffer is None:
            model_buffer = build_fast_wordpiece_model(
                vocab,
                max_bytes_per_word,
                suffix_indicator,
                unknown_token,
                no_pretokenization,
                support_detokenization,
            )
        self._model = bytes_tensor(model_buffer)
        self._token_out_type = dtypes.as_dtype(token_out_type)

    def tokenize(self, input: Any) -> Any:
        """Cuts texts into pieces.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return self.tokenize_with_offsets(input)[0]

    def tokenize_with_offsets(self, input: Any) -> Any:
        """Cuts texts into pieces.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, and the bytes at which they begin and end, all ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return on_vectors(self._cut, dense_or_ragged(input), NO_RANK)

    def _cut(self, texts: Any) -> Any:
        pieces, numbers, splits, starts, ends = raw.FastWordpieceTokenizeWithOffsets(
            input_values=texts, wp_model=self._model
        )
        is_number = self._token_out_type in (dtypes.int32, dtypes.int64)
        values = cast(numbers, self._token_out_type) if is_number else pieces
        return [ragged_rows(column, splits) for column in (values, starts, ends)]

    def detokenize(self, input: Any) -> Any:
        """Makes texts of the numbers of pieces.

        Args:
          input: numbers in rows, dense or ragged.

        Returns:
          A string for each row: its words, with spaces between.

        Raises:
          FailedPreconditionError: the model was built without `support_detokenization`.
          InvalidArgumentError: there is no piece of a number.
          ValueError: the rank of `input` is unknown.
        """

        def join(numbers: Any, splits: Any) -> Any:
            return text_op("FastWordpieceDetokenize")(
                input_values=numbers, input_row_splits=splits, wp_model=self._model
            )

        return joined_rows(join, cast(dense_or_ragged(input), dtypes.int32))


def joined_rows(join: Any, numbers: Any) -> Any:
    """The strings that `join` makes of the innermost rows of numbers, given their values and splits."""
    rank = known_rank(numbers, NO_RANK)
    if rank < 2:
        return joined_rows(join, raw.Reshape(tensor=numbers, shape=[1, -1]))[0]
    if not isinstance(numbers, RaggedTensor):
        numbers = RaggedTensor.from_tensor(numbers, ragged_rank=rank - 1)
    *outer, inner = numbers.nested_row_splits
    words = join(numbers.flat_values, cast(inner, dtypes.int64))
    return RaggedTensor.from_nested_row_splits(words, outer, validate=False)


@export("text.FastBertNormalizer", v1=[])
class FastBertNormalizer(Module):
    """Normalizes texts as BERT's tokenizers take them: control characters become spaces, and accents and case go if asked for.

    Args:
      lower_case_nfd_strip_accents: whether case is folded and accents are left out.
      model_buffer: the bytes of `build_fast_bert_normalizer_model`, in place of the other argument.

    >>> tf.text.FastBertNormalizer(lower_case_nfd_strip_accents=True).normalize(["Élan"]).numpy()
    array([b'elan'], dtype=object)
    """

    def __init__(
        self, lower_case_nfd_strip_accents: bool = False, model_buffer: Any = None
    ) -> None:
        super().__init__()
        if model_buffer is None:
            model_buffer = build_fast_bert_normalizer_model(lower_case_nfd_strip_accents)
        self._model = bytes_tensor(model_buffer)

    def normalize(self, input: Any) -> Any:
        """Normalizes texts.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          Strings of the same shape.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return self._normalized(dense_or_ragged(input), False)[0]

    def normalize_with_offsets(self, input: Any) -> Any:
        """Normalizes texts.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          Strings of the same shape; and of each byte of them and of their end the byte that it comes from, ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        return self._normalized(dense_or_ragged(input), True)

    def _normalized(self, input: Any, get_offsets: bool) -> tuple[Any, Any]:
        rank = known_rank(input, NO_RANK)
        if rank == 0:
            texts, offsets = self._normalized(raw.Reshape(tensor=input, shape=[1]), get_offsets)
            return texts[0], offsets.values if get_offsets else None
        if rank > 1:
            if not isinstance(input, RaggedTensor):
                input = RaggedTensor.from_tensor(input, ragged_rank=rank - 1)
            texts, offsets = self._normalized(input.flat_values, get_offsets)
            if get_offsets:
                offsets = input.with_flat_values(
                    offsets.with_row_splits_dtype(input.row_splits.dtype)
                )
            return input.with_flat_values(texts), offsets
        texts, offsets, splits = raw.FastBertNormalize(
            input_values=input, fast_bert_normalizer_model=self._model, get_offsets=get_offsets
        )
        return texts, ragged_rows(offsets, splits) if get_offsets else None
