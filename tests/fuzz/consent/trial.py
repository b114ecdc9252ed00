"""Runs ops with bait while a watch is armed."""

from __future__ import annotations

import collections
import contextlib
import gc
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from penstock._src.core.calls.consent import Consent
from penstock._src.core.calls.facts import Permissions
from penstock._src.core.registry import find
from penstock._src.core.values import memory_limit
from tests.fuzz.consent import drawing, running
from tests.fuzz.consent.bait import MARK, SECRET, Bait
from tests.fuzz.consent.kinds import Kinds
from tests.fuzz.consent.watching import Watch

# Calls that ran to the end, in whose arguments bait is put; of an op without any, as many others.
BASES = 2
MEMORY = 1 << 28
# What shape rules and conversions raise before a kernel is called.
BEFORE_KERNELS = ("ValueError", "TypeError")


def is_stated(op: str) -> bool:
    """True if the op's class states that it needs permissions."""
    permissions = find(op).permissions
    return bool(permissions.capabilities or permissions.makes_graphs)


@contextlib.contextmanager
def forgotten(op: str) -> Iterator[None]:
    """Within the block, the op's class says that it needs no permissions."""
    cls = find(op)
    stated, cls.permissions = cls.permissions, Permissions()
    try:
        yield
    finally:
        cls.permissions = stated


class Trial:
    """Bait, a watch, and what came of the calls of each op.

    Args:
      folder: an empty folder.
    """

    watch: Watch | None = None

    def __init__(self, folder: Path) -> None:
        self.bait = Bait(folder)
        self.kinds = Kinds(str(self.bait.root / "secret.txt"))
        self.bait.changes()
        Trial.watch = Trial.watch or Watch((MARK,))
        memory_limit.set_limit(MEMORY)
        self.outcomes: dict[str, collections.Counter[str]] = {}

    def all_of(self, ops: Iterable[str]) -> list[str]:
        """Returns what ops touch in a graph without permissions, and what they give of files outside of its model's folder."""
        found = []
        for op in ops:
            found += self.of(op)
            if is_stated(op):
                found += self.of(op, in_model=True)
        gc.collect()
        return found + self._touched("after the last call", None)

    def of(self, op: str, in_model: bool = False) -> Iterator[str]:
        """Yields what an op touches; for a graph whose model has a folder, only what is outside of it."""
        self.outcomes.setdefault(op, collections.Counter())
        folder = str(self.bait.model) if in_model else None
        consent = Consent("a model", folder, frozenset())
        strings = self.bait.strings_of_model() if in_model else self.bait.strings()
        for what, call, results in self._runs(op, consent, strings):
            assert self.watch is not None
            if in_model:
                self.watch.taken()  # it may look into its folder
            yield from self._touched(f"{op} with {what}: {call}", results)

    def _runs(
        self, op: str, consent: Consent, strings: dict[str, bytes]
    ) -> Iterator[tuple[str, Any, Any]]:
        done, others = [], []
        for call in drawing.calls_of(op):
            if len(done) == BASES:
                break
            outcome, results = self._run(call, consent)
            yield "its own strings", call, results
            if outcome == "done":
                done.append(call)
            elif len(others) < BASES and outcome != "no call":
                others.append(call)
        for call in done or others:
            for what, baited in itertools.islice(drawing.baited_inputs(call, strings), 1):
                yield f"constant {what}", baited, self._run(baited, consent, constant=True)[1]
            for baited_arguments in (drawing.baited_inputs, drawing.baited_attributes):
                for what, baited in baited_arguments(call, strings):
                    yield what, baited, self._run(baited, consent)[1]

    def _run(self, call: Any, consent: Consent, constant: bool = False) -> tuple[str, Any]:
        """The outcome of a call, and whether its results hold the content of a file."""
        op = call["op"]
        made, arguments = running.outcome_of(lambda: running.arguments_of(call, self.kinds))
        if made != "done":
            return "no call", None
        tensors, values, attrs = arguments

        def run() -> bool:
            results = running.imported(op, tensors, attrs, consent, constant).run(values)
            return running.holds(results, SECRET.encode())

        def run_kernel() -> bool:
            return running.holds(running.called(op, tensors, attrs, consent), SECRET.encode())

        waits = find(op).effects.may_wait
        milliseconds = running.WAITING if waits else running.MILLISECONDS
        assert self.watch is not None
        with self.watch.arm():
            outcome, holds = running.outcome_of(run, milliseconds)
            if outcome in BEFORE_KERNELS:
                outcome, holds = running.outcome_of(run_kernel, milliseconds)
        self.outcomes[op][outcome] += 1
        return outcome, holds

    def _touched(self, what: str, holds: bool | None) -> list[str]:
        assert self.watch is not None
        touched = self.watch.taken()
        touched += ["gives the content of a file"] if holds else []
        touched += [f"changes {name}" for name in self.bait.changes()]
        return [f"{what[:300]} -> {each}" for each in dict.fromkeys(touched)]
