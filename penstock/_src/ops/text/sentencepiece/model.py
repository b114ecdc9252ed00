"""A model of SentencePiece, read from its file."""

import struct
from dataclasses import field

import numpy as np
from google.protobuf.message import DecodeError

from penstock._src.core.errors import InternalError
from penstock._src.ops.text.models.double_array import Trie
from penstock._src.ops.text.sentencepiece.messages import ModelProto
from penstock._src.util.dataclass import dataclass

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
UNIGRAM, BPE, WORD, CHAR = range(1, 5)
SPACE = "\u2581"


@dataclass
class Rules:
    """Settings of the normalization of texts.

    Attributes:
      trie: of what is replaced, with the begins of the replacements as values; None if nothing is.
      replacements: each ends with a zero byte.
      adds_prefix: whether a space is put before the text.
      removes_spaces: whether spaces at both ends and repeated ones are left out.
      escapes_spaces: whether spaces become the symbol for them.
    """

    trie: Trie | None
    replacements: bytes
    adds_prefix: bool
    removes_spaces: bool
    escapes_spaces: bool


@dataclass
class Pieces:
    """The vocabulary of a model.

    Attributes:
      kind: UNIGRAM, BPE, WORD or CHAR.
      texts: of the pieces, by number.
      scores: of the pieces.
      types: of the pieces: NORMAL and so on.
      known: the numbers of pieces that texts are cut into.
      reserved: the numbers of control pieces and of the unknown one.
      unknown: the number of the unknown piece.
      unknown_surface: what stands for it in a text.
      bos: the piece for the begin of a text.
      eos: the piece for its end.
      falls_back_to_bytes: whether unknown characters become pieces for their bytes.
      space_is_suffix: whether spaces belong to the word before them.
      unknown_score: of an unknown character in a unigram model; None for the least score less a penalty.
      compares_rounded: whether sums of scores are rounded to float32 before they are compared; else after it.
    """

    kind: int
    texts: list[str]
    scores: list[float]
    types: list[int]
    unknown: int
    unknown_surface: bytes
    bos: str
    eos: str
    falls_back_to_bytes: bool
    space_is_suffix: bool
    unknown_score: float | None = None
    compares_rounded: bool = False
    known: dict[str, int] = field(default_factory=dict)
    reserved: dict[str, int] = field(default_factory=dict)

    def number(self, text: str) -> int:
        """The number of a piece; that of the unknown one if there is none."""
        number = self.reserved.get(text)
        return self.known.get(text, self.unknown) if number is None else number

    def symbols(self) -> list[str]:
        """The pieces that users have defined, which are never cut."""
        return [
            text for text, type in zip(self.texts, self.types, strict=True) if type == USER_DEFINED
        ]

    def byte(self, value: int) -> int:
        """The number of the piece for a byte."""
        return self.reserved.get(f"<0x{value:02X}>", self.unknown)


def _charsmap(data: bytes) -> tuple[Trie | None, bytes]:
    """The trie and the replacements in a compiled charsmap."""
    if len(data) < 4:
        return None, b""
    (size,) = struct.unpack_from("<I", data)
    units = np.frombuffer(data[4 : 4 + size - size % 4], np.uint32)
    return (Trie(units) if len(units) else None), data[4 + size :]


def _rules(spec) -> Rules:
    def unless_off(name: str) -> bool:
        return getattr(spec, name) if spec.HasField(name) else True

    return Rules(
        *_charsmap(spec.precompiled_charsmap),
        unless_off("add_dummy_prefix"),
        unless_off("remove_extra_whitespaces"),
        unless_off("escape_whitespaces"),
    )


def read_model(data: bytes) -> tuple[Pieces, Rules]:
    """The vocabulary and the rules of a model file.

    Raises:
      InternalError: it is none, or lacks an unknown piece.
    """
    try:
        proto = ModelProto.FromString(data)
    except DecodeError as error:
        raise InternalError(f"SentencePiece: the model cannot be parsed: {error}") from None
    spec = proto.trainer_spec
    texts = [entry.piece.decode("utf-8", "surrogateescape") for entry in proto.pieces]
    types = [entry.type if entry.HasField("type") else NORMAL for entry in proto.pieces]
    if UNKNOWN not in types:
        raise InternalError("SentencePiece: the model has no unknown piece.")

    def text_of(name: str, default: str) -> str:
        return (
            getattr(spec, name).decode("utf-8", "surrogateescape")
            if spec.HasField(name)
            else default
        )

    pieces = Pieces(
        kind=spec.model_type if spec.HasField("model_type") else UNIGRAM,
        texts=texts,
        scores=[entry.score for entry in proto.pieces],
        types=types,
        unknown=types.index(UNKNOWN),
        unknown_surface=spec.unk_surface if spec.HasField("unk_surface") else " \u2047 ".encode(),
        bos=text_of("bos_piece", "<s>"),
        eos=text_of("eos_piece", "</s>"),
        falls_back_to_bytes=spec.byte_fallback,
        space_is_suffix=spec.treat_whitespace_as_suffix,
    )
    for number, (text, type) in enumerate(zip(texts, types, strict=True)):
        into = pieces.known if type in (NORMAL, USER_DEFINED, UNUSED) else pieces.reserved
        into.setdefault(text, number)
    return pieces, _rules(proto.normalizer_spec)
