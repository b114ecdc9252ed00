"""Prompts that are repeated in replies, with the probabilities of their tokens, and the best of several texts."""

import re

import numpy as np
import pytest

from penstock._src.serving.generation.cached_model import CachedModel
from tests.serving.kit import Writer
from tests.serving.rest.openai.test_choices import PATH, answered, asked, events, reference

LETTERS = {letter: at for at, letter in enumerate(Writer.characters)}
PROMPT = "abc abd " * 5  # more than a piece of a prompt


def test_a_repeated_prompt_has_the_probabilities_of_the_model(rest):
    (plain,) = answered(rest, prompt=PROMPT)["choices"]
    reply = answered(rest, prompt=PROMPT, echo=True, logprobs=2)
    (choice,) = reply["choices"]
    assert choice["text"] == PROMPT + plain["text"]
    assert reply["usage"]["completion_tokens"] == 6
    found = choice["logprobs"]
    assert "".join(found["tokens"]) == choice["text"]
    assert found["text_offset"] == list(range(len(PROMPT) + 6))
    assert found["token_logprobs"][0] is None and found["top_logprobs"][0] is None
    expected = reference(PROMPT[:1], [LETTERS[letter] for letter in PROMPT[1:]])
    named = [expected[at, LETTERS[letter]] for at, letter in enumerate(PROMPT[1:])]
    np.testing.assert_allclose(found["token_logprobs"][1 : len(PROMPT)], named, atol=1e-4)
    for at, best in enumerate(found["top_logprobs"][1 : len(PROMPT)]):
        assert max(best.values()) == pytest.approx(expected[at].max(), abs=1e-4)


def test_a_prompt_alone_is_scored(rest):
    prompts = ["abc abd", [1, 2, 3]]
    reply = answered(rest, prompt=prompts, echo=True, logprobs=1, max_tokens=0)
    assert [len(c["logprobs"]["tokens"]) for c in reply["choices"]] == [7, 3]
    assert [c["finish_reason"] for c in reply["choices"]] == ["length", "length"]
    assert reply["choices"][0]["text"] == "abc abd"
    assert reply["usage"]["completion_tokens"] == 0
    (whole,) = answered(rest, prompt="abc abd", echo=True, logprobs=1)["choices"]
    assert (
        whole["logprobs"]["token_logprobs"][:7] == reply["choices"][0]["logprobs"]["token_logprobs"]
    )


def test_a_prompt_is_repeated_without_probabilities_and_in_streams(rest):
    (plain,) = answered(rest)["choices"]
    (choice,) = answered(rest, echo=True)["choices"]
    assert (choice["text"], choice["logprobs"]) == ("abc" + plain["text"], None)
    pieces = [c for event in events(rest, PATH, echo=True, logprobs=0) for c in event["choices"]]
    assert "".join(c["text"] for c in pieces) == choice["text"]
    noted = [n for c in pieces if c["logprobs"] for n in c["logprobs"]["token_logprobs"]]
    assert len(noted) == 9 and noted[0] is None


def test_a_stop_in_the_prompt_ends_nothing(rest):
    (choice,) = answered(rest, echo=True, stop=["bc"])["choices"]
    assert choice["text"].startswith("abc")


def test_the_best_texts_are_those_of_the_greatest_probability_per_token(rest):
    drawn = {"prompt": ["abc", "xyz"], "temperature": 2, "seed": 5, "max_tokens": 8}
    every = answered(rest, **drawn, n=6, logprobs=0)["choices"]
    mean = [np.mean(choice["logprobs"]["token_logprobs"]) for choice in every]
    best = [sorted(range(start, start + 6), key=lambda at: -mean[at])[:2] for start in (0, 6)]
    reply = answered(rest, **drawn, n=2, best_of=6)
    texts = [choice["text"] for choice in reply["choices"]]
    assert texts == [every[at]["text"] for group in best for at in group]
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2, 3]
    assert all(choice["logprobs"] is None for choice in reply["choices"])
    usage = reply["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (6, 96)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 3, "best_of": 2}, r"'best_of': expected a number from 'n' \(3\) to 128. Received 2"),
        ({"best_of": 4, "stream": True}, r"'best_of': expected 'n' \(1\) in a stream"),
        ({"best_of": 200}, "Received 200"),
        ({"best_of": 100, "prompt": ["a", "b"]}, "at most 128 choices. Received 200"),
        ({"max_tokens": 0}, "max_tokens: expected at least 1"),
        ({"echo": "yes"}, "'echo'"),
    ],
)
def test_what_cannot_be_is_refused(rest, options, message):
    status, reply = rest(PATH, asked(**options))
    assert status == 400
    assert re.search(message, reply["error"]["message"])


def test_models_without_scores_refuse_probabilities_of_prompts(rest, monkeypatch):
    monkeypatch.setattr(CachedModel, "scores_prompts", False)
    status, reply = rest(PATH, asked(echo=True, logprobs=1))
    assert status == 400 and "'score'" in reply["error"]["message"]
    assert answered(rest, echo=True, best_of=2)["choices"][0]["text"].startswith("abc")
