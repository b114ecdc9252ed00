"""Text comes as soon as it is certain, and ends at stops."""

import pytest
import tokenizers as library

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.language.text.chat import prompt_of
from penstock._src.language.text.stream import TextStream
from penstock._src.language.text.tokenizers import Characters, load, of_library


class Bytes:
    """A token for each byte of UTF-8."""

    def decode(self, tokens):
        return bytes(tokens).decode(errors="replace")


def streamed(text, *stops):
    stream = TextStream(Bytes(), stops)
    pieces = [stream.push([byte]) for byte in text.encode()]
    return [*pieces, stream.finish()]


def test_characters_of_several_tokens_come_whole():
    assert streamed("a€b") == ["a", "", "", "€", "b", ""]
    stream = TextStream(Bytes())
    assert stream.push("€".encode()[:2]) == "" and stream.finish() == "\N{REPLACEMENT CHARACTER}"


def test_what_may_begin_a_stop_is_held_back():
    assert streamed("a<b<end>c", "<end>") == ["a", "", "<b", "", "", "", "", "", "", ""]
    assert "".join(streamed("one two", "x", "two")) == "one "
    assert "".join(streamed("a<en", "<end>")) == "a<en"


def test_a_stop_within_a_piece():
    stream = TextStream(Bytes(), ["stop"])
    assert stream.push(b"go on stop here") == "go on "
    assert stream.is_stopped and stream.push(b"more") == "" and stream.finish() == ""


def test_an_empty_stop_is_refused():
    with pytest.raises(InvalidArgumentError, match="stop: expected texts that are not empty"):
        TextStream(Bytes(), ["a", ""])


def test_text_that_follows_a_prompt_begins_with_its_space():
    made = library.Tokenizer(library.models.BPE({"<s>": 0, "\u2581": 1, "a": 2, "b": 3}, []))
    made.add_special_tokens(["<s>"])
    space = library.decoders.Replace("\u2581", " ")
    strip = library.decoders.Strip(" ", 1, 0)
    made.decoder = library.decoders.Sequence([space, library.decoders.Fuse(), strip])
    tokenizer = of_library(made, [], "")
    for prompt, text in (([0, 1, 2], " b"), ([0, 1, 2, 0], " b"), ([0], "b"), ([], "b")):
        stream = TextStream(tokenizer)
        stream.follow(prompt)
        assert [stream.push([1]), stream.push([3])] == ([" ", "b"] if text[0] == " " else ["", "b"])
    assert TextStream(tokenizer).echo(1) == ""


def test_text_that_follows_part_of_a_character():
    stream = TextStream(Bytes())
    first, *rest = "\u20aca".encode()
    stream.follow([first])
    pieces = [stream.push([byte]) for byte in rest]
    assert "".join(pieces).endswith("a") and stream.length == len("".join(pieces))


def test_characters(tmp_path):
    tokenizer = Characters("ab ")
    assert tokenizer.encode("b a") == [1, 2, 0] and tokenizer.decode([1, 2, 0]) == "b a"
    assert tokenizer.decode([1, 3]) == "b"
    with pytest.raises(InvalidArgumentError, match="'c'"):
        tokenizer.encode("ac")
    for damaged in ("{", '{"a": 1}', "[1]"):
        path = tmp_path / "characters.json"
        path.write_text(damaged)
        with pytest.raises(InvalidArgumentError, match="characters.json"):
            load(str(path))


def test_prompts_of_conversations():
    templates = {"user": ("U:", "\n"), "assistant": ("A:", "\n")}
    told = [("user", "hi"), ("assistant", "ho"), ("user", "hey")]
    parts = prompt_of(told, templates)
    assert "".join(part.text for part in parts) == "U:hi\nA:ho\nU:hey\nA:"
    assert [part.text for part in parts if not part.is_own] == ["hi", "ho", "hey"]
    with pytest.raises(InvalidArgumentError, match="'system'"):
        prompt_of([("system", "x")], templates)
    with pytest.raises(InvalidArgumentError, match="does not support chat"):
        prompt_of(told, {})


def test_tokenizers_of_the_library(tmp_path):
    made = library.Tokenizer(library.models.BPE())
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = library.decoders.ByteLevel()
    alphabet = library.pre_tokenizers.ByteLevel.alphabet()
    trainer = library.trainers.BpeTrainer(vocab_size=280, initial_alphabet=alphabet)
    made.train_from_iterator(["the cat and the hat and the bat"] * 5, trainer)
    path = tmp_path / "tokenizer.json"
    made.save(str(path))
    tokenizer = load(str(path))
    text = "the cat costs 5 €"
    tokens = tokenizer.encode(text)
    assert len(tokens) < len(text.encode()) and tokenizer.decode(tokens) == text
    stream = TextStream(tokenizer)
    pieces = [stream.push([token]) for token in tokens]
    assert "".join(pieces) == text and "" in pieces  # bytes of one character
    path.write_text("{}")
    with pytest.raises(InvalidArgumentError, match="tokenizer.json"):
        load(str(path))
