"""BERT's tokenizers: texts are normalized, cut into words, and these into pieces."""

from collections.abc import Sequence
from typing import Any

from penstock._src.api.array.indexing import gather
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.strings.functions import lower, regex_replace
from penstock._src.core import dtypes
from penstock._src.text.tokenizers.base import Detokenizer, TokenizerWithOffsets
from penstock._src.text.tokenizers.fast_wordpiece import FastBertNormalizer, FastWordpieceTokenizer
from penstock._src.text.tokenizers.normalization import case_fold_utf8, normalize_utf8
from penstock._src.text.tokenizers.regex import regex_split_with_offsets
from penstock._src.text.tokenizers.wordpiece import WordpieceTokenizer
from penstock._src.util.export import export

_SPACES = r"\s+"
_PUNCTUATION = r"[!-/:-@\[-`{-~]|\p{P}"
_CHINESE = r"[\x{4E00}-\x{9FFF}\x{3400}-\x{4DBF}\x{20000}-\x{2A6DF}\x{2A700}-\x{2B73F}\x{2B740}-\x{2B81F}\x{2B820}-\x{2CEAF}\x{F900}-\x{FAFF}\x{2F800}-\x{2FA1F}]"
_APART = f"{_PUNCTUATION}|{_CHINESE}"
_UNUSED = r"\[unused\d+\]"


class BasicTokenizer(TokenizerWithOffsets):
    """Cuts texts at white space and around punctuation and Chinese characters.

    Args:
      lower_case: whether case is folded and accents are left out.
      keep_whitespace: whether white space makes tokens, too.
      normalization_form: of Unicode, into which texts are brought; None for as they are. With `lower_case` it is "NFD".
      preserve_unused_token: whether "[unused1]" and the like are one token.

    Raises:
      ValueError: `lower_case` with a form other than "NFD".
    """

    def __init__(
        self,
        lower_case: bool = False,
        keep_whitespace: bool = False,
        normalization_form: str | None = None,
        preserve_unused_token: bool = False,
    ) -> None:
        if lower_case and normalization_form not in (None, "NFD"):
            raise ValueError(
                "`lower_case` strips accents. When `lower_case` is set, `normalization_form` is 'NFD'."
            )
        self._lower_case = lower_case
        self._normalization_form = normalization_form
        own = [_UNUSED] if preserve_unused_token else []
        self._delimiters = "|".join([*own, _SPACES, _APART])
        self._kept = self._delimiters if keep_whitespace else "|".join([*own, _APART])

    def tokenize(self, text_input: Any) -> Any:
        """Cuts texts into words.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          The words, ragged, with one more dimension.
        """
        return self.tokenize_with_offsets(text_input)[0]

    def tokenize_with_offsets(self, text_input: Any) -> Any:
        """Cuts texts into words.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          The words, and the bytes of the normalized texts at which they begin and end, all ragged.
        """
        if self._lower_case:
            text_input = self.lower_case(text_input)
        elif self._normalization_form is not None:
            text_input = normalize_utf8(text_input, self._normalization_form)
        text_input = regex_replace(text_input, r"\p{Cc}|\p{Cf}", " ")
        return regex_split_with_offsets(
            text_input, self._delimiters, self._kept, "BertBasicTokenizer"
        )

    def lower_case(self, text_input: Any) -> Any:
        """Folds case and leaves out accents.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          Strings of the same shape.
        """
        folded = normalize_utf8(case_fold_utf8(text_input), "NFD")
        return regex_replace(folded, r"\p{Mn}", "")


class AccentPreservingBasicTokenizer(BasicTokenizer):
    """A `BasicTokenizer` that keeps accents where it makes texts lower case."""

    def lower_case(self, text_input: Any) -> Any:
        """Makes texts lower case.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          Strings of the same shape.
        """
        return lower(text_input, encoding="utf-8")


