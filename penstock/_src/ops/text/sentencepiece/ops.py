"""The ops over a model of SentencePiece that a resource holds."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects
from penstock._src.core.op import Op
from penstock._src.core.typesets import INDEX
from penstock._src.core.values import resources
from penstock._src.core.values.resources import Resource
from penstock._src.ops.text.characters.decoding import splits_shape
from penstock._src.ops.text.sentencepiece.processor import Processor, encoded, processor, with_ends

_OUT = frozenset({dtypes.int32, dtypes.string})


class SentencepieceResource(Resource):
    """A model, held by a handle."""

    def __init__(self, processor: Processor, name: str, container: str) -> None:
        super().__init__(name, container)
        self.processor = processor


def _processor(op, handle) -> Processor:
    if not isinstance(handle, SentencepieceResource):
        raise op.invalid(f"expected the handle of a model of SentencePiece. Received {handle!r}")
    return handle.processor


class SentencepieceOp(Op):
    """A model of SentencePiece in a file's bytes; returns its handle."""

    signature = "-> handle: resource[]"
    model: bytes = b""
    container: str = ""
    shared_name: str = ""
    use_node_name_sharing: bool = False
    differentiable = False
    effects = Effects(effect_free=True)

    def eager(self):
        if not self.model:
            raise self.invalid("Model argument must be specified.")
        own = processor(self.model)

        def make():
            return SentencepieceResource(own, self.shared_name, self.container)

        return resources.shared(SentencepieceResource, self.container, self.shared_name, make)


class _Tokenize(Op):
    out_type: _OUT = dtypes.int32
    Tsplits: INDEX = dtypes.int64
    return_nbest: bool = False
    differentiable = False
    effects = Effects(reads_only=True)
    ranks = {"add_bos": (0,), "add_eos": (0,), "reverse": (0,)}

    def _found(self, own, input, nbest_size, alpha, add_bos, add_eos, reverse, with_origins):
        """The row splits, the pieces or their numbers, and the bytes at which they begin and end."""
        rows = input.reshape(-1)
        ways = _for_rows(self, "nbest_size", nbest_size, len(rows))
        weights = _for_rows(self, "alpha", alpha, len(rows))
        if ((ways == 0) | (ways == 1)).all() and not self.return_nbest:
            splits, texts, numbers, begins, ends = own.encode(
                rows, with_origins, self.out_type is dtypes.string
            )
        else:
            splits, texts, numbers, begins, ends = _in_ways(self, own, rows, ways, weights)
        is_text = self.out_type is dtypes.string
        values = texts if is_text else numbers.astype(np.int32)

        def end(is_asked, text):
            if not is_asked:
                return None
            return (encoded(text) if is_text else own.pieces.number(text)), 0, 0

        first, last = end(bool(add_bos), own.pieces.bos), end(bool(add_eos), own.pieces.eos)
        splits, outputs = with_ends(splits, (values, begins, ends), first, last, bool(reverse))
        return splits.astype(self.Tsplits.np), *outputs


def _for_rows(op, name, argument, count):
    """An argument that is one number, or one for each row."""
    if argument.ndim and argument.size not in (1, count):
        raise op.invalid(
            f"{name} must be a scalar or have {count} elements. Received {argument.size}."
        )
    return np.broadcast_to(argument.reshape(-1), count)


def _in_ways(op, own, rows, ways, weights):
    encodings = []
    for row, most, alpha in zip(rows.tolist(), ways.tolist(), weights.tolist(), strict=True):
        if most in (0, 1) and not op.return_nbest:
            most, returns_all = 1, True
        else:
            returns_all = op.return_nbest
        encodings += own.encode_in_ways(row, most, alpha, returns_all)
    splits = np.append(0, np.cumsum([len(pieces) for pieces in encodings], dtype=np.int64))
    flat = [piece for pieces in encodings for piece in pieces]
    texts = np.empty(len(flat), object)
    texts[:] = [piece.text for piece in flat]
    numbers = (np.array([piece[k] for piece in flat], np.int64) for k in (1, 2, 3))
    return splits, texts, *numbers


def _rows_shape(op, input):
    return [None] if op.return_nbest else splits_shape(input)


