"""Bucket indices of keys in a table with open addressing, as TensorFlow stores such tables in checkpoints."""

from collections.abc import Iterable

from penstock._src.ops.strings.fingerprint import hash64


def places(keys: Iterable[bytes | int], count: int) -> list[int]:
    """The bucket of each key among `count`, a power of 2: at its hash, or where further and further steps find a free one."""
    buckets: list[int] = []
    taken = set()
    for key in keys:
        at = (hash64(key) if isinstance(key, bytes) else int(key)) & (count - 1)
        step = 0
        while at in taken:
            step += 1
            at = (at + step) & (count - 1)
        taken.add(at)
        buckets.append(at)
    return buckets
