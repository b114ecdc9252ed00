"""`tensorflow_text.keras.layers`: tokenizers as Keras layers, and ragged tensors made dense."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from penstock._src.api.array.joining import concat
from penstock._src.api.compat import as_text
from penstock._src.api.lookup.tables import MutableHashTable
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.api.sparse.functions import to_dense
from penstock._src.api.sparse.sparse_tensor import SparseTensor
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.filesystems.files import read
from penstock._src.text.tokenizers import characters, wordpiece

__all__ = ["ToDense", "UnicodeScriptTokenizer", "WhitespaceTokenizer", "WordpieceTokenizer"]


class ToDense(keras.layers.Layer):
    """Makes ragged and sparse tensors dense.

    Args:
      pad_value: what is put where there is no value.
      mask: whether steps that are only `pad_value` are masked.
      shape: of the result; None for as large as needed.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self, pad_value: Any = 0, mask: bool = False, shape: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._pad_value, self._mask, self._shape = pad_value, mask, shape
        self.trainable = False
        self.masking_layer = keras.layers.Masking(mask_value=pad_value)

    def call(self, inputs: Any) -> Any:
        """Makes a tensor dense.

        Args:
          inputs: a ragged, sparse or dense tensor.

        Returns:
          A dense tensor.

        Raises:
          TypeError: `inputs` is none.
        """
        if isinstance(inputs, RaggedTensor):
            outputs = inputs.to_tensor(default_value=self._pad_value, shape=self._shape)
        elif isinstance(inputs, (SparseTensor, Tensor)):
            outputs = (
                to_dense(inputs, default_value=self._pad_value)
                if isinstance(inputs, SparseTensor)
                else inputs
            )
            if self._shape is not None:
                outputs = raw.EnsureShape(input=outputs, shape=self._shape)
        else:
            raise TypeError(f"Unexpected tensor type {type(inputs).__name__}")
        return self.masking_layer(outputs) if self._mask else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Gives the shape of the result: that of the input.

        Args:
          input_shape: of the input.

        Returns:
          The same.
        """
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments of the layer.

        Returns:
          A dict.
        """
        return {
            **super().get_config(),
            "pad_value": self._pad_value,
            "mask": self._mask,
            "shape": self._shape,
        }


