"""Tokenizers of GGUF's metadata."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.formats.weights.stored import Weights
from penstock._src.language.files import LanguageFiles
from penstock._src.language.text.cuts import CUTS
from penstock._src.language.text.gguf import tokenizer_of
from penstock._src.language.text.tokenizers import of_library
from tests.language.tiny import CONTROL, MERGES, VOCABULARY

pytest.importorskip("tokenizers")
PIECES = [
    "<unk>",
    "<s>",
    "</s>",
    *(f"<0x{n:02X}>" for n in range(256)),
    *"\u2581abc",
    "ab",
    "\u2581a",
    "\u2581ab",
    "bc",
]
SCORES = [0.0] * (len(PIECES) - 4) + [-1.0, -3.0, -4.0, -2.0]


def pairs(**more):
    types = np.int32([3 if token in CONTROL else 1 for token in VOCABULARY])
    facts = {
        "model": "gpt2",
        "pre": "smollm",
        "tokens": VOCABULARY,
        "token_type": types,
        "merges": MERGES,
    }
    return {f"tokenizer.ggml.{key}": value for key, value in {**facts, **more}.items()}


def pieces(**more):
    types = np.int32([2, 3, 3] + [6] * 256 + [1] * 8)
    facts = {"model": "llama", "tokens": PIECES, "token_type": types, "scores": np.float32(SCORES)}
    facts |= {"bos_token_id": 1, "eos_token_id": 2}
    return {f"tokenizer.ggml.{key}": value for key, value in {**facts, **more}.items()}


def texts(facts, text):
    made = of_library(tokenizer_of(facts, "a.gguf"), [], "a.gguf")
    tokens = made.encode(text)
    vocabulary = facts["tokenizer.ggml.tokens"]
    return [vocabulary[token] for token in tokens], made.decode(tokens)


def test_pairs_of_bytes_are_merged_in_their_order():
    found, back = texts(pairs(), "abc abcab")
    assert found == ["abc", "Ġabc", "ab"] and back == "abc abcab"


def test_a_text_that_is_there_twice_is_the_first_token():
    twice = [*VOCABULARY, "abc"]
    facts = pairs(tokens=twice, token_type=np.ones(len(twice), np.int32))
    made = of_library(tokenizer_of(facts, "a.gguf"), [], "a.gguf")
    assert made.encode("abc") == [VOCABULARY.index("abc")]


@pytest.mark.parametrize("merge", ["b zz", "zz b", "a", " a", 3])
def test_a_merge_of_no_tokens_is_named(merge):
    with pytest.raises(tf.errors.DataLossError, match=f"pairs of tokens. Found {merge!r}"):
        tokenizer_of(pairs(merges=[*MERGES, merge]), "a.gguf")


def test_control_tokens_are_not_cut_and_not_texts():
    found, back = texts(pairs(), "ab<|im_end|>ab")
    assert found == ["ab", "<|im_end|>", "ab"] and back == "abab"


def test_digits_are_cut_where_the_model_has_them_so():
    numbers = [*VOCABULARY, "12"]
    more = {
        "tokens": numbers,
        "merges": [*MERGES, "1 2"],
        "token_type": np.ones(len(numbers), np.int32),
    }
    assert texts(pairs(**more), "12")[0] == ["1", "2"]
    assert texts(pairs(**more, pre="gpt-2"), "12")[0] == ["12"]
    assert texts(pairs(**more, pre="llama-bpe"), "12")[0] == ["12"]


@pytest.mark.parametrize(
    ("names", "text", "words"),
    [
        (("gpt-2", "phi-2", "jais"), "it's 12!", ["it", "'s", "Ġ12", "!"]),
        (("smollm", "minerva-7b"), "it's 12!", ["it", "'s", "Ġ", "1", "2", "!"]),
        (("llama3", "falcon3", "glm4"), "IT'S 1234!", ["IT", "'S", "Ġ", "123", "4", "!"]),
        (("qwen2", "deepseek-r1-qwen"), "IT'S 12!", ["IT", "'S", "Ġ", "1", "2", "!"]),
        (("qwen35",), "e\u0301 e", ["eÌģ", "Ġe"]),
        (("qwen2",), "e\u0301 e", ["e", "Ìģ", "Ġe"]),
        (("tekken",), "ofMine's 12", ["of", "Mine", "'s", "Ġ", "1", "2"]),
        (("gpt-4o", "llama4"), "ofMine's 12", ["of", "Mine's", "Ġ", "12"]),
        (("seed-coder",), "it's 12 !\n\nb", ["it", "'s", "Ġ", "1", "2", "Ġ!", "ĊĊ", "b"]),
        (("deepseek-coder",), "a b,,c 12\n", ["a", "Ġb", ",,", "c", "Ġ", "1", "2", "Ċ"]),
    ],
)
def test_texts_are_cut_as_the_name_in_the_file_says(names, text, words):
    for name in names:
        assert [word for word, _ in CUTS[name].steps().pre_tokenize_str(text)] == words


def test_some_models_take_words_whole_and_begin_texts_with_a_token():
    more = {"tokens": [*VOCABULARY, "cab"], "token_type": np.ones(len(VOCABULARY) + 1, np.int32)}
    begin = VOCABULARY.index("<|endoftext|>")
    for name, begins, found in (
        ("llama-bpe", True, ["cab"]),
        ("tekken", True, ["cab"]),
        ("glm4", False, ["cab"]),
        ("qwen2", False, ["c", "ab"]),
        ("dbrx", False, ["c", "ab"]),
    ):
        assert texts(pairs(**more, pre=name), "cab")[0] == found
        begun = ["<|endoftext|>", *found] if begins else found
        assert texts(pairs(**more, pre=name, bos_token_id=begin), "cab")[0] == begun
        said = {"pre": name, "bos_token_id": begin, "add_bos_token": not begins}
        assert (texts(pairs(**more, **said), "cab")[0] != found) is not begins


def test_pieces_are_merged_by_their_scores():
    found, back = texts(pieces(), "abc ab")
    assert found == ["<s>", "\u2581ab", "c", "\u2581ab"] and back == "abc ab"
    assert texts(pieces(add_space_prefix=False, add_bos_token=False), "abc")[0] == ["ab", "c"]


def test_other_characters_are_bytes():
    found, back = texts(pieces(), "aé")
    assert found == ["<s>", "\u2581a", "<0xC3>", "<0xA9>"] and back == "aé"


def test_ends_are_added_where_the_file_says_so():
    assert texts(pieces(add_eos_token=True), "a")[0] == ["<s>", "\u2581a", "</s>"]


@pytest.mark.parametrize(
    ("facts", "kind", "message"),
    [
        (pairs(model="t5"), tf.errors.UnimplementedError, "'t5'"),
        (pairs(pre="strange"), tf.errors.UnimplementedError, "'strange'"),
        (pairs(merges=["a q q"]), tf.errors.DataLossError, "merges"),
        (pairs(merges=[3]), tf.errors.DataLossError, "merges"),
        (pairs(tokens=[]), tf.errors.DataLossError, "tokens"),
        (pairs(token_type=np.int32([1])), tf.errors.DataLossError, "token_type"),
        (pieces(scores=np.float32([1])), tf.errors.DataLossError, "scores"),
        (pieces(bos_token_id=1 << 30), tf.errors.DataLossError, "bos_token_id"),
    ],
)
def test_damage_is_named(facts, kind, message):
    with pytest.raises(kind, match=f"a.gguf: .*{message}"):
        tokenizer_of(facts, "a.gguf")


@pytest.mark.parametrize("kind", ["none", "no_vocab"])
def test_a_file_may_say_that_it_has_no_tokenizer(kind):
    about = LanguageFiles(
        "", Weights("", {}, {"tokenizer.ggml.model": kind}), True, None, (), "", {}
    )
    assert about.tokenizer() is None