class SentencepieceTokenizeOp(_Tokenize):
    """The pieces of texts, or their numbers."""

    signature = """sp_handle: resource, input: string, nbest_size: int32, alpha: float32, add_bos: bool,
        add_eos: bool, reverse: bool -> output_values: out_type, output_splits: Tsplits"""

    def shape(self, sp_handle, input, nbest_size, alpha, add_bos, add_eos, reverse):
        return [None], _rows_shape(self, input)

    def eager(self, sp_handle, input, nbest_size, alpha, add_bos, add_eos, reverse):
        own = _processor(self, sp_handle)
        splits, values, _, _ = self._found(
            own, input, nbest_size, alpha, add_bos, add_eos, reverse, False
        )
        return values, splits


class SentencepieceTokenizeWithOffsetsOp(_Tokenize):
    """The pieces of texts, or their numbers, and the bytes at which they begin and end."""

    signature = """sp_handle: resource, input: string, nbest_size: int32, alpha: float32, add_bos: bool,
        add_eos: bool, reverse: bool -> output_values: out_type, output_splits: Tsplits,
        output_offset_starts: int64, output_offset_limits: int64"""

    def shape(self, sp_handle, input, nbest_size, alpha, add_bos, add_eos, reverse):
        return [None], _rows_shape(self, input), [None], [None]

    def eager(self, sp_handle, input, nbest_size, alpha, add_bos, add_eos, reverse):
        own = _processor(self, sp_handle)
        splits, values, begins, ends = self._found(
            own, input, nbest_size, alpha, add_bos, add_eos, reverse, True
        )
        return values, splits, begins, ends


class SentencepieceDetokenizeOp(Op):
    """The texts of rows of pieces, or of their numbers."""

    signature = """sp_handle: resource, input_values: T, input_splits: Tsplits, add_bos: bool,
        add_eos: bool, reverse: bool -> output: string"""
    T: _OUT = dtypes.int32
    Tsplits: INDEX = dtypes.int64
    differentiable = False
    effects = Effects(reads_only=True)

    def shape(self, sp_handle, input_values, input_splits, add_bos, add_eos, reverse):
        rows = input_splits.with_rank(1)[0]
        return [None if rows is None else rows - 1]

    def eager(self, sp_handle, input_values, input_splits, add_bos, add_eos, reverse):
        own = _processor(self, sp_handle)
        if self.T is dtypes.string:
            texts = [text.decode("utf-8", "surrogateescape") for text in input_values.tolist()]
            numbers = [own.pieces.number(text) for text in texts]
        else:
            _check_numbers(self, own, input_values)
            decoded = None if bool(reverse) else own.decode_rows(input_values, input_splits)
            if decoded is not None:
                return decoded
            numbers = input_values.tolist()
            texts = [own.pieces.texts[number] for number in numbers]
        step = -1 if bool(reverse) else 1
        out = np.empty(len(input_splits) - 1, object)
        for row, (begin, end) in enumerate(
            zip(input_splits[:-1].tolist(), input_splits[1:].tolist(), strict=True)
        ):
            out[row] = own.decode(numbers[begin:end][::step], texts[begin:end][::step])
        return out


def _check_numbers(op, own, numbers):
    count = len(own.pieces.texts)
    wrong = (numbers < 0) | (numbers >= count)
    if wrong.any():
        raise op.invalid(
            f"a piece has a number from 0 to {count - 1}. Received {numbers[wrong].flat[0]}."
        )


class SentencepieceVocabSizeOp(Op):
    """The number of pieces of a model."""

    signature = "sp_handle: resource -> vocab_size: int32[]"
    differentiable = False
    effects = Effects(reads_only=True)

    def eager(self, sp_handle):
        return np.int32(len(_processor(self, sp_handle).pieces.texts))


class SentencepieceIdToStringOp(Op):
    """The pieces with some numbers."""

    signature = "sp_handle: resource, input: int32 -> values: string[input]"
    differentiable = False
    effects = Effects(reads_only=True)

    def eager(self, sp_handle, input):
        own = _processor(self, sp_handle)
        _check_numbers(self, own, input)
        return own.texts[input]


class SentencepieceStringToIdOp(Op):
    """The numbers of pieces; that of the unknown one for other strings."""

    signature = "sp_handle: resource, input: string -> values: int32[input]"
    differentiable = False
    effects = Effects(reads_only=True)

    def eager(self, sp_handle, input):
        own = _processor(self, sp_handle)
        texts = [
            own.pieces.number(text.decode("utf-8", "surrogateescape"))
            for text in input.reshape(-1).tolist()
        ]
        return np.array(texts, np.int32).reshape(input.shape)
