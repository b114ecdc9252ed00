"""Tokenizers of GGUF's metadata, by the library `tokenizers`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core.errors import DataLossError, UnimplementedError
from penstock._src.language.text.cuts import CUTS
from penstock._src.language.text.tokenizers import add_tokens, is_encodable, library

_MODEL, _TOKENS = "tokenizer.ggml.model", "tokenizer.ggml.tokens"
_PRE, _MERGES = "tokenizer.ggml.pre", "tokenizer.ggml.merges"
_TYPES, _SCORES = "tokenizer.ggml.token_type", "tokenizer.ggml.scores"
_BEGINS, _BEGIN = "tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id"
_ENDS, _END = "tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id"
_PREFIX = "tokenizer.ggml.add_space_prefix"
# How texts are cut, where a file does not say.
_ANY = "default"
# Types of tokens.
_CONTROL, _USER, _BYTE = 3, 4, 6
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"


def tokenizer_of(metadata: Mapping[str, Any], where: str) -> Any:
    """Returns the tokenizer that metadata describes, of the library `tokenizers`.

    Args:
      metadata: of a GGUF file.
      where: the file, for messages.

    Raises:
      DataLossError: a value is missing or cannot be.
      UnimplementedError: the tokenizer is of a kind that is not implemented.
      ImportError: the library is not installed.
    """
    kind, tokens = metadata.get(_MODEL), metadata.get(_TOKENS)
    if not isinstance(tokens, list) or not tokens or not all(isinstance(t, str) for t in tokens):
        raise DataLossError(f"{where}: '{_TOKENS}': expected texts.")
    if not is_encodable("".join(tokens)):
        wrong = next(token for token in tokens if not is_encodable(token))
        raise DataLossError(f"{where}: '{_TOKENS}': expected texts in UTF-8. Found {wrong!r}.")
    types = metadata.get(_TYPES, np.ones(len(tokens), np.int32))
    if not isinstance(types, np.ndarray) or len(types) != len(tokens):
        raise DataLossError(f"{where}: '{_TYPES}': expected {len(tokens)} numbers.")
    vocabulary = {token: number for number, token in enumerate(tokens)}
    if len(vocabulary) < len(tokens):  # later tokens of the same text cannot be reached
        vocabulary = {tokens[number]: number for number in reversed(range(len(tokens)))}
    if kind == "gpt2":
        tokenizer = _byte_pairs(metadata, vocabulary, where)
    elif kind == "llama":
        tokenizer = _pieces(metadata, vocabulary, tokens, where)
    elif kind == "bert":
        tokenizer = _word_pieces(metadata, tokens, types, where)
    else:
        raise UnimplementedError(
            f"{where}: '{_MODEL}': tokenizers of the kind {kind!r} are not implemented; 'gpt2', 'llama' and 'bert' are."
        )
    _add_tokens(tokenizer, tokens, types)
    if kind == "bert":
        metadata = {_BEGIN: metadata.get("tokenizer.ggml.cls_token_id"), **metadata, _ENDS: True}
        metadata[_END] = metadata.get("tokenizer.ggml.seperator_token_id", metadata.get(_END))
    begins = kind != "gpt2" or _BEGIN in metadata and CUTS[metadata.get(_PRE, _ANY)].begins
    _frame(tokenizer, metadata, tokens, where, begins)
    return tokenizer


def _byte_pairs(metadata: Mapping[str, Any], vocabulary: dict[str, int], where: str) -> Any:
    """Pairs of bytes, merged in the order of a list."""
    lib = library()
    merges = metadata.get(_MERGES)
    if not isinstance(merges, list):
        raise DataLossError(f"{where}: '{_MERGES}': expected texts.")
    pairs = list(map(_pair, merges))
    # The library does not check all of it; a set of all texts is compared in a third of the time of a look at each.
    if not vocabulary.keys() >= {*itertools.chain.from_iterable(pairs), *map("".join, pairs)}:
        known = vocabulary.keys()
        wrong = next(
            merge
            for merge, pair in zip(merges, pairs, strict=True)
            if not known >= {*pair, "".join(pair)}
        )
        raise DataLossError(f"{where}: '{_MERGES}': expected pairs of tokens. Found {wrong!r}.")
    name = metadata.get(_PRE, _ANY)
    if name not in CUTS:
        raise UnimplementedError(
            f"{where}: '{_PRE}': texts cut as {name!r} are not implemented; there are {sorted(CUTS)}."
        )
    cut = CUTS[name]
    tokenizer = lib.Tokenizer(lib.models.BPE(vocabulary, pairs, ignore_merges=cut.takes_words))
    tokenizer.pre_tokenizer = cut.steps()
    tokenizer.decoder = lib.decoders.ByteLevel()
    return tokenizer


def _pair(merge: Any) -> tuple[str, str]:
    """The two tokens of a merge; empty ones if it has another form."""
    at = merge.find(" ", 1) if isinstance(merge, str) else -1
    return (merge[:at], merge[at + 1 :]) if at > 0 else ("", "")


def _pieces(
    metadata: Mapping[str, Any], vocabulary: dict[str, int], tokens: Sequence[str], where: str
) -> Any:
    """SentencePiece's pieces, merged in order of score, with bytes for unknown characters."""
    lib = library()
    scores = metadata.get(_SCORES)
    if not isinstance(scores, np.ndarray) or len(scores) != len(tokens):
        raise DataLossError(f"{where}: '{_SCORES}': expected {len(tokens)} numbers.")
    merges = []
    for token, number in vocabulary.items():
        pairs = [(token[:at], token[at:]) for at in range(1, len(token))]
        inner = [pair for pair in pairs if pair[0] in vocabulary and pair[1] in vocabulary]
        inner.sort(key=lambda pair: (vocabulary[pair[0]], vocabulary[pair[1]]))
        merges += [(-float(scores[number]), pair) for pair in inner]
    merges.sort(key=lambda merge: merge[0])
    unknown = metadata.get("tokenizer.ggml.unknown_token_id", 0)
    name = tokens[unknown] if type(unknown) is int and 0 <= unknown < len(tokens) else tokens[0]
    model = lib.models.BPE(
        vocabulary,
        [pair for _, pair in merges],
        unk_token=name,
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = lib.Tokenizer(model)
    has_prefix = bool(metadata.get(_PREFIX, True))
    normal, decoders = lib.normalizers, lib.decoders
    steps = [normal.Prepend(_SPACE)] if has_prefix else []
    tokenizer.normalizer = normal.Sequence([*steps, normal.Replace(" ", _SPACE)])
    after = [decoders.Strip(" ", 1, 0)] if has_prefix else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *after]
    )
    return tokenizer


