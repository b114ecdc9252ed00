"""Sequences join and leave the running batch; what each of them gets does not depend on the others."""

import random
import threading
import time

import numpy as np
import pytest

from penstock._src.core.errors import (
    DeadlineExceededError,
    InternalError,
    InvalidArgumentError,
    UnavailableError,
)
from penstock._src.language.sampling import Sampling
from penstock._src.serving.generation.generator import Generator
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.generation.sequence import on_thread
from penstock._src.serving.servables.formats.table import load
from tests.serving.kit import save_writer

pytestmark = pytest.mark.timed

GREEDY = Sampling(temperature=0.0)
BROKEN = 7
SLOTS = 4


@pytest.fixture(scope="module")
def servable(tmp_path_factory):
    return load(save_writer(tmp_path_factory.mktemp("writer") / "1", slots=SLOTS, broken=BROKEN))


@pytest.fixture(scope="module")
def generator(servable):
    made = Generator(servable, GenerationOptions(max_waiting=6))
    yield made
    made.engine.close().wait()


@pytest.fixture(autouse=True)
def idle(generator):
    """Each test begins and ends without sequences."""
    yield
    while generator.engine.running or generator.engine.waiting:
        time.sleep(1e-3)


def start(generator, prompt, sampling=GREEDY, count=12, stops=(), timeout=0.0):
    return generator.start(prompt, sampling, count, stops, on_thread, threading.Event(), timeout)


def finished(sequence):
    assert sequence.waiter.wait(30)
    return sequence.tokens


def start_scored(generator, prompt):
    return generator.start(
        prompt, GREEDY, 2, (), on_thread, threading.Event(), top_logprobs=0, is_scored=True
    )


def prompts_of(count, seed):
    drawn = random.Random(seed)
    usual = [token for token in range(38) if token != BROKEN]
    return [drawn.choices(usual, k=drawn.randint(1, 30)) for _ in range(count)]


class Slowly:
    """Lets a model's steps wait for a gate."""

    def __init__(self, model):
        self.gate = threading.Semaphore(0)
        self._model, self._decode = model, model.decode

    def __enter__(self):
        self._model.decode = self.decode
        return self

    def __exit__(self, *error):
        self.gate.release(1000)
        self._model.decode = self._decode

    def decode(self, *arguments):
        self.gate.acquire()
        return self._decode(*arguments)


@pytest.mark.parametrize(
    "sampling", [GREEDY, Sampling(1.5, top_k=20, seed=5)], ids=["greedy", "drawn"]
)
def test_tokens_are_the_same_alone_and_among_others(generator, sampling):
    prompts = prompts_of(24, seed=1)
    alone = [finished(start(generator, prompt, sampling)) for prompt in prompts]
    assert len({tuple(tokens) for tokens in alone}) > 12
    drawn, together = random.Random(2), []
    for at, prompt in enumerate(prompts):
        while generator.engine.waiting > 2:
            time.sleep(1e-4)
        together.append(start(generator, prompt, sampling, drawn.choice([3, 12])))
        if at % 5 == 4:
            together[drawn.randrange(at)].is_cancelled = True
        time.sleep(drawn.choice([0.0, 0.0, 2e-3]))
    for expected, sequence in zip(alone, together, strict=True):
        found = finished(sequence)
        assert found == expected[: len(found)]
        assert len(found) == sequence.max_tokens or sequence.is_cancelled


def test_a_prompt_is_scored_the_same_alone_and_beside_others(generator):
    prompt = list(range(10, 36)) + list(range(10, 20))  # three pieces
    alone = start_scored(generator, prompt)
    finished(alone)
    with Slowly(generator.engine.model) as model:
        first, *others = [start(generator, [1, 2, 3], count=40) for _ in range(SLOTS)]
        while generator.engine.waiting:
            model.gate.release()
            time.sleep(1e-3)
        first.is_cancelled = True  # its slot is one of those that the others' steps compute
        beside = start_scored(generator, prompt)
        while not beside.is_done:
            model.gate.release()
            time.sleep(1e-3)
        assert not any(other.is_done for other in others)
        for other in others:
            other.is_cancelled = True
    assert beside.prompt_logprobs == alone.prompt_logprobs


def test_sequences_that_come_and_go_plan_nothing(generator, servable):
    programs = [
        list(servable.held.signatures[name]._function.executable.specializations())
        for name in ("prefill", "decode")
    ]
    begun = [start(generator, prompt, count=5) for prompt in prompts_of(6, seed=4)]
    assert sum(len(finished(sequence)) for sequence in begun) > 15
    for name, before in zip(("prefill", "decode"), programs, strict=True):
        after = servable.held.signatures[name]._function.executable.specializations()
        assert len(list(after)) == len(before) > 1


def test_the_cache_is_written_in_place(generator, servable):
    handles = [variable.handle._value for pair in servable.held.cache.pairs for variable in pair]
    before = [(handle.value.ctypes.data, handle.version) for handle in handles]
    assert len(finished(start(generator, [1, 2, 3]))) == 12
    after = [(handle.value.ctypes.data, handle.version) for handle in handles]
    assert [place for place, _ in after] == [place for place, _ in before]
    assert all(new - old == 12 for (_, new), (_, old) in zip(after, before, strict=True))


def test_steps_have_the_bits_of_a_batch_of_all_slots(generator):
    model = generator.engine.model
    assert set(model.sizes) > {SLOTS}
    tokens, positions = np.int32([3, 1, 4, 1]), np.int32([0, 0, 0, 0])
    whole = model.decode(tokens, positions)
    for rows in model.sizes:
        np.testing.assert_array_equal(model.decode(tokens[:rows], positions[:rows]), whole[:rows])


