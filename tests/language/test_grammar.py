"""Texts have the form that is asked for, whatever the model would say."""

import json
import re

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InternalError, InvalidArgumentError
from penstock._src.formats.gguf.writing import write
from penstock._src.language.grammar import Matchers, grammar_of
from penstock._src.language.sampling import Sampler, Sampling
from penstock._src.language.text.tokenizers import Characters
from tests.language.tiny import gguf_of

pytest.importorskip("tokenizers")
LETTERS = '{}[]":, abcdefghijklmnopqrstuvwxyz0123456789-+.\\\u20ac'
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 6},
        "age": {"type": "integer", "minimum": 0, "maximum": 99},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def matchers():
    pytest.importorskip("llguidance")
    return Matchers(Characters(LETTERS), len(LETTERS), ())


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("llguidance")
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write(gguf_of("llama", "Q4_1"), str(path))
    return tf.language.load(path)


def drawn(matcher, seed):
    """A text of random tokens that may come."""
    random, found = np.random.default_rng(seed), []
    while not matcher.is_complete:
        found.append(int(random.choice(matcher.allowed())))
        matcher.take(found[-1])
    return "".join(LETTERS[token] for token in found)


def test_any_text_is_json_of_the_schema(matchers):
    texts = [drawn(matchers.matcher(grammar_of(SCHEMA, None)), seed) for seed in range(60)]
    for value in map(json.loads, texts):
        assert list(value) == ["name", "age", "tags"] and len(value["name"]) <= 6
        assert type(value["age"]) is int and 0 <= value["age"] <= 99
        assert len(value["tags"]) <= 2 and set(value["tags"]) <= {"a", "b"}
    assert len(set(texts)) > 50


def test_any_text_is_of_the_grammar(matchers):
    form = grammar_of(None, 'start: "ab" /[x-z]{2,5}/ ("," /[0-9]+/)? "."')
    for seed in range(30):
        text = drawn(matchers.matcher(form), seed)
        assert re.fullmatch(r"ab[x-z]{2,5}(,[0-9]+)?\.", text)


def test_a_token_that_may_not_come_is_refused(matchers):
    matcher = matchers.matcher(grammar_of(SCHEMA, None))
    with pytest.raises(InternalError, match="may not come"):
        matcher.take(LETTERS.index("}"))


def test_the_most_likely_token_of_those_allowed_is_chosen():
    logits = np.float32([5, 1, 3, 2])
    allowed = np.array([1, 2, 3])
    assert Sampler(Sampling(0.0)).choose(logits, allowed=allowed) == 2
    sampler = Sampler(Sampling(50.0, seed=1))
    assert {sampler.choose(logits, allowed=allowed) for _ in range(100)} == {1, 2, 3}
    likely = Sampler(Sampling(1.0, top_k=1, seed=1))
    assert likely.choose(logits, allowed=np.array([1, 3])) == 3


def test_texts_that_the_model_cannot_write_are_refused(matchers):
    matcher = matchers.matcher(grammar_of(None, 'start: "a" "!"'))
    matcher.take(LETTERS.index("a"))
    with pytest.raises(InvalidArgumentError, match="grammar: "):
        matcher.allowed()


@pytest.mark.parametrize(
    ("schema", "grammar", "says"),
    [
        ({"type": "nonsense"}, None, "schema: .*nonsense"),
        ({"$ref": "http://127.0.0.1/x"}, None, "schema"),
        ({"pattern": "(("}, None, "schema"),
        ({"type": {1, 2}}, None, "schema"),
        (None, "start: nothing", "grammar: .*nothing"),
        (None, 3, "grammar"),
        ([1], None, "schema"),
        ({}, "start: x", "at most one"),
    ],
)
def test_wrong_forms_are_refused(model, schema, grammar, says):
    with pytest.raises(InvalidArgumentError, match=f"(?s){says}"):
        model.generate("abc", schema=schema, grammar=grammar)


def test_models_generate_texts_of_a_form(model):
    grammar = 'start: "abc" /[a-c]{3}/ "!"'
    found = {model.generate("abc", grammar=grammar, temperature=5, seed=seed) for seed in range(10)}
    assert len(found) > 3 and all(re.fullmatch("abc[a-c]{3}!", text) for text in found)
    assert model.generate("abc", schema={"enum": [12, 345]}) in ("12", "345")
    free = "".join(model.stream("abc", max_tokens=5))
    assert free == model.generate("abc", max_tokens=5) and not free.startswith("abc!")


def test_commands_take_forms_from_files(model, tmp_path, capsys):
    from penstock._src.bridge.cli.commands import main

    (tmp_path / "schema.json").write_text('{"enum": [12, 345]}')
    path = model._files.path
    assert main(["generate", path, "abc", "--schema", str(tmp_path / "schema.json")]) == 0
    assert capsys.readouterr().out in ("12\n", "345\n")
