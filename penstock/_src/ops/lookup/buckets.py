"""Bucket indices of keys in a table with open addressing, as TensorFlow stores such tables in checkpoints."""

from collections.abc import Iterable
from typing import Any

from penstock._src.ops.strings.fingerprint import hash64


class Buckets:
    """The buckets of a table: which key each holds, and the values that removed keys left.

    A removed key's bucket stays marked until another key takes it, with the value that it had.
    """

    def __init__(self, keys: Iterable[bytes | int], count: int) -> None:
        self.count = count
        self.of_key: dict[bytes | int, int] = {}
        self.taken: set[int] = set()
        self.removed: dict[int, Any] = {}
        for key in keys:
            self.add(key)

    def add(self, key: bytes | int) -> None:
        """Give a new key the bucket at its hash, or where further and further steps find a free or removed one."""
        if key in self.of_key:
            return
        at = (hash64(key) if isinstance(key, bytes) else int(key)) & (self.count - 1)
        step = 0
        while at in self.taken:
            step += 1
            at = (at + step) & (self.count - 1)
        self.taken.add(at)
        self.removed.pop(at, None)
        self.of_key[key] = at

    def remove(self, key: bytes | int, value: Any) -> None:
        """Mark the bucket of a key as removed; it keeps the value."""
        at = self.of_key.pop(key)
        self.taken.discard(at)
        self.removed[at] = value

    def grown(self, count: int) -> "Buckets":
        """Return `count` buckets with the keys of these, in their order; removed keys leave nothing."""
        return Buckets(sorted(self.of_key, key=self.of_key.__getitem__), count)
