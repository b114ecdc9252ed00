"""Several choices of a reply, and probabilities of tokens."""

import json
import urllib.request

import numpy as np
import pytest

from tests.serving.kit import Writer

PATH, CHAT_PATH = "/v1/completions", "/v1/chat/completions"


def asked(**options):
    return {"model": "writer", "prompt": "abc", "temperature": 0, "max_tokens": 6, **options}


def answered(rest, path=PATH, **options):
    status, reply = rest(path, asked(**options))
    assert status == 200, reply
    return reply


def events(rest, path, **options):
    body = json.dumps(asked(stream=True, **options)).encode()
    data = urllib.request.urlopen(rest.url + path, body).read()
    lines = [line.removeprefix(b"data: ") for line in data.split(b"\n") if line]
    return [json.loads(line) for line in lines[:-1]]


def reference(text, tokens):
    """The logarithms of the probabilities of the model itself, after each token from the last of the text on."""
    given = np.int32([[Writer.characters.index(letter) for letter in text] + tokens])
    from penstock._src.serving.generation.exporting.cache import attending_within

    logits = Writer()(given, np.arange(given.size, dtype=np.int32)[None], attending_within())
    values = np.asarray(logits, np.float64)[0, len(text) - 1 :]
    return values - np.log(np.exp(values).sum(-1, keepdims=True))


def test_each_prompt_has_as_many_choices_as_are_asked_for(rest):
    prompts = ["abc", "xyz", [1, 2, 3]]
    alone = [answered(rest, prompt=p)["choices"][0]["text"] for p in prompts]
    reply = answered(rest, prompt=prompts, n=2)
    assert [choice["index"] for choice in reply["choices"]] == list(range(6))
    assert [choice["text"] for choice in reply["choices"]] == [t for t in alone for _ in range(2)]
    counts = [reply["usage"][f"{of}_tokens"] for of in ("prompt", "completion", "total")]
    assert counts == [9, 36, 45]


def test_drawn_choices_differ_and_come_again_from_equal_seeds(rest):
    drawn = {"temperature": 3, "seed": 2**64 - 1, "n": 4, "max_tokens": 20}
    texts = [choice["text"] for choice in answered(rest, **drawn)["choices"]]
    assert len(set(texts)) == 4
    assert texts == [choice["text"] for choice in answered(rest, **drawn)["choices"]]
    pieces = [choice for event in events(rest, PATH, **drawn) for choice in event["choices"]]
    streamed = ["".join(c["text"] for c in pieces if c["index"] == at) for at in range(4)]
    assert streamed == texts
    assert sum(choice["finish_reason"] == "length" for choice in pieces) == 4


def test_logprobs_of_completions_are_those_of_the_model(rest):
    (choice,) = answered(rest, logprobs=3)["choices"]
    found = choice["logprobs"]
    assert "".join(found["tokens"]) == choice["text"] and found["text_offset"] == list(range(6))
    tokens = [Writer.characters.index(letter) for letter in choice["text"]]
    expected = reference("abc", tokens)
    for at, (token, value, top) in enumerate(
        zip(tokens, found["token_logprobs"], found["top_logprobs"], strict=True)
    ):
        assert value == pytest.approx(expected[at, token], abs=1e-4)
        best = np.argsort(-expected[at])[:3]
        assert {Writer.characters[n] for n in best} == set(top)
        assert top[Writer.characters[best[0]]] == pytest.approx(expected[at, best[0]], abs=1e-4)
    streamed = [e["choices"][0]["logprobs"] for e in events(rest, PATH, logprobs=3)]
    assert sum((e["token_logprobs"] for e in streamed if e), []) == found["token_logprobs"]


def test_logprobs_are_the_models_whatever_is_sampled(rest):
    (plain,) = answered(rest, logprobs=0)["choices"]
    options = {"temperature": 1e-3, "repetition_penalty": 1.0, "logprobs": 0}
    (drawn,) = answered(rest, **options)["choices"]
    assert plain["logprobs"] == drawn["logprobs"] and len(plain["logprobs"]["top_logprobs"][0]) == 1