class TokenizerBase(keras.layers.Layer):
    """The base of layers that tokenize.

    Args:
      tokenizer_instance: what tokenizes.
      pad_value: the value that fills shorter rows to make the result dense; None for a ragged result.
      squeeze_token_dim: whether a second dimension of size 1 is left out before.
      **kwargs: of `keras.layers.Layer`.

    Raises:
      ValueError: a dtype other than string.
    """

    def __init__(
        self, tokenizer_instance: Any, pad_value: Any, squeeze_token_dim: bool, **kwargs: Any
    ) -> None:
        dtype = kwargs.get("dtype")
        if dtype is not None and dtype != "string":
            raise ValueError(
                f"The only valid dtype for {type(self).__name__} is string, but got: {dtype}"
            )
        super().__init__(**{**kwargs, "dtype": "string"})
        self._tokenizer, self._pad_value, self._squeeze_token_dim = (
            tokenizer_instance,
            pad_value,
            squeeze_token_dim,
        )

    def build(self, input_shape: Any) -> None:
        """Looks whether the shape fits.

        Args:
          input_shape: of the input.

        Raises:
          RuntimeError: a dimension that is to be left out is not 1.
        """
        shape = TensorShape(input_shape)
        if self._squeeze_token_dim and shape.rank is not None and shape.rank > 1 and shape[1] != 1:
            raise RuntimeError(
                "`squeeze_token_dim` should be set to False if you are calling this layer on a Tensor with inner dimension not equal to 1 "
                f"(got input_shape: {input_shape})."
            )
        super().build(input_shape)

    def call(self, text_to_be_tokenized: Any) -> Any:
        """Tokenizes.

        Args:
          text_to_be_tokenized: strings.

        Returns:
          The tokens, ragged, or dense if there is a `pad_value`.
        """
        text = text_to_be_tokenized
        if self._squeeze_token_dim and text.shape.rank > 1:
            text = (
                text.values if isinstance(text, RaggedTensor) else raw.Squeeze(input=text, axis=[1])
            )
        tokens = self._tokenizer.tokenize(text)
        return (
            tokens if self._pad_value is None else tokens.to_tensor(default_value=self._pad_value)
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Gives the shape of the result: one more dimension.

        Args:
          input_shape: of the input.

        Returns:
          A shape.
        """
        return TensorShape([*TensorShape(input_shape).as_list(), None])

    def compute_output_signature(self, input_signature: Any) -> Any:
        """Gives the spec of the result.

        Args:
          input_signature: the spec of the input.

        Returns:
          A spec.

        Raises:
          TypeError: `input_signature` is not a `TensorSpec`.
        """
        if not isinstance(input_signature, TensorSpec):
            raise TypeError(
                f"Only TensorSpec signature types are supported, but saw signature signature entry: {input_signature}."
            )
        return TensorSpec(
            dtype=dtypes.string, shape=self.compute_output_shape(input_signature.shape)
        )

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments of the layer.

        Returns:
          A dict.
        """
        return {
            **super().get_config(),
            "pad_value": self._pad_value,
            "squeeze_token_dim": self._squeeze_token_dim,
        }


@keras.saving.register_keras_serializable(package="Text")
class UnicodeScriptTokenizer(TokenizerBase):
    """Tokenizes by script; see `tensorflow_text.UnicodeScriptTokenizer`.

    Args:
      keep_whitespace: whether white space makes tokens of its own.
      pad_value: the value that fills shorter rows to make the result dense; None for a ragged result.
      squeeze_token_dim: whether a second dimension of size 1 is left out before.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        keep_whitespace: bool = False,
        pad_value: Any = None,
        squeeze_token_dim: bool = True,
        **kwargs: Any,
    ) -> None:
        tokenizer = characters.UnicodeScriptTokenizer(keep_whitespace=keep_whitespace)
        super().__init__(tokenizer, pad_value, squeeze_token_dim, **kwargs)


@keras.saving.register_keras_serializable(package="Text")
class WhitespaceTokenizer(TokenizerBase):
    """Tokenizes at white space; see `tensorflow_text.WhitespaceTokenizer`.

    Args:
      pad_value: the value that fills shorter rows to make the result dense; None for a ragged result.
      squeeze_token_dim: whether a second dimension of size 1 is left out before.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self, pad_value: Any = None, squeeze_token_dim: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(characters.WhitespaceTokenizer(), pad_value, squeeze_token_dim, **kwargs)


@keras.saving.register_keras_serializable(package="Text")
class WordpieceTokenizer(TokenizerBase):
    """Cuts words into pieces; see `tensorflow_text.WordpieceTokenizer`.

    Args:
      vocabulary: the pieces, each at its number, or the name of a file with one in each line; or None, with `set_vocabulary`.
      suffix_indicator: what pieces that go on within a word begin with.
      max_bytes_per_word: longer words are unknown.
      token_out_type: `tf.string` for pieces, `tf.int32` or `tf.int64` for their numbers.
      unknown_token: what stands for words that cannot be cut.
      pad_value: the value that fills shorter rows to make the result dense; None for a ragged result.
      merge_wordpiece_dim: whether the pieces of all words of a row are one row.
      **kwargs: of `keras.layers.Layer`.
    """

    def __init__(
        self,
        vocabulary: Any = None,
        suffix_indicator: str = "##",
        max_bytes_per_word: int = 100,
        token_out_type: Any = dtypes.string,
        unknown_token: str = "[UNK]",
        pad_value: Any = None,
        merge_wordpiece_dim: bool = True,
        **kwargs: Any,
    ) -> None:
        self._suffix_indicator, self._max_bytes_per_word = suffix_indicator, max_bytes_per_word
        self._token_out_type = dtypes.as_dtype(token_out_type)
        self._unknown_token, self._merge_wordpiece_dim = unknown_token, merge_wordpiece_dim
        table = MutableHashTable(
            key_dtype=dtypes.string, value_dtype=dtypes.int64, default_value=-1
        )
        tokenizer = wordpiece.WordpieceTokenizer(
            vocab_lookup_table=table,
            suffix_indicator=suffix_indicator,
            max_bytes_per_word=max_bytes_per_word,
            token_out_type=self._token_out_type,
            unknown_token=unknown_token,
        )
        super().__init__(tokenizer, pad_value, False, **kwargs)
        self._table = table
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    def set_vocabulary(self, vocab: Any) -> None:
        """Fills the vocabulary.

        Args:
          vocab: the pieces, each at its number, or the name of a file with one in each line.
        """
        if isinstance(vocab, (str, bytes)):
            vocab = read(as_text(vocab)).decode("utf-8", "ignore").splitlines()
        numbers = convert_to_tensor(np.arange(len(vocab)), dtype=dtypes.int64)
        self._table.insert(convert_to_tensor(vocab, dtype=dtypes.string), numbers)

    def get_config(self) -> dict[str, Any]:
        """Gives the arguments of the layer, without the vocabulary.

        Returns:
          A dict.
        """
        config = super().get_config()
        del config["squeeze_token_dim"]
        return {
            **config,
            "suffix_indicator": self._suffix_indicator,
            "max_bytes_per_word": self._max_bytes_per_word,
            "token_out_type": self._token_out_type.name,
            "unknown_token": self._unknown_token,
            "vocabulary": None,
        }

    def call(self, inputs: Any) -> Any:
        """Cuts words into pieces.

        Args:
          inputs: words.

        Returns:
          The pieces or their numbers, ragged, or dense if there is a `pad_value`.
        """
        pieces = super().call(inputs)
        return concat(pieces, -1) if self._merge_wordpiece_dim else pieces
