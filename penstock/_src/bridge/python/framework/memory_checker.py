"""Finds types whose number of objects grows from one snapshot of a program to the next."""

from __future__ import annotations

import collections
import gc
from collections.abc import Mapping
from typing import Any

from penstock._src.v1.process.log import warning


class MemoryChecker:
    """Compares the objects that exist at each `record_snapshot`, by type."""

    def __init__(self) -> None:
        self._snapshots: list[dict[str, set[int]]] = []

    def __enter__(self) -> MemoryChecker:
        self._snapshots = []
        return self

    def __exit__(self, *_: Any) -> None:
        """Does nothing; the snapshots are read afterwards."""

    def record_snapshot(self) -> None:
        """Remembers which objects exist; to be called once an iteration, at the same line."""
        gc.collect()
        snapshot: dict[str, set[int]] = collections.defaultdict(set)
        for instance in gc.get_objects():
            kind = type(instance)
            snapshot[f"{kind.__module__}.{kind.__name__}"].add(id(instance))
        self._snapshots.append(snapshot)

    def report(self) -> None:
        """Writes nothing, as TensorFlow's: the assertions say what grows."""

    def assert_no_leak_if_all_possibly_except_one(self) -> None:
        """Raises AssertionError if a type grew from each snapshot to the next, but for at most one."""
        growths = [self._growth(old, new) for old, new in zip(self._snapshots, self._snapshots[1:])]
        times = collections.Counter(name for growth in growths for name in growth)
        leaking = sorted(name for name, count in times.items() if count >= len(growths) - 1)
        if leaking:
            names = "\n".join(f" - {name}" for name in leaking)
            raise AssertionError(
                f"Objects of these types were left at every snapshot, but for at most one:\n\n{names}"
            )

    def assert_no_new_python_objects(self, threshold: Mapping[str, int] | None = None) -> None:
        """Raises AssertionError if there are more objects at the last snapshot than at the first.

        Args:
          threshold: How many more of a type there may be, by the type's full name.
        """
        allowed = dict(threshold or {})
        growth = self._growth(self._snapshots[0], self._snapshots[-1])
        listed = f"threshold: {allowed}; new Python objects: {growth.most_common()}"
        if any(count > allowed.get(name, 0) for name, count in growth.items()):
            raise AssertionError(f"New Python objects exceed the threshold. {listed}")
        if any(count > growth[name] for name, count in allowed.items()):
            warning("There are fewer new Python objects than the threshold. %s", listed)

    def _growth(self, old: dict[str, set[int]], new: dict[str, set[int]]) -> collections.Counter:
        """The growth of the number of objects of each type from `old` to `new`, where positive, without the snapshots themselves."""
        own = {id(kept) for snapshot in self._snapshots for kept in (snapshot, *snapshot.values())}
        growth: collections.Counter[str] = collections.Counter()
        for name, ids in new.items():
            growth[name] = len(ids - own) - len(old.get(name, set()) - own)
        return +growth
