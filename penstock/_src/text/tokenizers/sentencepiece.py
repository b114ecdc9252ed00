"""SentencePiece's tokenizer."""

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.eager.trackable_resource import TrackableResource
from penstock._src.text.inputs import (
    dense_or_ragged,
    known_rank,
    on_values,
    on_vectors,
    ragged_rows,
)
from penstock._src.text.tokenizers.base import Detokenizer, TokenizerWithOffsets
from penstock._src.util.export import export


class _Model(TrackableResource):
    """A model, which is saved with the tokenizer."""

    def __init__(self, model: Any, name: str | None) -> None:
        super().__init__()
        self._model, self._name = model, name
        _ = self.resource_handle

    def _create_resource(self) -> Any:
        return raw.SentencepieceOp(model=self._model, name=self._name)


@export("text.SentencepieceTokenizer", v1=[])
class SentencepieceTokenizer(TokenizerWithOffsets, Detokenizer):
    """Cuts texts into pieces of a model of SentencePiece: unigram, BPE, words or characters.

    Args:
      model: the bytes of a model file.
      out_type: `tf.int32` for the numbers of pieces, `tf.string` for pieces.
      nbest_size: 0 or 1 for the best way of cutting; more for one that is drawn from this number of the best; negative for one that is drawn of all.
      alpha: how much scores count where a way is drawn; of BPE, the part of merges that are left out.
      reverse: whether rows of pieces are turned round.
      add_bos: whether the piece for the begin of a text is put before each.
      add_eos: whether the piece for the end of a text is put behind each.
      return_nbest: whether the `nbest_size` best ways are returned, as rows of their own.
      name: of the operation that makes the model.

    Raises:
      InvalidArgumentError: there is no model.
      InternalError: the bytes are not a model.
    """

    def __init__(
        self,
        model: Any = None,
        out_type: Any = dtypes.int32,
        nbest_size: Any = 0,
        alpha: Any = 1.0,
        reverse: Any = False,
        add_bos: Any = False,
        add_eos: Any = False,
        return_nbest: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__()
        self.nbest_size, self.alpha, self.out_type = nbest_size, alpha, out_type
        self.reverse, self.add_bos, self.add_eos = reverse, add_bos, add_eos
        self.return_nbest = return_nbest
        self._model_resource = _Model(model, name)

    def _arguments(self) -> dict[str, Any]:
        return dict(
            sp_handle=self._model_resource.resource_handle,
            nbest_size=self.nbest_size,
            alpha=self.alpha,
            add_bos=self.add_bos,
            add_eos=self.add_eos,
            reverse=self.reverse,
            out_type=self.out_type,
            return_nbest=self.return_nbest,
        )

    def tokenize(self, input: Any, name: str | None = None) -> Any:
        """Cuts texts into pieces.

        Args:
          input: strings of any shape, dense or ragged.
          name: of the operation.

        Returns:
          The pieces or their numbers, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input` is unknown.
        """

        def cut(texts: Any) -> Any:
            return [
                ragged_rows(
                    *raw.SentencepieceTokenizeOp(input=texts, name=name, **self._arguments())
                )
            ]

        return on_vectors(cut, dense_or_ragged(input))[0]

    def tokenize_with_offsets(self, input: Any, name: str | None = None) -> Any:
        """Cuts texts into pieces.

        Args:
          input: strings of any shape, dense or ragged.
          name: of the operation.

        Returns:
          The pieces or their numbers, and the bytes at which they begin and end, all ragged.

        Raises:
          ValueError: the rank of `input` is unknown.
        """

        def cut(texts: Any) -> Any:
            outputs = raw.SentencepieceTokenizeWithOffsetsOp(
                input=texts, name=name, **self._arguments()
            )
            values, splits, starts, ends = outputs
            return [ragged_rows(part, splits) for part in (values, starts, ends)]

        return on_vectors(cut, dense_or_ragged(input))

    def detokenize(self, input: Any, name: str | None = None) -> Any:
        """Makes texts of pieces.

        Args:
          input: pieces or their numbers in rows, dense or ragged.
          name: of the operation.

        Returns:
          A string for each row.

        Raises:
          ValueError: `input` is a scalar, or its rank is unknown.
          InvalidArgumentError: there is no piece of a number.
        """

        def join(values: Any, splits: Any) -> Any:
            return raw.SentencepieceDetokenizeOp(
                sp_handle=self._model_resource.resource_handle,
                input_values=values,
                input_splits=splits,
                add_bos=self.add_bos,
                add_eos=self.add_eos,
                reverse=self.reverse,
                name=name,
            )

        return joined(join, dense_or_ragged(input))

    def vocab_size(self, name: str | None = None) -> Any:
        """Gives the number of pieces.

        Args:
          name: of the operation.

        Returns:
          An int32 scalar.
        """
        return raw.SentencepieceVocabSizeOp(
            sp_handle=self._model_resource.resource_handle, name=name
        )

    def id_to_string(self, input: Any, name: str | None = None) -> Any:
        """Gives the pieces with some numbers.

        Args:
          input: int32 numbers of any shape, dense or ragged.
          name: of the operation.

        Returns:
          Strings of the same shape.

        Raises:
          InvalidArgumentError: there is no piece of a number.
          ValueError: the rank of `input` is unknown.
        """
        handle = self._model_resource.resource_handle
        input = dense_or_ragged(input)
        known_rank(input)
        return on_values(
            lambda flat: raw.SentencepieceIdToStringOp(sp_handle=handle, input=flat, name=name),
            input,
        )

    def string_to_id(self, input: Any, name: str | None = None) -> Any:
        """Gives the numbers of pieces.

        Args:
          input: strings of any shape, dense or ragged.
          name: of the operation.

        Returns:
          int32 numbers of the same shape; that of the unknown piece where there is none.

        Raises:
          ValueError: the rank of `input` is unknown.
        """
        handle = self._model_resource.resource_handle
        input = dense_or_ragged(input)
        known_rank(input)
        return on_values(
            lambda flat: raw.SentencepieceStringToIdOp(sp_handle=handle, input=flat, name=name),
            input,
        )


def joined(join: Any, input: Any) -> Any:
    """The strings that `join` makes of the innermost rows, given their values and splits."""
    rank = known_rank(input)
    if rank == 0:
        raise ValueError("Rank of input_tensor must be at least 1.")
    if not isinstance(input, RaggedTensor):
        if rank == 1:
            result = joined(join, raw.Reshape(tensor=input, shape=[1, -1]))
            return raw.Reshape(tensor=result, shape=[])
        input = RaggedTensor.from_tensor(input)
    if input.flat_values.shape.rank > 1:
        return input.with_flat_values(joined(join, input.flat_values))
    if input.ragged_rank > 1:
        return input.with_values(joined(join, input.values))
    return join(input.flat_values, input.row_splits)
