"""One scene in this process: its steps, and what is held in the third quarter of them and in the last."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

from penstock._src.core import op
from penstock._src.devices.cpu.device import DEVICE
from penstock._src.native import kernels
from tests.soak.measure import Holdings, holdings, native_threads

GROWTH = 0.01  # of memory over the last half, of what there was in its middle
BLOCKS = 1.0  # of Python's, that a step may leave
NOISE = 400  # blocks that come and go: free lists, caches of Python's own
MOST_LOOKS = 40
ROUGHNESS = 2048  # KB: the allocators keep a block of memory for one small object in it
KEPT = 16  # values of a cache
# At a quarter; the least counts, because garbage that nobody has collected yet is no leak.
LOOKS = 4


@dataclass(frozen=True)
class Report:
    """What a run has shown: `wrong` is empty if nothing has grown."""

    text: str
    wrong: list[str]


def keep_little() -> None:
    """Makes the caches that keep so many values small: full before the half of a short run."""
    kernels()._libraries.size = DEVICE.generator._codes.size = op.MOST_INSTANCES = KEPT


def run(step: Callable[[int], None], count: int) -> Report:
    """Takes the steps; of the first half everything may keep something: it fills caches."""
    quarter = max(count // 4, 1)
    for i in range(2 * quarter):
        step(i)
    before, threads = _least(step, 2 * quarter, quarter), native_threads()
    start = time.perf_counter()
    after = _settled(_least(step, 3 * quarter, quarter), before)
    seconds = (time.perf_counter() - start) / quarter
    text = (
        f"{4 * quarter} steps, {seconds * 1e3:.3g} ms each: {before.memory} KB, then {after.memory} KB; "
        f"{(after.blocks - before.blocks) / quarter:+.3f} blocks a step; {native_threads()} threads"
    )
    wrong = _wrong(before, after, quarter)
    if native_threads() > threads:
        wrong.append(f"threads: {threads} became {native_threads()}")
    return Report(text, wrong)


def _least(step: Callable[[int], None], first: int, steps: int) -> Holdings:
    """What is held at the end of some steps, with the least memory and the fewest blocks on the way."""
    count = max(LOOKS, min(MOST_LOOKS, steps // 100))
    looks = {first + steps * (i + 1) // count - 1 for i in range(count)}
    seen = []
    for i in range(first, first + steps):
        step(i)
        if i in looks:
            seen.append(holdings())
    return dataclasses.replace(
        seen[-1], memory=min(h.memory for h in seen), blocks=min(h.blocks for h in seen)
    )


def _settled(last: Holdings, before: Holdings) -> Holdings:
    """The same, when threads that have been told to end have had time to."""
    for _ in range(50):
        if last.threads == before.threads and last.files == before.files:
            break
        time.sleep(0.1)
        now = holdings()
        last = dataclasses.replace(last, threads=now.threads, files=now.files)
    return last


def _wrong(before: Holdings, after: Holdings, steps: int) -> list[str]:
    wrong = []
    if after.memory - before.memory > before.memory * GROWTH + ROUGHNESS:
        wrong.append(f"memory: {before.memory} KB became {after.memory} KB in {steps} steps")
    if after.blocks - before.blocks > steps * BLOCKS + NOISE:
        wrong.append(f"Python's blocks: {(after.blocks - before.blocks) / steps:.1f} a step")
    for what in ("threads", "files", "temporary"):
        new = list(getattr(after, what))
        for name in getattr(before, what):
            if name in new:
                new.remove(name)
        if new:
            wrong.append(f"{what} left: {', '.join(new[:10])}")
    return wrong
