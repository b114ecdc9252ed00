"""A text goes on by native calls that choose tokens, one or several, as it does by logits and Python."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InternalError
from penstock._src.formats.gguf.writing import write
from penstock._src.formats.weights.stored import stored
from penstock._src.language.held_text import Followed
from penstock._src.language.sampling import Sampler, Sampling
from tests.language.tiny import TOKENS, gguf_of

pytestmark = pytest.mark.usefixtures("new_objects_only")

pytest.importorskip("tokenizers")
LENGTH, PROMPT = 150, TOKENS[:5]
SAMPLINGS = [
    Sampling(0.0),
    Sampling(1.0, seed=1),
    Sampling(0.8, top_k=7, seed=2),
    Sampling(1.2, top_p=0.8, seed=3),
    Sampling(0.7, min_p=0.05, repetition_penalty=1.2, presence_penalty=0.3, seed=4),
    Sampling(0.0, frequency_penalty=0.5, logit_bias={7: 1.5}),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write(gguf_of("llama", "Q8_0"), str(path))
    loaded = tf.language.load(path, length=LENGTH)
    loaded.stop_tokens = ()
    return loaded


def by_python(model, sampling, count):
    """Tokens that `Sampler` chooses from the logits of each step."""
    held, sampler, text = model._held, Sampler(sampling), PROMPT.tolist()
    logits = held.begin(np.int32(text))
    while True:
        text.append(sampler.choose(logits, PROMPT, text[len(PROMPT) :]))
        if len(text) == len(PROMPT) + count:
            return text[len(PROMPT) :]
        logits = held.decode(text[-1], len(text) - 1)


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_native_calls_choose_the_tokens_that_python_chooses(model, sampling):
    wanted = by_python(model, sampling, 90)
    assert len(set(wanted)) > 1 or sampling == Sampling(0.0)
    for ahead in (False, True):
        assert list(model.tokens(PROMPT, sampling, 90, ahead=ahead)) == wanted


def test_several_tokens_take_one_call(model, monkeypatch):
    calls, follow = [], model._program.follow
    monkeypatch.setattr(
        model._program, "follow", lambda *args: calls.append(args[1]) or follow(*args)
    )
    assert len(list(model.tokens(PROMPT, Sampling(1.0, seed=1), 60))) == 60
    assert calls == [1] * 59
    calls.clear()
    assert len(list(model.tokens(PROMPT, Sampling(1.0, seed=1), 60, ahead=True))) == 60
    assert sum(calls) == 59 and len(calls) < 59


def test_a_text_ends_at_a_stop_token_and_where_there_is_no_room(model, monkeypatch):
    tokens = list(model.tokens(PROMPT, Sampling(1.0, seed=1), LENGTH, ahead=True))
    assert len(tokens) == LENGTH - len(PROMPT) + 1
    stop = next(t for at, t in enumerate(tokens) if at > 8 and t not in tokens[:at])
    monkeypatch.setattr(model, "stop_tokens", (95, stop))
    for ahead in (False, True):
        found = list(model.tokens(PROMPT, Sampling(1.0, seed=1), LENGTH, ahead=ahead))
        assert found == tokens[: tokens.index(stop)] and len(found) > 8
    # The prompt may end with one.
    prompt = [*PROMPT.tolist(), stop]
    assert len(list(model.tokens(prompt, Sampling(0.0), 3, ahead=True))) <= 3


def test_texts_by_turns_are_those_alone(model):
    def texts():
        return [
            model.tokens(TOKENS[at : at + 4], Sampling(1.0, seed=at), 12, ahead=True)
            for at in (0, 9)
        ]

    alone = [list(text) for text in texts()]
    turns = zip(*texts(), strict=True)
    assert [list(tokens) for tokens in zip(*turns, strict=True)] == alone


def test_logits_that_are_not_finite_end_it(model):
    cache, held = model._program.cache, model._held
    held.begin(PROMPT)
    cache.values[0].assign(cache.values[0] * np.nan)
    followed = Followed(PROMPT, LENGTH, Sampling(1.0), ())
    followed.take(3)
    with pytest.raises(InternalError, match="logits that are not finite"):
        held.follow(followed, 4)
    model._forget()


@pytest.mark.parametrize("ahead", [False, True])
def test_numbers_that_are_not_finite_reach_no_later_text(tmp_path, ahead):
    weights = gguf_of("llama")
    embedding = weights.tensors["token_embd.weight"].array().copy()
    embedding[7] = np.nan
    weights.tensors["token_embd.weight"] = stored(embedding)
    path = tmp_path / "broken.gguf"
    write(weights, str(path))
    model = tf.language.load(path, length=LENGTH)
    model.stop_tokens = ()
    wanted = list(model.tokens([1, 2], Sampling(0.0), 4, ahead=ahead))
    to_seven = Sampling(0.0, logit_bias={7: 100.0})  # which is chosen, and computed next
    for prompt, sampling in (([1, 2, 3, 7, 7], Sampling(0.0)), ([3] * 9, to_seven)):
        with pytest.raises(InternalError, match="logits that are not finite"):
            list(model.tokens(prompt, sampling, 4, ahead=ahead))
        assert list(model.tokens([1, 2], Sampling(0.0), 4, ahead=ahead)) == wanted
