"""Watched programs: runs are logged (PENSTOCK_DEBUG=2), buffers are enclosed by sentinels that must not change
(PENSTOCK_GUARD), memory is poisoned first (PENSTOCK_CHECK), or each access is checked (PENSTOCK_CHECKED)."""

import contextlib
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.check.poison import poison
from penstock._src.compiler.plan.buffers import GUARD, gaps
from penstock._src.core.calls import deadlines
from penstock._src.core.errors import InternalError
from penstock._src.core.values.arrays import empty_aligned
from penstock._src.native.runner import DEADLINE
from penstock._src.runtime.binding import BoundTable
from penstock._src.runtime.checked_run import checked_packing, checked_run
from penstock._src.runtime.program import Program
from penstock._src.util.flags import flags

SENTINEL = 0xA5


def is_watched() -> bool:
    """True if flags require watched programs."""
    return bool(flags.guard or flags.check) or flags.debug >= 2


class WatchedProgram(Program):
    """A program whose runs are watched as the flags say at loading."""

    has_direct_calls = False

    def __init__(self, *parts: Any):
        super().__init__(*parts)
        self.is_logged, self.is_checked = flags.debug >= 2, bool(flags.checked)
        if self.is_checked:
            self._watching = checked_packing
        self.is_poisoned = self.is_checked or bool(flags.check)
        self.gaps = gaps(self.plan.buffers, self.plan.arena_bytes) if self.plan.guarded else []

    def _run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        arrays = self._whole_arrays(arguments)
        guarded = [_Guarded(s, t) for _, s, t in self._results] if self.plan.guarded else []
        results = [g.array for g in guarded] or self.signature.new_results()
        packed = self._packed_weights(arguments, arrays)
        table = self._take()
        if self.plan.guarded:
            table.arena[:] = SENTINEL
        if self.is_poisoned:
            self._poison(table, results)
        late_at = deadlines.current() if deadlines.SET else 0
        try:
            table.status[DEADLINE] = late_at
            start_time = time.perf_counter()
            with self._checked(table, [*arrays, *results, *packed]):
                if table.session is None:
                    code = table.run(*arrays, *results, *packed)
                else:
                    code = table.session.run(table.run, [*arrays, *results, *packed], table)
            if self.is_logged:
                self._log(time.perf_counter() - start_time)
            if code:
                self.fail(code, table.status)
            for start, end, name in self.gaps:
                _expect_sentinels(table.arena[start:end], name)
            for i, result in enumerate(guarded):
                result.look(f"result {i}")
            table.look_at_conditions([*arrays, *results])
        finally:
            table.status[DEADLINE] = 0
            self._give_back(table)
        return results

    def _checked(
        self, table: BoundTable, arrays: Sequence[np.ndarray]
    ) -> contextlib.AbstractContextManager[None]:
        return checked_run(table, arrays) if self.is_checked else contextlib.nullcontext()

    def _poison(self, table: BoundTable, results: Sequence[np.ndarray]) -> None:
        """Fills new results and the arena's buffers with poison, so that a read before the first write changes the results."""
        for result in results:
            poison(result)
        for buffer in self.plan.buffers:
            if buffer.place == "arena" and buffer.last >= 0:
                poison(table.arena[buffer.offset : buffer.offset + buffer.size])

    def _log(self, seconds: float) -> None:
        count, name = len(self.plan.launches), self.plan.function.name
        print(f"ran {name}: {count} launches, {seconds * 1e6:.0f} us", file=sys.stderr)


def _expect_sentinels(stretch: np.ndarray, name: str) -> None:
    wrong = np.flatnonzero(stretch != SENTINEL)
    if len(wrong):
        raise InternalError(None, None, f"A kernel wrote {wrong[0]} bytes past {name}.")


class _Guarded:
    """A result's array between two ranges of sentinels, for PENSTOCK_GUARD."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype):
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self.block = empty_aligned((GUARD + size + GUARD,), np.dtype(np.uint8))
        self.block[:] = SENTINEL
        self.end = GUARD + size
        self.array = self.block[GUARD : self.end].view(dtype).reshape(shape)

    def look(self, name: str) -> None:
        """Raises InternalError if a sentinel has changed."""
        _expect_sentinels(self.block[:GUARD], f"the start of {name}")
        _expect_sentinels(self.block[self.end :], name)
