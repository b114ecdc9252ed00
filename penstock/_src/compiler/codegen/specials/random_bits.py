"""Philox 4x32-10 and Threefry 2x32-20 by vectors of counters.

Context: key, counter, output, number of words.

Source: Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
"""

from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.codegen.specials.special import SpecialLaunch
from penstock._src.ir.extents import dims
from penstock._src.ir.meaning.random_streams import LOW, philox_rounds, threefry_rounds
from penstock._src.ir.node import Node
from penstock._src.native import Code, Module, Target
from penstock._src.native.language.function import Fn
from penstock._src.native.language.types import I32, I64, PTR
from penstock._src.native.language.value import Val

BLOCKS = 1024  # counters of a task
WORDS = {"philox": 4, "threefry": 2}


def launch(node: Node, _outputs: Sequence[Node], _target: Target, _threads: int) -> SpecialLaunch:
    """The launch that fills an array with random bits."""
    key, counter = node.args
    algorithm, count = node.attrs["algorithm"], dims.settled(node.attrs["count"])
    counters = int(counter.size)
    blocks = -(-count // WORDS[algorithm])
    return SpecialLaunch(
        ("random_bits", algorithm, counters > 1),
        lambda target: emit_random_bits(algorithm, counters, target),
        -(-blocks // BLOCKS), (key, counter, node, count), f"random bits[{count}]",
    )  # fmt: skip


def emit_random_bits(algorithm: str, counters: int, target: Any) -> Code:
    """`counters`: 64-bit words of the counter."""
    m = Module(target)
    words = WORDS[algorithm]
    n = target.lanes(I32)
    with m.task("task") as f:
        key, counter, output = (f.load(f.ctx, i, PTR) for i in range(3))
        count = f.load(f.ctx, 3, I64)
        blocks = (count + (words - 1)) // words
        low = f.task * BLOCKS
        high = f.min(low + BLOCKS, blocks)
        first = f.load(counter, 0, I64)
        upper = f.load(counter, 1, I64) if counters > 1 else f.i64(0)
        k = f.load(key, 0, I64)

        def some(block):
            number = f.splat(first + block, n) + f.lane_numbers(n, I64)
            if algorithm == "philox":
                # A 128-bit counter: the sum is below its first term where the low word wrapped.
                carried = f.convert(f.compare("ult", number, first), I64, signed=False)
                vectors = philox(f, k, number, carried + upper)
            else:
                vectors = threefry(f, k, number)
            mixed = interleave(f, vectors)
            at = block * words
            left = count - at
            full = left >= n * words
            f.when(
                full,
                lambda: f.store(mixed, output, at),
                lambda: f.store(mixed, output, at, f.mask(n * words, left)),
            )

        f.loop(low, high, n, some)
    return Code.of(m)


def interleave(f: Fn, vectors: list[Val]) -> Val:
    """a0 b0 c0 d0 a1 b1 ..."""
    n = int(vectors[0].ty[1:].split(" ")[0])
    if len(vectors) == 4:
        left, right = interleave(f, vectors[0::2]), interleave(f, vectors[1::2])
        return interleave(f, [left, right])
    return f.shuffle(vectors[0], vectors[1], [i // 2 + n * (i % 2) for i in range(2 * n)])


def philox(f: Fn, key: Val, low: Val, high: Val) -> list[Val]:
    """The four 32-bit words of 128-bit counters."""
    upper = lambda x: f.binary("lshr", x, 32)
    words = [low & LOW, upper(low), high & LOW, upper(high)]
    return [f.convert(w, I32) for w in philox_rounds(words, key & LOW, upper(key), upper)]


def threefry(f: Fn, key: Val, counter: Val) -> list[Val]:
    """The two 32-bit words of 64-bit counters."""
    k0, k1 = f.convert(key, I32), f.convert(f.binary("lshr", key, 32), I32)
    # Threefry's parity constant for 32-bit words (the paper's section on key schedules).
    keys = [k0, k1, k0 ^ k1 ^ 0x1BD11BDA]
    x = f.convert(counter, I32) + keys[0]
    y = f.convert(f.binary("lshr", counter, 32), I32) + keys[1]
    rotated = lambda word, by: (word << by) | f.binary("lshr", word, 32 - by)
    return threefry_rounds(x, y, keys, rotated)
