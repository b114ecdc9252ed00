"""Prompts that begin as earlier ones did are not computed again, and get the tokens that they have alone."""

import random
import threading

import numpy as np
import pytest

from penstock._src.language.sampling import Sampling
from penstock._src.serving.generation.generator import Generator
from penstock._src.serving.generation.options import GenerationOptions
from penstock._src.serving.generation.prefixes import ROOT, PrefixStore
from penstock._src.serving.generation.sequence import on_thread
from penstock._src.serving.servables.formats.table import load
from penstock._src.serving.servables.servable import Room
from tests.serving.kit import save_writer

CHUNK, LENGTH, SLOTS = 8, 128, 3
DRAWN = Sampling(1.5, top_k=20, seed=5)


def block(number):
    return np.full(4, number, np.int32), [np.full(100, number, np.float32)]


def test_blocks_are_found_after_the_same_blocks_only():
    store = PrefixStore(1 << 20)
    (a, held_a), (b, held_b) = block(1), block(2)
    first = store.add(ROOT, a, held_a)
    second = store.add(first, b, held_b)
    assert store.find(ROOT, a) == (first, held_a) and store.find(first, b) == (second, held_b)
    assert store.find(ROOT, b) is None and store.find(second, a) is None
    assert store.add(ROOT, a, held_b) == first and store.find(ROOT, a)[1] == held_a


def test_what_was_used_longest_ago_is_dropped_and_no_block_is_left_without_those_before():
    size = 416
    store = PrefixStore(3 * size)
    first = store.add(ROOT, *block(1))
    second = store.add(first, *block(2))
    other = store.add(ROOT, *block(3))
    store.find(first, block(2)[0])  # uses the first as well
    store.add(other, *block(4))  # what came before it stays, so the other branch's end goes
    assert store.find(first, block(2)[0]) is None and store.find(other, block(4)[0])
    assert store.bytes == 3 * size == len(store) * size
    assert store.add(second, *block(5)) is None  # it was dropped
    assert store.add(ROOT, block(6)[0], [np.zeros(1000, np.float32)]) is None
    assert store.bytes == 3 * size


def test_the_room_is_never_exceeded():
    drawn = random.Random(0)
    store = PrefixStore(2000)
    known = [ROOT]
    for _ in range(2000):
        tokens, arrays = block(drawn.randrange(5))
        before = drawn.choice(known)
        found = store.find(before, tokens)
        number = found[0] if found else store.add(before, tokens, arrays)
        assert store.bytes <= 2000
        if number is not None:
            known = [*known[-20:], number, ROOT]
        for block_number, (parent, _) in store._keys.items():
            assert parent == ROOT or parent in store._keys and parent < block_number


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return save_writer(
        tmp_path_factory.mktemp("writer") / "1", length=LENGTH, slots=SLOTS, chunk=CHUNK
    )


def generator_of(path, prefix_bytes):
    room = Room(prefix_bytes=prefix_bytes)
    return Generator(load(path), GenerationOptions(max_waiting=200, room=room))


def start(generator, prompt, sampling=DRAWN, count=8):
    return generator.start(prompt, sampling, count, (), on_thread, threading.Event())


def finished(sequence):
    assert sequence.waiter.wait(60) and sequence.error is None
    return sequence.tokens


def prompts_of(count, seed, shared=3):
    """Prompts that begin in one of a few ways."""
    drawn = random.Random(seed)
    begins = [drawn.choices(range(38), k=drawn.randint(5, 70)) for _ in range(shared)]
    rests = [drawn.choices(range(38), k=drawn.randint(1, 40)) for _ in range(count)]
    return [drawn.choice(begins) + rest for rest in rests]


# Room for all blocks, for about 10, and for less than one.
@pytest.mark.parametrize("capacity", [1 << 24, 10 * CHUNK * 260, 1000])
def test_tokens_are_those_of_a_model_that_keeps_nothing(path, capacity):
    alone, sharing = generator_of(path, 0), generator_of(path, capacity)
    assert alone.engine.prefixes is None
    prompts = prompts_of(40, seed=1)
    expected = [finished(start(alone, prompt)) for prompt in prompts]
    together: dict[int, object] = {}

    def ask(first):
        for at in range(first, len(prompts), 4):
            together[at] = start(sharing, prompts[at])

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [finished(together[at]) for at in range(len(prompts))] == expected
    store = sharing.engine.prefixes
    assert store.bytes <= capacity
    reused = sum(sequence.reused for sequence in together.values())
    assert (reused > 300) == (capacity > 1000) and all(
        s.reused % CHUNK == 0 for s in together.values()
    )
    for made in (alone, sharing):
        made.engine.close().wait()


def test_the_last_piece_is_computed_for_its_logits(path):
    generator = generator_of(path, 1 << 24)
    prompt = prompts_of(1, seed=2)[0][: 2 * CHUNK] + [1] * CHUNK
    first = start(generator, prompt)
    expected = finished(first)
    again = start(generator, prompt)
    assert finished(again) == expected
    assert (first.reused, again.reused) == (0, 2 * CHUNK)
    generator.engine.close().wait()


def test_models_keep_their_own(path, tmp_path):
    other = save_writer(tmp_path / "1", length=LENGTH, slots=SLOTS, chunk=CHUNK, seed=1)
    first, second = generator_of(path, 1 << 24), generator_of(other, 1 << 24)
    plain = generator_of(other, 0)
    prompt = prompts_of(1, seed=3)[0] + [0] * 20
    given = finished(start(first, prompt))
    sequence = start(second, prompt)
    assert finished(sequence) == finished(start(plain, prompt)) != given
    assert sequence.reused == 0
    for made in (first, second, plain):
        made.engine.close().wait()


def test_numbers_that_are_not_finite_are_not_kept(tmp_path):
    broken = save_writer(tmp_path / "1", length=LENGTH, slots=SLOTS, chunk=CHUNK, broken=7)
    generator = generator_of(broken, 1 << 24)
    sequence = start(generator, [1, 2, 7, *range(8, 30)])
    assert sequence.waiter.wait(60)
    assert all(
        np.isfinite(a).all() for b in generator.engine.prefixes._blocks.values() for a in b.arrays
    )
    good = start(generator, list(range(8, 30)))
    assert len(finished(good)) == 8
    generator.engine.close().wait()
