"""Tokens are chosen as the options say."""

import dataclasses
import inspect

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import InternalError, InvalidArgumentError
from penstock._src.language.sampling import Options, Sampler, Sampling, largest

LOGITS = np.log(np.float32([0.1, 0.4, 0.05, 0.25, 0.2]))


def counts(draws=2500, logits=LOGITS, **options):
    sampler = Sampler(Sampling(**{"seed": 1, **options}))
    return (
        np.bincount([sampler.choose(logits) for _ in range(draws)], minlength=len(logits)) / draws
    )


def test_frequencies_are_the_probabilities():
    np.testing.assert_allclose(counts(), np.exp(LOGITS), atol=0.04)
    squared = np.exp(2 * LOGITS) / np.exp(2 * LOGITS).sum()
    np.testing.assert_allclose(counts(temperature=0.5), squared, atol=0.04)


def test_a_temperature_of_zero_takes_the_most_likely():
    assert counts(20, temperature=0).tolist() == [0, 1, 0, 0, 0]


def test_top_k_and_top_p_leave_the_others_out():
    np.testing.assert_allclose(counts(top_k=2), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], atol=0.04)
    np.testing.assert_allclose(counts(top_p=0.6), [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], atol=0.04)
    assert counts(50, top_p=0.3).tolist() == [0, 1, 0, 0, 0]
    both = counts(top_k=3, top_p=0.7)  # of 0.4, 0.25 and 0.2
    np.testing.assert_allclose(both, [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], atol=0.04)


def test_top_p_of_a_large_and_flat_vocabulary():
    found = counts(500, np.zeros(2000, np.float32), top_p=0.5)
    assert 0 < found[:1000].max() and not found[1000:].any()


def test_of_equal_weights_the_first_come_first():
    assert largest(np.array([1.0, 2.0, 2.0, 0.0, 2.0]), 2).tolist() == [1, 2]
    assert largest(np.array([1.0, 2.0, 2.0, 0.0, 2.0]), 4).tolist() == [1, 2, 4, 0]


def test_equal_seeds_give_equal_tokens():
    def drawn(seed):
        sampler = Sampler(Sampling(seed=seed))
        return [sampler.choose(LOGITS) for _ in range(30)]

    assert drawn(3) == drawn(3) != drawn(4)


def test_numbers_out_of_range_are_refused():
    for wrong in (
        {"temperature": -1.0},
        {"temperature": np.nan},
        {"top_k": -1},
        {"top_p": 0.0},
        {"seed": -1},
    ):
        with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
            Sampling(**wrong)
    with pytest.raises(InternalError, match="not finite"):
        Sampler(Sampling()).choose(np.float32([0, np.nan]))


def test_min_p_leaves_out_what_is_much_less_probable_than_the_first():
    found = counts(min_p=0.6)  # of 0.4: 0.24
    np.testing.assert_allclose(found, [0, 0.4 / 0.65, 0, 0.25 / 0.65, 0], atol=0.04)


def test_a_repetition_penalty_moves_seen_tokens_away():
    logits = np.float32([2.0, 1.5, -1.0])
    sampler = Sampler(Sampling(temperature=0, repetition_penalty=2.0))
    assert sampler.choose(logits, [], []) == 0
    assert sampler.choose(logits, [0, 0], []) == 1  # divided once: 1
    assert sampler.choose(logits, [0], [1]) == 0  # 1 and 0.75
    assert sampler.choose(np.float32([-1.0, -1.5]), [0], [0]) == 1


def test_penalties_for_presence_and_frequency_are_of_chosen_tokens():
    logits = np.float32([2.0, 1.5, 0.75])
    present = Sampler(Sampling(temperature=0, presence_penalty=1.0))
    assert present.choose(logits, [0, 0], []) == 0  # the prompt does not count
    assert present.choose(logits, [], [0, 0, 0]) == 1
    assert present.choose(logits, [], [0, 0, 1]) == 0  # 1, 0.5 and 0.75
    frequent = Sampler(Sampling(temperature=0, frequency_penalty=0.4))
    assert frequent.choose(logits, [], [0]) == 0  # 1.6
    assert frequent.choose(logits, [], [0, 0]) == 1  # 1.2
    both = Sampler(Sampling(temperature=0, presence_penalty=0.5, frequency_penalty=0.4))
    assert both.choose(logits, [], [0, 1, 1]) == 0  # 1.1, 0.2 and 0.75
    wanted = Sampler(Sampling(temperature=0, presence_penalty=-2.0))
    assert wanted.choose(logits, [], [2]) == 2


def test_a_bias_is_added_to_logits():
    logits = np.float32([2.0, 1.5, -1.0])
    sampler = Sampler(Sampling(temperature=0, logit_bias={0: -100, 2: 2.25}))
    assert sampler.choose(logits) == 1
    assert sampler.choose(logits, allowed=np.array([0, 2])) == 2
    penalized = Sampler(Sampling(temperature=0, logit_bias={2: 3.5}, repetition_penalty=2.0))
    assert penalized.choose(logits, [2], []) == 0  # (-1 + 3.5) / 2
    assert logits.tolist() == [2.0, 1.5, -1.0]


def test_biases_of_tokens_that_a_model_does_not_have_are_refused():
    Sampling(logit_bias={0: 1, 4: 1}).check_tokens(5)
    for token in (-1, 5):
        with pytest.raises(InvalidArgumentError, match=f"from 0 to 4. Received {token}"):
            Sampling(logit_bias={token: 1}).check_tokens(5)


@pytest.mark.parametrize(
    "options",
    [
        {"min_p": 1.5},
        {"repetition_penalty": 0.0},
        {"presence_penalty": np.nan},
        {"frequency_penalty": -101.0},
        {"logit_bias": {1: np.inf}},
    ],
)
def test_penalties_out_of_range_are_refused(options):
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        Sampling(**options)


@pytest.mark.parametrize("name", ["generate", "stream", "chat"])
def test_options_are_shown_and_described(name):
    method = getattr(tf.language.LanguageModel, name)
    shown = inspect.signature(method).parameters
    described = inspect.getdoc(method)
    for field in dataclasses.fields(Options):
        assert shown[field.name].default == field.default
        assert f"\n  {field.name}: " in described
    assert "**" not in described


def test_an_option_that_does_not_exist_is_refused():
    with pytest.raises(TypeError, match="max_token"):
        Options(max_token=3)
