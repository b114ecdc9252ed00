"""Buffers that are alive together never share memory."""

import numpy as np
import pytest

from penstock._src.compiler.plan.buffers import Buffer, arrange, gaps


def buffers(seed, count):
    r = np.random.default_rng(seed)
    found = []
    for i in range(count):
        buffer = Buffer(f"b{i}", int(r.integers(0, 5000)))
        first = int(r.integers(0, 50))
        buffer.touch(first)
        buffer.touch(first + int(r.integers(0, 12)))
        found.append(buffer)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_living_buffers_do_not_overlap(seed):
    found = buffers(seed, 80)
    total = arrange(found)
    for i, a in enumerate(found):
        assert a.offset % 64 == 0 and a.offset + a.size <= total
        for b in found[:i]:
            together = a.first <= b.last and b.first <= a.last
            apart = a.offset + a.size <= b.offset or b.offset + b.size <= a.offset
            assert apart or not together or not (a.size and b.size)
    assert total < sum(b.size for b in found) / 2


def test_guard_mode_keeps_everything_apart():
    found = buffers(0, 20)
    total = arrange(found, guard=True)
    stretches = gaps(found, total)
    assert len(stretches) == 21
    assert all(end - start >= 192 for start, end, _ in stretches)


def test_memory_of_the_dead_is_used_again():
    a, b, c = (Buffer(name, 1000) for name in "abc")
    for i, buffer in enumerate((a, b, c)):
        buffer.touch(i)
        buffer.touch(i + 1)
    assert arrange([a, b, c]) == 2048
    assert a.offset == c.offset != b.offset


def test_what_is_guarded_reaches_from_the_arenas_start_to_its_end():
    a, b = Buffer("a", 100, first=0, last=1), Buffer("b", 7, first=0, last=1)
    unused, outside = Buffer("unused", 7), Buffer("outside", 7, "input", first=0, last=1)
    total = arrange([a, unused, b, outside], guard=True)
    assert (a.offset, b.offset, total) == (256, 256 + 128 + 256, 640 + 64 + 256)
    assert gaps([b, unused, a, outside], total) == [
        (0, 256, "the arena's start"),
        (356, 640, "a"),
        (647, 960, "b"),
    ]


def test_a_gap_that_just_fits_is_taken():
    first, both, second = (
        Buffer(name, 128, first=start, last=end)
        for name, start, end in (("first", 0, 0), ("both", 0, 1), ("second", 1, 1))
    )
    assert arrange([first, both, second]) == 256
    assert (first.offset, both.offset, second.offset) == (0, 128, 0)
