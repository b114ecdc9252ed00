"""Sends the beats of cluster/native_beats.py."""

import ctypes
import functools
from collections.abc import Callable

import numpy as np

from penstock._src.cluster import heartbeat, progress
from penstock._src.cluster import native_beats as state

from ..code import Code
from ..kernels import kernels
from ..language.function import Fn
from ..language.module import Module
from ..language.types import I32, I64, PTR
from ..language.value import Val
from .exchanges import SLEEP_UNIT, sleep_address

TAG = 0


def send_beats(words: np.ndarray) -> None:
    """Sends beats from the calling thread, without the interpreter's lock, until the state says STOP."""
    _beat()(words.ctypes.data, sleep_address())


@functools.cache
def _beat() -> Callable[[int, int], None]:
    """beat(state, sleep)"""
    m = Module()
    with m.fn("send", internal=True, noalias=False, state=PTR) as f:
        _emit_send(f)
    with m.fn("beat", noalias=False, state=PTR, sleep=PTR) as f:
        _emit_beat(f)
    function: Callable[[int, int], None] = kernels()[Code.of(m)].function(
        "beat", ctypes.c_void_p, ctypes.c_void_p
    )
    return function


def _emit_beat(f: Fn) -> None:
    microseconds = int(1e6 * state.SLICE)

    def again() -> tuple[Val, ...]:
        # Slices shorter than the interval between beats, so that STOP is seen soon.
        f.call(f.sleep, max(1, microseconds // SLEEP_UNIT), ret=I32)
        slices = f.load(f.state, state.SLICES, I64) + 1
        is_due = slices >= f.load(f.state, state.EVERY, I64)
        f.store(f.select(is_due, f.i64(0), slices), f.state, state.SLICES)
        f.when(is_due, lambda: f.call("send", f.state))
        return ()

    f.store(f.i64(1), f.state, state.RUNNING)
    f.loop_while(lambda: f.load(f.state, state.STOP, I64).eq(0), again)


def _emit_send(f: Fn) -> None:
    """Sends a beat, unless the last one has not gone: the other process takes in nothing."""
    flag = f.alloca(I32)

    def word(number: int, ty: str = I64) -> Val:
        return f.load(f.state, number, ty)

    def look() -> None:
        f.call(
            word(state.TEST, PTR), word(state.REQUEST, PTR), flag, word(state.STATUS, PTR), ret=I32
        )
        f.when(f.load(flag, 0, I32).ne(0), lambda: f.store(f.i64(0), f.state, state.GOING))

    def begin() -> None:
        message, counters = word(state.MESSAGE, PTR), word(state.PROGRESS, PTR)
        for place, value in (
            (heartbeat.KIND, f.i64(heartbeat.BEAT)),
            (heartbeat.SENDER, word(state.RANK)),
            (heartbeat.SUBJECT, word(state.RANK)),
            (heartbeat.STEPS, f.load(counters, progress.STEPS, I64)),
            (heartbeat.EXCHANGES, f.load(counters, progress.EXCHANGES, I64)),
            (heartbeat.WAITED, f.load(counters, progress.WAITED, I64)),
        ):
            f.store(value, message, place)
        kind = heartbeat.WORDS, word(state.WORD_TYPE), word(state.FOLLOWING), TAG
        where = word(state.COMMUNICATOR), word(state.REQUEST, PTR)
        f.call(word(state.ISEND, PTR), message, *kind, *where, ret=I32)
        f.store(f.i64(1), f.state, state.GOING)

    f.when(word(state.GOING).ne(0), look)
    f.when(word(state.GOING).eq(0), begin)