@export("text.BertTokenizer", v1=[])
class BertTokenizer(TokenizerWithOffsets, Detokenizer):
    """Cuts texts as BERT does: into words, and these into pieces of a vocabulary.

    Args:
      vocab_lookup_table: a table from pieces to numbers, or the name of a file with a piece in each line.
      suffix_indicator: what pieces that go on within a word begin with in the vocabulary.
      max_bytes_per_word: longer words are unknown.
      max_chars_per_token: longer pieces are not looked up; None for no bound.
      token_out_type: `tf.string` for pieces, `tf.int32` or `tf.int64` for their numbers.
      unknown_token: what stands for words that cannot be cut; None for the words themselves.
      split_unknown_characters: whether characters that are in no piece are pieces by themselves.
      lower_case: whether case is folded and accents are left out.
      keep_whitespace: whether white space makes words, too.
      normalization_form: of Unicode, into which texts are brought; None for as they are.
      preserve_unused_token: whether "[unused1]" and the like are one word.
      basic_tokenizer_class: what cuts texts into words.

    Raises:
      TypeError: `vocab_lookup_table` is not a table.
      ValueError: `lower_case` with a normalization form other than "NFD".

    >>> init = tf.lookup.KeyValueTensorInitializer(["[UNK]", "the", "##y", "!"], tf.range(4, dtype=tf.int64))
    >>> table = tf.lookup.StaticVocabularyTable(init, num_oov_buckets=1)
    >>> tf.text.BertTokenizer(table, lower_case=True).tokenize(["They!"]).to_list()
    [[[1, 2], [3]]]
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
        lower_case: bool = False,
        keep_whitespace: bool = False,
        normalization_form: str | None = None,
        preserve_unused_token: bool = False,
        basic_tokenizer_class: Any = BasicTokenizer,
    ) -> None:
        super().__init__()
        self._basic_tokenizer = basic_tokenizer_class(
            lower_case, keep_whitespace, normalization_form, preserve_unused_token
        )
        self._wordpiece_tokenizer = WordpieceTokenizer(
            vocab_lookup_table,
            suffix_indicator,
            max_bytes_per_word,
            max_chars_per_token,
            token_out_type,
            unknown_token,
            split_unknown_characters,
        )

    def tokenize_with_offsets(self, text_input: Any) -> Any:
        """Cuts texts into pieces of words.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, and the bytes of the normalized texts at which they begin and end, all ragged, with two more dimensions.
        """
        words, begins, _ = self._basic_tokenizer.tokenize_with_offsets(text_input)
        pieces, starts, ends = self._wordpiece_tokenizer.tokenize_with_offsets(words)
        places = gather(begins.flat_values, _innermost(starts).value_rowids())
        return pieces, *(
            offsets.with_flat_values(offsets.flat_values + places) for offsets in (starts, ends)
        )

    def tokenize(self, text_input: Any) -> Any:
        """Cuts texts into pieces of words.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, ragged, with two more dimensions.
        """
        return self._wordpiece_tokenizer.tokenize(self._basic_tokenizer.tokenize(text_input))

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
        return self._wordpiece_tokenizer.detokenize(token_ids)


def _innermost(value: Any) -> Any:
    """The last ragged dimension of a ragged tensor, as one of its own."""
    while isinstance(value.values, RaggedTensor):
        value = value.values
    return value


@export("text.FastBertTokenizer", v1=[])
class FastBertTokenizer(TokenizerWithOffsets, Detokenizer):
    """Cuts texts as BERT does, by models of bytes: `FastBertNormalizer`, then `FastWordpieceTokenizer`.

    Args:
      vocab: the pieces, each at its number; or None, with `fast_wordpiece_model_buffer`.
      suffix_indicator: what pieces that go on within a word begin with.
      max_bytes_per_word: longer words are unknown.
      token_out_type: `tf.string` for pieces, `tf.int32` or `tf.int64` for their numbers.
      unknown_token: the piece for words that cannot be cut.
      no_pretokenization: whether inputs are words, which are not cut at white space and punctuation.
      support_detokenization: whether `detokenize` is possible.
      fast_wordpiece_model_buffer: the bytes of `build_fast_wordpiece_model`.
      lower_case_nfd_strip_accents: whether case is folded and accents are left out.
      fast_bert_normalizer_model_buffer: the bytes of `build_fast_bert_normalizer_model`.

    Raises:
      RuntimeError: pieces are repeated, too long, or lack the unknown one.

    >>> tokenizer = tf.text.FastBertTokenizer(["[UNK]", "the", "##y", "!"], lower_case_nfd_strip_accents=True)
    >>> tokenizer.tokenize(["They!"]).to_list()
    [[1, 2, 3]]
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
        fast_wordpiece_model_buffer: Any = None,
        lower_case_nfd_strip_accents: bool = False,
        fast_bert_normalizer_model_buffer: Any = None,
    ) -> None:
        super().__init__()
        self._fast_bert_normalizer = FastBertNormalizer(
            lower_case_nfd_strip_accents=lower_case_nfd_strip_accents,
            model_buffer=fast_bert_normalizer_model_buffer,
        )
        self._fast_wordpiece_tokenizer = FastWordpieceTokenizer(
            vocab,
            suffix_indicator,
            max_bytes_per_word,
            token_out_type,
            unknown_token,
            no_pretokenization,
            support_detokenization,
            model_buffer=fast_wordpiece_model_buffer,
        )

    def tokenize_with_offsets(self, text_input: Any) -> Any:
        """Cuts texts into pieces.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, and the bytes of the texts at which they begin and end, all ragged, with one more dimension.

        Raises:
          ValueError: the rank of `text_input` is unknown.
        """
        texts, offsets = self._fast_bert_normalizer.normalize_with_offsets(text_input)
        pieces, starts, ends = self._fast_wordpiece_tokenizer.tokenize_with_offsets(texts)
        return (
            pieces,
            gather(offsets, starts, axis=-1, batch_dims=-1),
            gather(offsets, ends, axis=-1, batch_dims=-1),
        )

    def tokenize(self, text_input: Any) -> Any:
        """Cuts texts into pieces.

        Args:
          text_input: strings of any shape, dense or ragged.

        Returns:
          The pieces or their numbers, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `text_input` is unknown.
        """
        return self._fast_wordpiece_tokenizer.tokenize(
            self._fast_bert_normalizer.normalize(text_input)
        )

    def detokenize(self, token_ids: Any) -> Any:
        """Makes texts of the numbers of pieces.

        Args:
          token_ids: numbers in rows, dense or ragged.

        Returns:
          A string for each row: its words, with spaces between.

        Raises:
          FailedPreconditionError: the model was built without `support_detokenization`.
          InvalidArgumentError: there is no piece of a number.
          ValueError: the rank of `token_ids` is unknown.
        """
        return self._fast_wordpiece_tokenizer.detokenize(token_ids)
