"""Tokens that a compiled function chooses are those that `Sampler` chooses."""

import ast
import json
import pathlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.language.network import choosing
from penstock._src.language.sampling import Sampler, Sampling
from penstock._src.language.token_choice import FIRST

RECORDED = pathlib.Path(__file__).parent / "recorded" / "tokens.json"
LARGE = 3 * FIRST


def chooser(vocabulary):
    @tf.function(
        input_signature=[
            tf.TensorSpec([vocabulary], tf.float32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.float64),
            *choosing.SPECS,
        ],
        autograph=False,
    )
    def choose(logits, seen, prompt, draw, *options):
        return choosing.chosen_token(logits, choosing.options_of(*options), seen, prompt, draw)

    return choose


CHOOSERS = {vocabulary: chooser(vocabulary) for vocabulary in (5, LARGE)}


def chosen(sampling, logits, prompt=(), before=(), draw=0.0):
    seen = np.full(40, -1, np.int32)
    seen[: len(prompt) + len(before)] = [*prompt, *before]
    choose = CHOOSERS[len(logits)]
    options = choosing.arguments(sampling)
    return int(choose(logits, seen, np.int32(len(prompt)), np.float64(draw), *options))


OPTIONS = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.3},
    {"top_k": 2},
    {"top_k": 40, "temperature": 2.0},
    {"top_k": FIRST + 500, "temperature": 5.0},
    {"top_k": 10 * LARGE, "temperature": 5.0},
    {"top_k": FIRST + 500, "top_p": 0.97, "temperature": 5.0},
    {"top_p": 0.6},
    {"top_p": 0.999, "temperature": 5.0},
    {"min_p": 0.2},
    {"top_k": 30, "top_p": 0.9, "min_p": 0.01, "repetition_penalty": 1.3},
    {"repetition_penalty": 3.0, "temperature": 0.0},
    {"presence_penalty": 1.5, "frequency_penalty": 0.4, "temperature": 0.0},
    {"presence_penalty": -0.5, "logit_bias": {3: 2.5, 1: -4.0}},
]


@pytest.mark.parametrize("vocabulary", [5, LARGE])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_tokens_are_those_of_the_sampler(options, vocabulary):
    sampling = Sampling(**{"temperature": 1.0, "seed": 3, **options})
    sampler, draws = Sampler(sampling), Sampler(sampling)
    random = np.random.default_rng(4)
    for _ in range(25):
        logits = (random.standard_normal(vocabulary) * 3).astype(np.float32)
        prompt, before = random.integers(0, 5, (2, 3)).tolist()
        wanted = sampler.choose(logits, prompt, before)
        assert chosen(sampling, logits, prompt, before, draws.draws(1)[0]) == wanted


def steps(vocabulary):
    """Yields logits, a quarter of them with ties, tokens seen before, and the tokens allowed."""
    random = np.random.RandomState(4)  # its numbers are the same in every version of NumPy
    for at in range(20):
        logits = (random.standard_normal(vocabulary) * 3).astype(np.float32)
        logits = np.round(logits) if at % 4 == 3 else logits
        prompt, before = random.randint(0, 5, (2, 3)).tolist()
        allowed = np.flatnonzero(random.rand(vocabulary) < 0.5)
        yield logits, prompt, before, allowed if len(allowed) else np.array([1])


@pytest.mark.parametrize("vocabulary", [5, LARGE])
def test_tokens_of_a_seed_are_the_recorded_ones(vocabulary):
    """The tokens were recorded when NumPy's steps and those of the program were written apart."""
    for options, wanted in json.loads(RECORDED.read_text())[str(vocabulary)].items():
        sampling = Sampling(**{"temperature": 1.0, "seed": 3, **ast.literal_eval(options)})
        samplers = Sampler(sampling), Sampler(sampling), Sampler(sampling)
        tokens = [
            (
                samplers[0].choose(logits, prompt, before),
                chosen(sampling, logits, prompt, before, samplers[1].draws(1)[0]),
                samplers[2].choose(logits, prompt, before, allowed),
            )
            for logits, prompt, before, allowed in steps(vocabulary)
        ]
        assert list(map(list, zip(*tokens, strict=True))) == [wanted[0], *wanted], options


def test_of_equal_weights_the_first_come_first():
    flat = np.zeros(LARGE, np.float32)
    for top_p, last in ((0.25, LARGE // 4 - 1), (0.75, 3 * LARGE // 4 - 1)):
        sampling = Sampling(top_p=top_p)
        assert chosen(sampling, flat, draw=0.0) == 0
        assert chosen(sampling, flat, draw=np.nextafter(1, 0)) == last


def test_logits_that_are_not_finite_give_no_token():
    for wrong in (np.nan, np.inf, -np.inf):
        for temperature in (0.0, 1.0):
            logits = np.float32([0, 1, wrong, 3, 4])
            found = chosen(Sampling(temperature=temperature), logits)
            assert found == choosing.NOT_FINITE


def test_frequencies_are_the_probabilities():
    logits = np.log(np.float32([0.1, 0.4, 0.05, 0.25, 0.2]))
    draws = (np.arange(400) + 0.5) / 400
    for options, wanted in (
        ({}, np.exp(logits)),
        ({"top_k": 2}, np.array([0, 0.4, 0, 0.25, 0]) / 0.65),
        ({"min_p": 0.6}, np.array([0, 0.4, 0, 0.25, 0]) / 0.65),
        ({"temperature": 0.5}, np.exp(2 * logits) / np.exp(2 * logits).sum()),
    ):
        found = np.bincount(
            [chosen(Sampling(**options), logits, draw=d) for d in draws], minlength=5
        )
        np.testing.assert_allclose(found / 400, wanted, atol=2 / 400)
