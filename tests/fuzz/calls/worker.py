"""Draws calls, runs them and says what came of each, in a process that may die.

python -m tests.fuzz.calls.worker NAMES FIRST LAST      NAMES is a pattern; the seed N is of the N-th op, over and over
"""

import functools
import os
import re
import sys
import tempfile
from typing import Any

from tests.fuzz import surviving

# Compiling takes far longer than a call: half of the calls are eager only.
WAYS_OF_SEED: list[tuple[str, ...]] = [("interpreted", "compiled"), (), ("compiled",), ()]
# Ops that wait for others by definition, end the process, sleep, or print what they are given.
LEFT_OUT = re.compile(
    r"Dequeue|Barrier(TakeMany|InsertMany)|Unstage|Peek|Recv|Collective|Abort|^Print|TakeGradient|SleepDataset|RecordInput|"
    r"ReaderRead|PyFunc|DebugNumeric|DebugIdentity|Profiler|IteratorGetDevice|_HostSend|_Send|MapSize|StagingArea"
)
LEFT_OUT_FUNCTIONS = re.compile(
    r"^(config|profiler|distribute|tpu|sysconfig|experimental\.dtensor|debugging\.(set|enable|disable|experimental)|summary\.trace|"
    r"print|numpy_function|py_function|io\.gfile|autograph|saved_model|mixed_precision|lookup\.experimental|nondifferentiable|"
    r"register_|feature_column|load_|io\.write|random\.set|data\.experimental\.(service|load|save|enable)|__internal__|"
    r"experimental\.function|init_scope|function|Graph|audio\.decode_wav$)"
)


@functools.cache
def keys(pattern: str) -> list[str]:
    """The ops and functions that a pattern names: "op Name" and "function path"."""
    import penstock
    from penstock._src.core import registry
    from tests.fuzz.calls.drawing import recorded

    ops = ["op " + name for name, cls in sorted(registry.load_all().items())
           if hasattr(penstock.raw_ops, name) and not LEFT_OUT.search(name)
           and not cls.flow.runs_functions and not cls.traits.has_refs and not cls.is_abstract]  # fmt: skip
    functions = [key for key in sorted(recorded()) if key.startswith("function ")]
    functions = [
        key for key in functions if not LEFT_OUT_FUNCTIONS.search(key.removeprefix("function "))
    ]
    return [key for key in ops + functions if re.search(pattern, key)]


def case_of(pattern: str, seed: int) -> Any:
    """The call of a seed, and its changes."""
    from tests.fuzz.calls.drawing import draw

    named = keys(pattern)
    return draw(named[seed % len(named)], seed // len(named))


def run(pattern: str, first: int, last: int) -> None:
    """Runs the calls of seeds in this process and says what came of each."""
    import penstock  # noqa: F401
    from tests.fuzz.calls import peer
    from tests.fuzz.calls.judging import judged
    from tests.fuzz.calls.shrinking import shrink

    keys(pattern)
    os.chdir(tempfile.mkdtemp(prefix="fuzz_"))
    surviving.limit_memory()
    surviving.say({"ready": True})
    for seed in range(first, last):
        case = case_of(pattern, seed)
        answer = judged(case.call(), WAYS_OF_SEED[seed % 4], seed)
        eager = answer.pop("eager", None)
        if eager is not None and not answer["finding"]:
            answer["finding"], answer["text"] = peer.compared(case.call(), eager)
        if answer["finding"] and answer["finding"] not in ("slow", "memory"):
            case = shrink(case, answer["finding"], WAYS_OF_SEED[seed % 4], seed)
        if answer["finding"]:
            answer["call"] = case.call()
        surviving.say({"seed": seed, **answer})


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
