"""SentencePiece's unigram models as FlatBuffers, and the ops that take these as tensors."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.ops.text.characters.decoding import splits_shape
from penstock._src.ops.text.models.double_array import Trie, build
from penstock._src.ops.text.models.flatbuffer import Table, write
from penstock._src.ops.text.models.model_cache import ModelCache
from penstock._src.ops.text.sentencepiece.model import (
    CONTROL,
    NORMAL,
    SPACE,
    UNIGRAM,
    UNKNOWN,
    Pieces,
    Rules,
    read_model,
)
from penstock._src.ops.text.sentencepiece.processor import Processor, encoded, with_ends
from penstock._src.ops.text.sentencepiece.segmenting import unknown_score
from penstock._src.ops.variants import variant

_OUT = frozenset({dtypes.int32, dtypes.string})


def convert(data: bytes) -> bytes:
    """The FlatBuffer of a model file, by which texts are cut.

    Raises:
      InternalError: the bytes are not a model.
    """
    pieces, rules = read_model(data)
    known = {encoded(text): number for text, number in pieces.known.items() if text}
    return write(
        [
            None,
            np.int32(pieces.number(pieces.bos)),
            np.int32(pieces.number(pieces.eos)),
            np.int32(pieces.unknown),
            np.float32(unknown_score(pieces)),
            None,
            (build(known),),
            np.array(pieces.scores, np.float32),
            rules.removes_spaces,
            rules.adds_prefix,
            rules.escapes_spaces,
            (np.empty(0, np.uint32) if rules.trie is None else rules.trie.units,),
            np.frombuffer(rules.replacements, np.uint8),
        ]
    )


def convert_for_decoder(data: bytes) -> bytes:
    """The FlatBuffer of a model file, by which pieces are joined.

    Raises:
      InternalError: the bytes are not a model.
    """
    pieces, rules = read_model(data)
    texts = []
    for text, kind in zip(pieces.texts, pieces.types, strict=True):
        shown = encoded(text.replace(SPACE, " "))
        texts.append(
            b"" if kind == CONTROL else pieces.unknown_surface if kind == UNKNOWN else shown
        )
    return write([None, None, texts, None, None, rules.adds_prefix])


def vocabulary_size(model: bytes) -> int:
    """The number of pieces in a result of `convert`."""
    return len(Table(model, "FastSentencepieceTokenizer").array(7, np.float32))


class _Encoder:
    """A model by which texts are cut."""

    def __init__(self, data: bytes) -> None:
        table = Table(data, "FastSentencepieceTokenizer")
        scores = table.array(7, np.float32).tolist()
        units = _units(table, 6)
        known = (
            {text.decode("utf-8", "surrogateescape"): n for text, n in Trie(units).items()}
            if len(units)
            else {}
        )
        texts = [""] * len(scores)
        for text, number in known.items():
            if number < len(texts):
                texts[number] = text
        rules_units = _units(table, 11)
        rules = Rules(
            Trie(rules_units) if len(rules_units) else None,
            table.string(12),
            adds_prefix=bool(table.scalar(9, form="<B")),
            removes_spaces=bool(table.scalar(8, form="<B")),
            escapes_spaces=bool(table.scalar(10, form="<B")),
        )
        pieces = Pieces(
            kind=UNIGRAM,
            texts=texts,
            scores=scores,
            types=[NORMAL] * len(scores),
            unknown=table.scalar(3),
            unknown_surface=b"",
            bos="",
            eos="",
            falls_back_to_bytes=False,
            space_is_suffix=False,
            unknown_score=table.scalar(4, 0.0, "<f"),
            compares_rounded=True,
            known={text: number for text, number in known.items() if number < len(scores)},
        )
        self.processor = Processor(pieces, rules)
        self.bos, self.eos = table.scalar(1), table.scalar(2)
        self.shift = table.scalar(5)


def _units(table: Table, field: int) -> np.ndarray:
    vector = table.table(field)
    return np.empty(0, np.uint32) if vector is None else vector.array(0, np.uint32)


_encoder = ModelCache(_Encoder)


class _FastSentencepieceTokenize(Op):
    """The pieces of texts, or their numbers, by a model in bytes."""

    signature = """sp_model: uint8, input: string, nbest_size: int32, alpha: float32, add_bos: bool, add_eos: bool,
        reverse: bool -> output_values: out_type, output_splits: Tsplits"""
    out_type: _OUT = dtypes.int32
    Tsplits: INDEX = dtypes.int32
    differentiable = False

    def shape(self, sp_model, input, nbest_size, alpha, add_bos, add_eos, reverse):
        return [None], splits_shape(input)

    def eager(self, sp_model, input, nbest_size, alpha, add_bos, add_eos, reverse):
        model = _encoder(sp_model)
        splits, texts, numbers, _, _ = model.processor.encode(input.reshape(-1), False)
        is_text = self.out_type is dtypes.string
        values = texts if is_text else (numbers + model.shift).astype(np.int32)
        first, last = (
            (b"",) if is_text else (number + model.shift,) for number in (model.bos, model.eos)
        )
        splits, (values,) = with_ends(
            splits,
            (values,),
            first if bool(add_bos) else None,
            last if bool(add_eos) else None,
            bool(reverse),
        )
        return values, splits.astype(self.Tsplits.np)


variant("TFText>FastSentencepieceTokenize", _FastSentencepieceTokenize)


def _read_decoder(data: bytes) -> tuple[list[bytes], int, bool]:
    table = Table(data, "FastSentencepieceTokenizer")
    return table.strings(2), table.scalar(1), bool(table.scalar(5, form="<B"))


_decoder = ModelCache(_read_decoder)


class _FastSentencepieceDetokenize(Op):
    """The texts of rows of numbers of pieces, by a model in bytes."""

    signature = "sp_model: uint8, input_values: int32, input_splits: Tsplits -> output: string"
    Tsplits: INDEX = dtypes.int64
    differentiable = False

    def shape(self, sp_model, input_values, input_splits):
        rows = input_splits.with_rank(1)[0]
        return [None if rows is None else rows - 1]

    def eager(self, sp_model, input_values, input_splits):
        texts, shift, removes_prefix = _decoder(sp_model)
        numbers = input_values - shift
        wrong = (numbers < 0) | (numbers >= len(texts))
        if wrong.any():
            raise self.invalid(
                f"a piece has a number from {shift} to {shift + len(texts) - 1}. Received {input_values[wrong][0]}."
            )
        out = np.empty(len(input_splits) - 1, object)
        for row, (begin, end) in enumerate(
            zip(input_splits[:-1].tolist(), input_splits[1:].tolist(), strict=True)
        ):
            parts = [texts[number] for number in numbers[begin:end].tolist()]
            # Only that of the first piece: a piece without a text keeps the space after it.
            if parts and removes_prefix and parts[0].startswith(b" "):
                parts[0] = parts[0][1:]
            out[row] = b"".join(parts)
        return out


variant("TFText>FastSentencepieceDetokenize", _FastSentencepieceDetokenize)
