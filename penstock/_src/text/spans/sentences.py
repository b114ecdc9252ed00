"""Texts broken into sentences."""

import abc
from typing import Any

from penstock._src.api.math.elementwise import cast
from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged, on_vectors
from penstock._src.text.tokenizers.characters import ByteSplitter
from penstock._src.util.export import export


class SentenceBreaker:
    """The base of classes that break texts into sentences."""

    @abc.abstractmethod
    def break_sentences(self, input: Any) -> Any:
        """Breaks texts.

        Args:
          input: strings, dense or ragged.

        Returns:
          The sentences, ragged.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError()


class SentenceBreakerWithOffsets(SentenceBreaker):
    """The base of classes that break texts into sentences and say where these are."""

    @abc.abstractmethod
    def break_sentences_with_offsets(self, input: Any) -> Any:
        """Breaks texts.

        Args:
          input: strings, dense or ragged.

        Returns:
          The sentences, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError()


@export("text.StateBasedSentenceBreaker", v1=[])
class StateBasedSentenceBreaker(SentenceBreakerWithOffsets):
    """Breaks texts behind terminal punctuation, acronyms and emoticons.

    >>> tf.text.StateBasedSentenceBreaker().break_sentences(["Hello. Who is there?"]).to_list()
    [[b'Hello.', b'Who is there?']]
    """

    def break_sentences(self, doc: Any) -> Any:
        """Breaks texts.

        Args:
          doc: strings, dense or ragged.

        Returns:
          The sentences, ragged, with one more dimension.
        """
        return self.break_sentences_with_offsets(doc)[0]

    def break_sentences_with_offsets(self, doc: Any) -> Any:
        """Breaks texts.

        Args:
          doc: strings, dense or ragged.

        Returns:
          The sentences, the bytes at which they begin and the bytes at which they end, all ragged.
        """

        def cut(texts: Any) -> Any:
            starts, ends, _, _, counts = raw.SentenceFragmentsV2(doc=texts)
            starts, ends = (
                RaggedTensor.from_row_lengths(part, counts, validate=False)
                for part in (starts, ends)
            )
            places = (cast(part, dtypes.int32) for part in (starts, ends))
            return ByteSplitter().split_by_offsets(texts, *places), starts, ends

        return on_vectors(cut, dense_or_ragged(doc))


@export("text.sentence_fragments", v1=[])
def sentence_fragments(
    token_word: Any,
    token_starts: Any,
    token_ends: Any,
    token_properties: Any,
    input_encoding: str = "UTF-8",
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
) -> Any:
    """Returns the fragments of rows of tokens that may be sentences; superseded by `StateBasedSentenceBreaker`.

    Args:
      token_word: the tokens, a matrix, dense or ragged.
      token_starts: where they begin.
      token_ends: where they end.
      token_properties: bits for each: 0x80 for an emoticon, 0x100 for an acronym, and others, which are not used.
      input_encoding: of the tokens.
      errors: treatment of malformed ones: "strict", "replace" or "ignore".
      replacement_char: the code point that stands for them.
      replace_control_characters: whether it stands for control characters, too.

    Returns:
      Of each fragment the first token, the one behind the last, bits for what it ends with (1 terminal punctuation, 2 several, 4 a closing bracket), and the terminal token, all ragged.

    Raises:
      InvalidArgumentError: the encoding is not known.
    """
    rows = [
        value if isinstance(value, RaggedTensor) else RaggedTensor.from_tensor(value)
        for value in map(dense_or_ragged, (token_word, token_starts, token_ends, token_properties))
    ]
    words, starts, ends, properties = rows
    *fragments, counts = raw.SentenceFragments(
        row_lengths=starts.row_lengths(),
        token_start=starts.flat_values,
        token_end=ends.flat_values,
        token_word=words.flat_values,
        token_properties=properties.flat_values,
        input_encoding=input_encoding,
        errors=errors,
        replacement_char=replacement_char,
        replace_control_characters=replace_control_characters,
    )
    return tuple(RaggedTensor.from_row_lengths(part, counts) for part in fragments)
