"""SentencePiece's tokenizer over a model that is a tensor."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.ops.text.sentencepiece import fast
from penstock._src.text.inputs import dense_or_ragged, on_vectors, ragged_rows, text_op
from penstock._src.text.tokenizers.fast_wordpiece import bytes_tensor
from penstock._src.text.tokenizers.sentencepiece import joined
from penstock._src.util.export import export

convert_sentencepiece_model = fast.convert
convert_sentencepiece_model_for_decoder = fast.convert_for_decoder
get_vocabulary_size = fast.vocabulary_size
OFFERED = (
    "convert_sentencepiece_model",
    "convert_sentencepiece_model_for_decoder",
    "get_vocabulary_size",
)


@export("text.FastSentencepieceTokenizer", v1=[])
class FastSentencepieceTokenizer:
    """Cuts texts into pieces of a unigram model of SentencePiece, which is held as a tensor.

    Args:
      model: the bytes of a model file.
      reverse: whether rows of pieces are turned round.
      add_bos: whether the piece for the begin of a text is put before each.
      add_eos: whether the piece for the end of a text is put behind each.

    Raises:
      InternalError: the bytes are not a model.
    """

    def __init__(
        self, model: bytes, reverse: bool = False, add_bos: bool = False, add_eos: bool = False
    ) -> None:
        converted = convert_sentencepiece_model(model)
        self._converted_model = bytes_tensor(converted)
        self._converted_model_detokenizer = bytes_tensor(
            convert_sentencepiece_model_for_decoder(model)
        )
        self._vocab_size = get_vocabulary_size(converted)
        self._reverse, self._add_bos, self._add_eos = reverse, add_bos, add_eos

    def tokenize(self, inputs: Any) -> Any:
        """Cuts texts into pieces.

        Args:
          inputs: strings of any shape, dense or ragged.

        Returns:
          int32 numbers of pieces, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `inputs` is unknown.
        """

        def cut(texts: Any) -> Any:
            pieces = text_op("FastSentencepieceTokenize")(
                sp_model=self._converted_model,
                input=texts,
                nbest_size=0,
                alpha=0.0,
                add_bos=self._add_bos,
                add_eos=self._add_eos,
                reverse=self._reverse,
            )
            return [ragged_rows(*pieces)]

        return on_vectors(cut, dense_or_ragged(inputs))[0]

    def detokenize(self, input: Any) -> Any:
        """Makes texts of the numbers of pieces.

        Args:
          input: int32 numbers in rows, dense or ragged.

        Returns:
          A string for each row.

        Raises:
          ValueError: `input` is a scalar, or its rank is unknown.
          InvalidArgumentError: there is no piece of a number.
        """

        def join(values: Any, splits: Any) -> Any:
            return text_op("FastSentencepieceDetokenize")(
                sp_model=self._converted_model_detokenizer, input_values=values, input_splits=splits
            )

        return joined(join, dense_or_ragged(input, dtypes.int32))

    def vocab_size(self) -> int:
        """Gives the number of pieces.

        Returns:
          An int.
        """
        return self._vocab_size
