"""The model of PhraseTokenizer: phrases of words with one space between them, as a trie."""

from collections.abc import Sequence

import numpy as np

from penstock._src.ops.text.characters.whitespace import whitespace_config
from penstock._src.ops.text.models.double_array import Trie, build
from penstock._src.ops.text.models.flatbuffer import Table, write
from penstock._src.util.dataclass import dataclass


@dataclass
class PhraseModel:
    """A model that is read.

    Attributes:
      numbers: of the phrases.
      most_words: of a phrase.
      percent: with which a longer phrase is passed over for a shorter one.
      unknown: the text of the phrase for unknown words.
      unknown_number: its number.
      has_texts: whether the texts of the phrases are known.
      texts: of the phrases.
      config: which characters are white space.
      splits_ends: whether punctuation and contractions at the ends of words are words.
    """

    numbers: dict[bytes, int]
    most_words: int
    percent: int
    unknown: bytes
    unknown_number: int
    has_texts: bool
    texts: list[bytes]
    config: bytes
    splits_ends: bool


def read(data: bytes) -> PhraseModel:
    """The model in bytes.

    Raises:
      DataLossError: they are none.
    """
    table = Table(data, "PhraseTokenizer")
    trie = table.table(5)
    units = trie.array(0, np.uint32) if trie is not None else np.empty(0, np.uint32)
    numbers = dict(Trie(units).items()) if len(units) else {}
    return PhraseModel(
        numbers=numbers,
        most_words=max((text.count(b" ") + 1 for text in numbers), default=1),
        percent=table.scalar(0),
        unknown=table.string(1),
        unknown_number=table.scalar(2),
        has_texts=bool(table.scalar(3, form="<B")),
        texts=table.strings(4),
        config=table.string(6),
        splits_ends=bool(table.scalar(7, form="<B")),
    )


def build_model(
    vocab: Sequence[str | bytes],
    unknown: str,
    support_detokenization: bool,
    percent: int,
    split_end_punctuation: bool,
) -> bytes:
    """The bytes of a model of phrases.

    Raises:
      RuntimeError: the unknown phrase is not among them.
    """
    texts = [
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        for text in vocab
    ]
    if unknown.encode() not in texts:
        raise RuntimeError("Cannot find unk_token in the vocab!")
    numbers = {
        text: number
        for number, text in reversed(list(enumerate(texts)))
        if text and b"\0" not in text
    }
    return write(
        [
            np.int32(percent),
            unknown.encode(),
            np.int32(texts.index(unknown.encode())),
            support_detokenization,
            texts if support_detokenization else [],
            (build(numbers),),
            np.frombuffer(whitespace_config(), np.uint8),
            split_end_punctuation,
        ]
    )
