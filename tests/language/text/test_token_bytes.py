"""Tokens' bytes, joined, are the text that a tokenizer decodes."""

import pytest

from penstock._src.language.text.tokenizers import Characters, of_library

library = pytest.importorskip("tokenizers")
TEXT = "caf\u00e9 \u20ac, <0x41> x  y\n\U0001f600"


def joined(made, text=TEXT):
    tokenizer = of_library(made.to_str(), [], "here")
    tokens = tokenizer.encode(text)
    return b"".join(tokenizer.token_bytes(token) for token in tokens)


def test_of_byte_pairs():
    alphabet = sorted(library.pre_tokenizers.ByteLevel.alphabet())
    made = library.Tokenizer(library.models.BPE({c: n for n, c in enumerate(alphabet)}, []))
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    assert joined(made) == TEXT.encode()


def test_of_pieces_with_bytes():
    vocabulary = {f"<0x{n:02X}>": n for n in range(256)} | {"\u2581": 256, "a": 257, "<unk>": 258}
    made = library.Tokenizer(
        library.models.BPE(vocabulary, [], byte_fallback=True, unk_token="<unk>")
    )
    made.normalizer = library.normalizers.Replace(" ", "\u2581")
    decoders = library.decoders
    made.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    assert joined(made) == TEXT.encode()


def test_added_tokens_have_their_names_and_unknown_ones_nothing():
    made = library.Tokenizer(library.models.BPE({"a": 0}, []))
    made.add_special_tokens(["<end>"])
    made.add_tokens(["  "])
    tokenizer = of_library(made.to_str(), [], "here")
    assert [tokenizer.token_bytes(n) for n in range(4)] == [b"a", b"<end>", b"  ", b""]
    assert [tokenizer.is_control(n) for n in range(4)] == [False, True, False, False]


def test_of_characters():
    tokenizer = Characters("a\u20ac")
    assert [tokenizer.token_bytes(n) for n in range(3)] == [b"a", "\u20ac".encode(), b""]