def test_biases_and_penalties_change_what_is_chosen(rest):
    index = Writer.characters.index
    free = answered(rest)["choices"][0]["text"]
    never = answered(rest, logit_bias={str(index(free[0])): -100})["choices"][0]["text"]
    assert never[0] != free[0] and free[0] not in never
    always = answered(rest, logit_bias={str(index("q")): 100})["choices"][0]["text"]
    assert always == "qqqqqq"
    once = answered(rest, logit_bias={str(index("q")): 50}, presence_penalty=100)["choices"][0][
        "text"
    ]
    assert once[0] == "q" and "q" not in once[1:]
    twice = answered(rest, logit_bias={str(index("q")): 50}, frequency_penalty=40)["choices"][0][
        "text"
    ]
    assert twice[:2] == "qq" and "q" not in twice[2:]
    ignored = answered(rest, logit_bias={}, presence_penalty=0, frequency_penalty=0.0)
    assert ignored["choices"][0]["text"] == free


def test_logprobs_of_answers(rest):
    chat = {"messages": [{"role": "user", "content": "hi"}], "prompt": None}
    (plain,) = answered(rest, CHAT_PATH, **chat)["choices"]
    assert plain["logprobs"] is None
    (choice,) = answered(rest, CHAT_PATH, **chat, logprobs=True, top_logprobs=2)["choices"]
    content = choice["logprobs"]["content"]
    assert choice["message"] == plain["message"]
    text = b"".join(bytes(each["bytes"]) for each in content).decode()
    assert text == choice["message"]["content"] == "".join(each["token"] for each in content)
    for each in content:
        first, second = each["top_logprobs"]
        assert first["token"] == each["token"] and first["logprob"] == each["logprob"]
        assert second["logprob"] <= first["logprob"] < 0


def test_tokens_after_a_stop_do_not_count(rest):
    (choice,) = answered(rest, max_tokens=20)["choices"]
    text = choice["text"]
    stop = text[5:7]
    reply = answered(rest, max_tokens=20, stop=[stop], logprobs=1)
    (choice,) = reply["choices"]
    assert choice["text"] == text[: text.index(stop)] and choice["finish_reason"] == "stop"
    count = text.index(stop) + 2
    assert reply["usage"]["completion_tokens"] == count == len(choice["logprobs"]["tokens"])


@pytest.mark.parametrize(
    ("path", "options", "names"),
    [
        (PATH, {"n": 0}, "'n'"),
        (PATH, {"n": 129}, "'n'"),
        (PATH, {"n": 1.5}, "'n'"),
        (PATH, {"n": 100, "prompt": ["a", "b"]}, "'n'"),
        (PATH, {"prompt": []}, "'prompt'"),
        (PATH, {"prompt": ["a", [1]], "logprobs": True}, "'logprobs'"),
        (PATH, {"prompt": [["a"]]}, "'prompt'"),
        (PATH, {"prompt": [[]]}, "'prompt'"),
        (PATH, {"logprobs": 21}, "'logprobs'"),
        (PATH, {"logprobs": -1}, "'logprobs'"),
        (CHAT_PATH, {"logprobs": 1}, "'logprobs'"),
        (CHAT_PATH, {"top_logprobs": 2}, "'top_logprobs'"),
        (CHAT_PATH, {"logprobs": True, "top_logprobs": 21}, "'top_logprobs'"),
        (CHAT_PATH, {"logprobs": True, "top_logprobs": "2"}, "'top_logprobs'"),
    ],
)
def test_wrong_members_are_named(rest, path, options, names):
    chat = {"messages": [{"role": "user", "content": "hi"}], "prompt": None}
    status, reply = rest(path, asked(**{**(chat if path == CHAT_PATH else {}), **options}))
    assert status == 400 and names in reply["error"]["message"]
    assert reply["error"]["type"] == "invalid_request_error"