def _word_pieces(
    metadata: Mapping[str, Any], tokens: Sequence[str], types: np.ndarray, where: str
) -> Any:
    """BERT's pieces of words in small letters. In a file, the first one of a word has a sign before it; in the library, the further ones have."""
    lib = library()
    vocabulary: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if types[number] == _CONTROL or token.startswith("[") and token.endswith("]"):
            piece = token
        else:
            piece = token[1:] if token.startswith(_SPACE) else f"##{token}"
        vocabulary.setdefault(piece, number)
    unknown = metadata.get("tokenizer.ggml.unknown_token_id", vocabulary.get("[UNK]"))
    if type(unknown) is not int or not 0 <= unknown < len(tokens):
        raise DataLossError(
            f"{where}: 'tokenizer.ggml.unknown_token_id': expected a token. Found {unknown!r}."
        )
    tokenizer = lib.Tokenizer(lib.models.WordPiece(vocabulary, unk_token=tokens[unknown]))
    tokenizer.normalizer = lib.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = lib.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = lib.decoders.WordPiece()
    return tokenizer


def _add_tokens(tokenizer: Any, tokens: Sequence[str], types: np.ndarray) -> None:
    """Adds tokens that are never split; control tokens among them are not part of texts."""
    make = library().AddedToken
    numbers = np.flatnonzero((types == _CONTROL) | (types == _USER)).tolist()
    added = [
        make(tokens[number], special=bool(types[number] == _CONTROL), normalized=False)
        for number in numbers
        if tokens[number]
    ]
    add_tokens(tokenizer, added)


def _frame(
    tokenizer: Any, metadata: Mapping[str, Any], tokens: Sequence[str], where: str, begins: bool
) -> None:
    """Adds the tokens that begin and end every text."""
    frame: list[tuple[str, str, int]] = []
    for flag, key, default in ((_BEGINS, _BEGIN, begins), (_ENDS, _END, False)):
        if not metadata.get(flag, default):
            continue
        number = metadata.get(key)
        if type(number) is not int or not 0 <= number < len(tokens):
            raise DataLossError(f"{where}: '{key}': expected a token. Found {number!r}.")
        frame.append((flag, tokens[number], number))
    if frame:
        before = [f"{token}:0" for flag, token, _ in frame if flag == _BEGINS]
        after = [f"{token}:0" for flag, token, _ in frame if flag == _ENDS]
        special = [(token, number) for _, token, number in frame]
        tokenizer.post_processor = library().processors.TemplateProcessing(
            single=[*before, "$A:0", *after], special_tokens=special
        )
