"""Texts cut into phrases."""

from collections.abc import Sequence
from typing import Any

from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.ops.text.models import phrases
from penstock._src.text.inputs import dense_or_ragged, on_vectors, ragged_rows, text_op
from penstock._src.text.tokenizers.base import Detokenizer, Tokenizer
from penstock._src.text.tokenizers.fast_wordpiece import bytes_tensor, joined_rows
from penstock._src.text.tokenizers.wordpiece import NO_RANK
from penstock._src.util.export import export

build_phrase_model = phrases.build_model
OFFERED = ("build_phrase_model",)


@export("text.PhraseTokenizer", v1=[])
class PhraseTokenizer(Tokenizer, Detokenizer):
    """Cuts texts into phrases: the longest that a vocabulary has, from each word on.

    Args:
      vocab: phrases of words with one space between them, each at its number; or None, with `model_buffer`.
      token_out_type: `tf.string` for phrases, `tf.int32` or `tf.int64` for their numbers.
      unknown_token: the phrase for words that are in none.
      support_detokenization: whether `detokenize` is possible.
      prob: the percentage with which a longer phrase is passed over for a shorter one.
      split_end_punctuation: whether punctuation and contractions such as "'t" at the ends of words are words.
      model_buffer: the bytes of a model, in place of all arguments but `token_out_type`.

    Raises:
      RuntimeError: the unknown phrase is not in the vocabulary.

    >>> tokenizer = tf.text.PhraseTokenizer(["<UNK>", "I", "have a", "dream"], token_out_type=tf.string)
    >>> tokenizer.tokenize(["I have a dream"]).to_list()
    [[b'I', b'have a', b'dream']]
    """

    def __init__(
        self,
        vocab: Sequence[str] | None = None,
        token_out_type: Any = dtypes.int32,
        unknown_token: str = "<UNK>",
        support_detokenization: bool = True,
        prob: int = 0,
        split_end_punctuation: bool = False,
        model_buffer: Any = None,
    ) -> None:
        super().__init__()
        if model_buffer is None:
            model_buffer = build_phrase_model(
                vocab, unknown_token, support_detokenization, prob, split_end_punctuation
            )
        self._model = bytes_tensor(model_buffer)
        self._token_out_type = dtypes.as_dtype(token_out_type)

    def tokenize(self, input: Any) -> Any:
        """Cuts texts into phrases.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The phrases or their numbers, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
        """

        def cut(texts: Any) -> Any:
            phrases, numbers, splits = raw.PhraseTokenize(
                input_values=texts, phrase_model=self._model
            )
            is_number = self._token_out_type in (dtypes.int32, dtypes.int64)
            return [
                ragged_rows(cast(numbers, self._token_out_type) if is_number else phrases, splits)
            ]

        return on_vectors(cut, dense_or_ragged(input), NO_RANK)[0]

    def detokenize(self, input: Any) -> Any:
        """Makes texts of the numbers of phrases.

        Args:
          input: numbers in rows, dense or ragged.

        Returns:
          A string for each row.

        Raises:
          FailedPreconditionError: the model was built without `support_detokenization`.
          InvalidArgumentError: there is no phrase of a number.
          ValueError: the rank of `input` is unknown.
        """

        def join(numbers: Any, splits: Any) -> Any:
            return text_op("PhraseDetokenize")(
                input_values=numbers, input_row_splits=splits, phrase_model=self._model
            )

        return joined_rows(join, cast(dense_or_ragged(input), dtypes.int32))