def test_prompts_longer_than_a_piece(generator):
    (prompt,) = prompts_of(1, seed=3)
    prompt = (prompt * 40)[:40]
    assert len(finished(start(generator, prompt, count=9))) == 9  # the cache's last place is used
    with pytest.raises(InvalidArgumentError, match="room for 48"):
        start(generator, prompt, count=10)


def test_a_stop_token_ends_a_sequence(generator):
    whole = finished(start(generator, [1, 2, 3]))
    stop = whole[5]
    sequence = start(generator, [1, 2, 3], stops=[stop])
    assert finished(sequence) == whole[: whole.index(stop)]
    assert sequence.finish_reason == "stop"


def test_a_broken_sequence_harms_no_other(generator):
    expected = finished(start(generator, [1, 2, 3]))
    good = [start(generator, [1, 2, 3]) for _ in range(3)]
    bad = start(generator, [5, BROKEN])
    assert finished(bad) == [] and isinstance(bad.error, InternalError)
    after = [
        start(generator, [1, 2, 3]) for _ in range(SLOTS)
    ]  # one has the slot of the broken one
    assert all(finished(sequence) == expected for sequence in [*good, *after])


def test_a_prompt_is_broken_from_the_piece_on_that_is(generator):
    prompt = [1] * 15 + [BROKEN] + [1] * 4  # which ends the first of two pieces
    cleared, clear = [], generator.engine.model.clear
    generator.engine.model.clear = lambda slot: cleared.append(slot) or clear(slot)
    try:
        for begin in (start, start_scored):
            begun = begin(generator, prompt)
            assert finished(begun) == [] and isinstance(begun.error, InternalError)
            assert begun.place == 0 and cleared.pop() == begun.slot
    finally:
        generator.engine.model.clear = clear


def test_nobody_waits_for_a_model_that_fails_for_good(servable):
    made = Generator(servable, GenerationOptions(max_waiting=6))
    with Slowly(made.engine.model) as model:
        begun = [start(made, [1], count=20) for _ in range(SLOTS + 2)]
        broken = made.engine.model
        broken.rows_for = broken.clear = broken.reset = failing
        model.gate.release()
        for sequence in begun:
            assert finished(sequence) == sequence.tokens and sequence.error is not None
    assert isinstance(begun[-1].error, UnavailableError)
    made.engine.close().wait(30)
    with pytest.raises(UnavailableError, match="unloaded"):
        start(made, [1])


def failing(*arguments):
    raise ValueError("no memory")


def test_a_failing_step_ends_those_that_are_to_blame(generator):
    model = generator.engine.model
    expected = finished(start(generator, [1, 2, 3]))
    decode = model.decode

    def failing(tokens, positions):
        if (positions == 31).any():
            raise InvalidArgumentError("no more")
        return decode(tokens, positions)

    model.decode = failing
    try:
        bad = start(generator, [9] * 30)
        good = start(generator, [1, 2, 3])
        assert finished(good) == expected and len(finished(bad)) == 2
    finally:
        model.decode = decode
    assert isinstance(bad.error, InvalidArgumentError) and good.error is None


def test_cancelled_and_late_sequences_leave_between_tokens(generator):
    engine = generator.engine
    with Slowly(engine.model) as slowly:
        held = [start(generator, [1], count=20) for _ in range(SLOTS - 1)]
        late = start(generator, [1], count=20, timeout=0.05)
        waiting = start(generator, [1], count=20, timeout=0.05)
        time.sleep(0.06)
        held[0].is_cancelled = True
        slowly.gate.release(2)
        finished(held[0])
        for sequence in (late, waiting):
            finished(sequence)
            assert isinstance(sequence.error, DeadlineExceededError)
        assert len(held[0].tokens) < 20 and held[0].error is None
        assert [sequence.is_done for sequence in held] == [True, False, False]


def test_too_many_sequences_are_refused(generator):
    with Slowly(generator.engine.model) as slowly:
        begun = [start(generator, [1], count=3) for _ in range(SLOTS + 6)]
        with pytest.raises(UnavailableError, match="wait for a slot"):
            start(generator, [1])
        slowly.gate.release(100)
        assert [len(finished(sequence)) for sequence in begun] == [3] * len(begun)


@pytest.mark.parametrize(
    ("prompt", "count", "says"),
    [
        ([], 1, "1 to 48 tokens"),
        ([1, 38], 1, "token 38"),
        ([-1], 1, "token -1"),
        ([1], 0, "at least 1"),
    ],
)
def test_bad_requests(generator, prompt, count, says):
    with pytest.raises(InvalidArgumentError, match=says):
        start(generator, prompt, count=count)


def test_other_sizes_may_be_used(servable):
    made = Generator(servable, GenerationOptions(same_tokens=False))
    assert made.engine.model.sizes == (1, 2, 3, 4)
    assert len(finished(start(made, [1, 2, 3]))) == 12
    made.engine.close().wait()


def test_closing_lets_sequences_end(tmp_path):
    made = Generator(load(save_writer(tmp_path / "1", slots=2)), GenerationOptions(max_tokens=5))
    with pytest.raises(InvalidArgumentError, match="at most 5"):
        start(made, [1], count=6)
    begun = [start(made, [1], count=None) for _ in range(3)]
    made.engine.close().wait()
    assert [len(sequence.tokens) for sequence in begun] == [5] * 3
    with pytest.raises(UnavailableError, match="unloaded"):
        start(made, [1], count=5)
